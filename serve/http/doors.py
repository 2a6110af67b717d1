"""What the routes stand on: how a command is sent, and how the store is read."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Request
from sqlalchemy import Engine

from cluster.context import Caller
from cluster.runtime.commands import Command, R
from cluster.store.engine import ReadSession, reading

if TYPE_CHECKING:
    from serve.http.identity import KnownTokens
    from serve.http.loaded_models import ModelsAtHand
    from serve.http.measure import Measures
    from serve.http.tail import Tail


T = TypeVar("T")
GROUPS = ("sources", "rulesets", "scans", "classification", "catalog", "compliance", "orchestrator")


class SendCommand(Protocol):
    """Carries a command to its group and returns its result after the commit. Raises the command's own error."""

    async def __call__(self, command: Command[R], caller: Caller) -> R: ...


Probe = Callable[[], Awaitable[dict[str, dict[str, Any] | None]]]


class Work(Protocol):
    """Runs a module-level function that reads a source where sources are read. Raises the function's own error."""

    async def __call__(self, function: Callable[..., T], *arguments: Any) -> T: ...


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Runs it in this process: the way of an application that has no workers."""
    return await asyncio.to_thread(function, *arguments)


async def no_probe() -> dict[str, dict[str, Any] | None]:
    """The probe of an application that has no actors to ask."""
    return {}


@dataclass
class Doors:
    """The one object that routes get their means from. `probe` asks each group's actor what it is; None if silent."""

    send: SendCommand
    engine: Engine
    known_tokens: "KnownTokens"
    tail: "Tail"
    measures: "Measures"
    models: "ModelsAtHand"
    probe: Probe = field(default=no_probe)
    work: Work = field(default=in_thread)

    def reading(self) -> AbstractContextManager[ReadSession]:
        """A read-only transaction on one snapshot."""
        return reading(self.engine)


def doors_of(request: Request) -> Doors:
    """The means of the application that serves this request."""
    doors: Doors = request.app.state.doors
    return doors


Access = Annotated[Doors, Depends(doors_of)]
