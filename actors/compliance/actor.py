"""The actor of the compliance group: the one writer of facts, findings, records, orders and recommendations."""

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

import structlog

from actors.compliance import queries
from actors.compliance.contract import KeepClocks, RecordOrder
from actors.compliance.service import service
from actors.compliance.worker import Job, carry_out
from cluster.errors import SextantError, Unavailable
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import run_task
from cluster.runtime.window import Window
from cluster.store.engine import reading

log = structlog.get_logger("compliance")

CLOCK_SECONDS = 60.0
DEADLINE_SECONDS = 3600.0  # deadlines are days, and looking through all open findings of a large estate takes a while
AT_ONCE = 2


class ComplianceActor(GroupActor):
    """Commands are short and pure over stored facts. Orders are rows; whatever incarnation finds them has them done."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._clocks_at = self._deadlines_at = 0.0
        self._window: Window[str] = Window(AT_ONCE, self._ended)
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._keep_clocks, self._carry_out)

    async def _keep_clocks(self) -> None:
        """Once a minute, and the deadlines of findings once an hour."""
        now = time.monotonic()
        if now >= self._clocks_at:
            due = now >= self._deadlines_at
            await self.command(KeepClocks(deadlines=due))
            self._clocks_at = now + CLOCK_SECONDS
            self._deadlines_at = now + DEADLINE_SECONDS if due else self._deadlines_at

    async def _carry_out(self) -> None:
        busy = set(self._window.keys)
        for job in await asyncio.to_thread(_jobs):
            if self._window.free and job.id not in busy and job.id not in self._window.keys:
                self._window.start(job.id, self._done(job))

    def _ended(self, error: BaseException | None) -> None:
        if error is not None:  # it still waits, and is done again
            log.warning("order ended", error=getattr(error, "code", type(error).__name__))
        else:
            self.ring()

    async def _done(self, job: Job) -> None:
        """Has a worker plan the order or carry it out, and records what came of it. What is done again does no harm."""
        state: Literal["planning", "approved"] = "planning" if job.state == "planning" else "approved"
        try:
            result = await run_task(carry_out, job, cpus=0)
            await self.command(RecordOrder(order_id=job.id, of_state=state, result=result))
        except Unavailable:
            raise
        except SextantError as error:
            await self.command(RecordOrder(order_id=job.id, of_state=state, problem=str(error)))


def _jobs() -> list[Job]:
    with reading() as session:
        return queries.jobs(session)
