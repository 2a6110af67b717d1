"""The base of the group actors: one door, one writer, and loops that are kept running.

An actor holds nothing that PostgreSQL does not: a new incarnation takes over the epoch and goes on from the tables.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import structlog

from cluster.context import Caller, system
from cluster.errors import StaleEpoch, Unavailable
from cluster.runtime.commands import Command, Outcome, R, Service
from cluster.runtime.writer import GroupWriter
from cluster.store.engine import database_url, engine
from cluster.telemetry import configure_logging, place_of

log = structlog.get_logger("actor")

Loop = Callable[[], Awaitable[None]]


class GroupActor:
    """An asynchronous Ray actor that is the only writer of its group's tables."""

    service: ClassVar[Service]

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits an actor's asynchronous constructor
        configure_logging(f"actor:{self.service.group}")
        database_url()
        self._bells: list[asyncio.Event] = []
        self.writer = GroupWriter(self.service, engine(), self.ring)
        # Opened in the background: a constructor that fails would be the end of the actor, and a database may be late.
        self._tasks = [asyncio.create_task(self._write())]
        self._tasks += [asyncio.create_task(self._keep(loop)) for loop in self.loops()]

    def loops(self) -> Sequence[Loop]:
        """The group's own loops; each is an iteration that is run again after a commit, or when a second has passed."""
        return ()

    def ring(self) -> None:
        """Makes every loop run once more, at once."""
        for bell in self._bells:
            bell.set()

    async def execute(self, command: Command[Any], caller: Caller) -> Outcome:
        """The one door: carries out the command and returns after the commit."""
        return await self.writer.execute(command, caller)

    async def describe(self) -> dict[str, Any]:
        """The incarnation: group, epoch and process."""
        return {"group": self.service.group, "epoch": self.writer.epoch, "pid": os.getpid()}

    async def command(self, command: Command[R], cause: int | None = None) -> R:
        """Carries out one of the group's own commands from its loops. Raises what the command raised."""
        outcome = await self.writer.execute(command, system(self.service.group, cause))
        return result_of(command, outcome)

    async def _write(self) -> None:
        while self.writer.epoch == 0:
            try:
                await self.writer.open()
            except Exception as error:
                log.warning("waiting for the database", error=type(error).__name__)
                await asyncio.sleep(1)
        try:
            await self.writer.run()
            log.warning("replaced by a newer incarnation")
        except Exception as error:
            log.error("the writer ended", error=type(error).__name__, place=place_of(error))
        os._exit(0)  # Ray starts another incarnation; one without a writer would only keep its callers waiting

    async def _keep(self, loop: Loop) -> None:
        bell = asyncio.Event()  # one for each loop: what wakes one must not be used up by another
        self._bells.append(bell)
        while True:
            try:
                if self.writer.epoch:
                    bell.clear()
                    await loop()
                with contextlib.suppress(TimeoutError):  # of the bell alone: one of the loop is an error like others
                    await asyncio.wait_for(bell.wait(), 1.0)
            except (Unavailable, StaleEpoch) as error:
                log.warning("loop waits", loop=loop.__name__, error=error.code)
                await asyncio.sleep(1)
            except Exception as error:
                log.error("loop failed", loop=loop.__name__, error=type(error).__name__, place=place_of(error))
                await asyncio.sleep(1)


def result_of(command: Command[R], outcome: Outcome) -> R:
    """The typed result of an outcome. Raises its error, if it has one."""
    if outcome.error is not None:
        raise outcome.error.raised()
    result: R = command.result_type().model_validate(outcome.value)  # type: ignore[assignment]  # R is that class
    return result
