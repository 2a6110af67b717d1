"""Reaching the group actors: making sure that they exist, and sending them commands."""

import asyncio
import time
from typing import Any

import ray
import structlog
from ray.exceptions import RayActorError, RayError

from cluster.context import Caller
from cluster.errors import Unavailable
from cluster.runtime.actor import GroupActor, result_of
from cluster.runtime.commands import Command, Outcome, R

log = structlog.get_logger("doors")

NAMESPACE = "sextant"
PATIENCE_SECONDS = 30.0
CONCURRENCY = 2000


def ensure_actor(cls: type[GroupActor]) -> Any:
    """The handle of a group's actor, which is made if it does not exist. Safe to call from anywhere, at any time."""
    group = cls.service.group
    remote = ray.remote(cls).options(
        name=group, namespace=NAMESPACE, lifetime="detached", get_if_exists=True, num_cpus=0,
        max_restarts=-1, max_task_retries=0, max_concurrency=CONCURRENCY,
    )  # fmt: skip
    return remote.remote()


async def send(command: Command[R], caller: Caller) -> R:
    """Sends a command to its group and returns its result after the commit.

    A lost answer is asked for again with the same operation id, so that a person's or program's command takes effect
    once only. The groups' own commands are not remembered by id: they must bear being carried out again. Raises the
    command's own error, or Unavailable when the actor could not be reached for half a minute or was silent for one.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.05
    while True:
        try:
            # get_actor blocks on the GCS; a thread keeps this loop serving others meanwhile.
            handle = await asyncio.to_thread(ray.get_actor, command.group, NAMESPACE)
            outcome: Outcome = await asyncio.wait_for(handle.execute.remote(command, caller), PATIENCE_SECONDS * 2)
            return result_of(command, outcome)
        except (RayActorError, ValueError, TimeoutError) as error:
            if isinstance(error, ValueError) and "actor" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The group '{command.group}' does not answer ({type(error).__name__}).",
                    "It restarts by itself; try again, or see `sextant status`.",
                ) from None
        except RayError as error:
            log.error("call failed", group=command.group, error=type(error).__name__)
            raise Unavailable(f"The call to '{command.group}' was lost.", "Try again.") from None
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1.0)
