"""What a step of a workflow is."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session

from cluster.runtime.commands import Command

R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True)
class Way:
    """The workflow that a step belongs to."""

    workflow_id: str
    source_id: str
    ruleset: str
    phase: str


@dataclass(frozen=True)
class Settled:
    """How a step ended: partial where some of it could not be done, failed where none of it could."""

    state: Literal["succeeded", "partial", "failed"] = "succeeded"
    counters: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


Commands = Callable[[Session, Way], Iterable[Command[Any]]]
Settle = Callable[[Session, Way, list[BaseModel]], Settled | None]


Tasks = Callable[..., Awaitable[Any]]
"""How a module-level function is run in a worker: `cluster.runtime.tasks.run_task`."""


@dataclass(frozen=True)
class Inquiry:
    """What a worker finds out before a command is sent: what it is given, the work itself, and the command with what
    came of it. What it adds beside is kept among the results of the step: figures, and nothing that grows."""

    given: Callable[[Session, Command[Any]], Any]
    work: Callable[[Any, Tasks], Awaitable[Any]]
    applied: Callable[[Command[Any], Any], tuple[Command[Any], BaseModel]]


@dataclass(frozen=True)
class Step:
    name: str
    commands: Commands
    settled: Settle
    inquiry: Inquiry | None = None


def only(results: list[BaseModel], cls: type[R]) -> R:
    """The one result of a class among those of a step."""
    return next(result for result in results if isinstance(result, cls))


def batches(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items in tuples of at most `size`, so that no command grows with the estate."""
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch
