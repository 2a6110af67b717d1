"""Ray tasks as plain awaited calls. The caller bounds how many are under way."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from cluster.errors import Internal, SextantError, SourceUnreachable, Unavailable

T = TypeVar("T")


@cache
def _remote(function: Callable[..., Any]) -> Any:
    return ray.remote(function)


async def run_task(
    function: Callable[..., T], *arguments: Any, cpus: float = 1.0, name: str = "", spread: bool = False,
    labels: Mapping[str, str] | None = None,
) -> T:  # fmt: skip
    """Runs a module-level function in a worker process and returns its result; with `spread` on another node in turn.

    With `labels` on a node that has all of them; SourceUnreachable where there is none, since it would wait for ever.

    It is tried once: repeating is the business of whoever holds the lease. Raises the function's SextantError,
    Unavailable if the worker died, Internal for any other failure; cancelling the call kills the worker.
    """
    options = {"num_cpus": cpus, "max_retries": 0, "name": name or function.__name__}
    if spread:
        options["scheduling_strategy"] = "SPREAD"
    if labels:
        await _find_node(labels)
        options["label_selector"] = dict(labels)
    reference = _remote(function).options(**options).remote(*arguments)
    try:
        result: T = await reference
        return result
    except asyncio.CancelledError:
        with contextlib.suppress(RayError):
            ray.cancel(reference, force=True)
        raise
    except TaskCancelledError:
        raise Unavailable("The task was cancelled.", "Start it again.") from None
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, SextantError):
            raise cause from None
        raise Internal(f"{function.__name__} failed in a worker ({type(cause).__name__}).", "See the log.") from None
    except RayError as error:
        raise Unavailable(f"A worker was lost ({type(error).__name__}).", "The work is tried again.") from None


async def _find_node(labels: Mapping[str, str]) -> None:
    for node in await asyncio.to_thread(ray.nodes):
        if node["Alive"] and labels.items() <= node.get("Labels", {}).items():
            return
    wanted = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
    raise SourceUnreachable(
        f"No node of the cluster has the labels {wanted}.",
        "Start one with `ray start --labels`, or place the source anew.",
        {"diagnosis": "no-node"},
    )  # fmt: skip


def most_cpus() -> int | None:
    """The CPUs that the cluster may grow to; None if nothing makes it grow."""
    limits = ray._private.state.state.get_max_resources_from_cluster_config()  # as Ray Data finds it out itself
    return int(limits["CPU"]) if limits and limits.get("CPU") else None


def request_cpus(cpus: int) -> None:
    """Asks the autoscaler to have so many CPUs, until it is asked for another number; 0 takes the request back."""
    request_resources(num_cpus=cpus)
