"""The actor of the sources group: runs the tests and discoveries that were asked for."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from actors.sources import queries, worker
from actors.sources.contract import BeginWork, RecordDiscovery, RecordTest
from actors.sources.service import service
from cluster.connectors.interface import Problem, SourceAccess, TestStep
from cluster.connectors.steps import diagnosis_of
from cluster.errors import Internal, SextantError, Unavailable
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import run_task
from cluster.runtime.window import Window
from cluster.store.engine import reading

log = structlog.get_logger("sources")

AT_ONCE = 4
ATTEMPTS = 3
T = TypeVar("T")


class SourcesActor(GroupActor):
    """Work that was queued is rows; whatever incarnation finds them does it."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._window: Window[str] = Window(AT_ONCE, self._ended)
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._start_queued,)

    async def _start_queued(self) -> None:
        busy = set(self._window.keys)  # what ends while the rows are read may stand in them as still under way
        tests, discoveries = await asyncio.to_thread(_queued)
        waiting = [*((one, self._test) for one in tests), *((one, self._discover) for one in discoveries)]
        for identifier, work in waiting:
            if self._window.free and identifier not in busy and identifier not in self._window.keys:
                self._window.start(identifier, work(identifier))

    def _ended(self, error: BaseException | None) -> None:
        if error is not None:  # it is still queued, and is done again
            log.warning("work ended", error=getattr(error, "code", type(error).__name__))
        else:
            self.ring()

    async def _test(self, test_id: str) -> None:
        await self.command(BeginWork(kind="test", id=test_id))
        access = await asyncio.to_thread(_access_of_test, test_id)
        try:
            steps, facts = await _attempt(worker.test_access, access)
            record = RecordTest(test_id=test_id, steps=steps, facts=facts)
        except SextantError as error:
            record = _failed_test(test_id, error)
        try:
            await self.command(record)
        except Internal as error:  # what was found cannot be stored, and to ask the source again would never end
            await self.command(_failed_test(test_id, error))

    async def _discover(self, discovery_id: str) -> None:
        await self.command(BeginWork(kind="discovery", id=discovery_id))
        access = await asyncio.to_thread(_access_of_discovery, discovery_id)
        try:
            enumeration, facts = await _attempt(worker.enumerate_source, access)
            record = RecordDiscovery(discovery_id=discovery_id, enumeration=enumeration, facts=facts)
        except SextantError as error:
            record = _failed_discovery(discovery_id, error)
        try:
            await self.command(record)
        except Internal as error:
            await self.command(_failed_discovery(discovery_id, error))


async def _attempt(function: Callable[[SourceAccess], T], access: SourceAccess) -> T:
    """Runs the function in a worker, again if the worker was lost, which says nothing about the source."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await run_task(function, access, cpus=0)
        except Unavailable:
            continue
    return await run_task(function, access, cpus=0)


def _failed_test(test_id: str, error: SextantError) -> RecordTest:
    step = TestStep(
        name="CheckAccess",
        status="failed",
        category="gate",
        duration_ms=0.0,
        summary=error.detail,
        code=error.code,
        diagnosis=diagnosis_of(error),
        remedy=error.remedy,
    )
    return RecordTest(test_id=test_id, steps=(step,), facts=None)


def _failed_discovery(discovery_id: str, error: SextantError) -> RecordDiscovery:
    problem = Problem(path="", code=error.code, detail=error.detail, remedy=error.remedy)
    return RecordDiscovery(discovery_id=discovery_id, enumeration=None, facts=None, problem=problem)


def _queued() -> tuple[list[str], list[str]]:
    with reading() as session:
        return queries.queued(session)


def _access_of_test(test_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access_of_test(session, test_id)


def _access_of_discovery(discovery_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access(session, queries.get_discovery(session, discovery_id).source_id, allow_retired=True)
