"""The actor of the sources group: runs the tests and discoveries that were asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from actors.sources import queries, worker
from actors.sources.contract import BeginWork, RecordDiscovery, RecordTest
from actors.sources.service import service
from cluster.connectors.interface import Problem, SourceAccess, TestStep
from cluster.errors import SextantError, Unavailable
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

AT_ONCE = 4
ATTEMPTS = 3
T = TypeVar("T")


class SourcesActor(GroupActor):
    """Work that was queued is rows; whatever incarnation finds them does it."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._start_queued,)

    async def _start_queued(self) -> None:
        tests, discoveries = await asyncio.to_thread(_queued)
        for identifier in tests:
            self._begin(identifier, self._test)
        for identifier in discoveries:
            self._begin(identifier, self._discover)

    def _begin(self, identifier: str, work: Callable[[str], Awaitable[None]]) -> None:
        if identifier in self._under_way:
            return

        async def bounded() -> None:
            try:
                async with self._slots:
                    await work(identifier)
            finally:
                self._under_way.pop(identifier, None)

        self._under_way[identifier] = asyncio.create_task(bounded())

    async def _test(self, test_id: str) -> None:
        await self.command(BeginWork(kind="test", id=test_id))
        access = await asyncio.to_thread(_access_of_test, test_id)
        try:
            steps, facts = await _attempt(worker.test_access, access)
        except SextantError as error:
            steps, facts = (_failed_step(error),), None
        await self.command(RecordTest(test_id=test_id, steps=steps, facts=facts))

    async def _discover(self, discovery_id: str) -> None:
        await self.command(BeginWork(kind="discovery", id=discovery_id))
        access = await asyncio.to_thread(_access_of_discovery, discovery_id)
        try:
            enumeration, facts = await _attempt(worker.enumerate_source, access)
            record = RecordDiscovery(discovery_id=discovery_id, enumeration=enumeration, facts=facts)
        except SextantError as error:
            problem = Problem(path="", code=error.code, detail=error.detail, remedy=error.remedy)
            record = RecordDiscovery(discovery_id=discovery_id, enumeration=None, facts=None, problem=problem)
        await self.command(record)


async def _attempt(function: Callable[[SourceAccess], T], access: SourceAccess) -> T:
    """Runs the function in a worker, again if the worker was lost, which says nothing about the source."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await run_task(function, access, cpus=0)
        except Unavailable:
            continue
    return await run_task(function, access, cpus=0)


def _failed_step(error: SextantError) -> TestStep:
    return TestStep(
        name="CheckAccess",
        status="failed",
        category="gate",
        duration_ms=0.0,
        summary=error.detail,
        code=error.code,
        remedy=error.remedy,
    )


def _queued() -> tuple[list[str], list[str]]:
    with reading() as session:
        return queries.queued(session)


def _access_of_test(test_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access(session, queries.get_test(session, test_id).source_id)


def _access_of_discovery(discovery_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access(session, queries.get_discovery(session, discovery_id).source_id)
