"""The actor of the sources group: runs the tests and discoveries that were asked for."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from actors.sources import account_queries, expiry, health_queries, pools, queries, worker
from actors.sources.contract import (
    BeginWork,
    RecordAccount,
    RecordDiscovery,
    RecordTest,
    RecordTuning,
    WatchCredentials,
)
from actors.sources.health import Standing
from actors.sources.prober import Known, Prober
from actors.sources.probing import Sample, Target
from actors.sources.service import service
from cluster.clouds.interface import AccountAccess
from cluster.connectors.interface import AssetInfo, Problem, SourceAccess, TestStep
from cluster.connectors.steps import diagnosis_of
from cluster.errors import Internal, SextantError, Unavailable
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import run_task
from cluster.runtime.window import Window
from cluster.settings import settings
from cluster.store.engine import reading

log = structlog.get_logger("sources")

AT_ONCE = 4
WATCH_SECONDS = 60.0
ATTEMPTS = 3
T = TypeVar("T")


class SourcesActor(GroupActor):
    """Work that was queued is rows; whatever incarnation finds them does it."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._window: Window[str] = Window(AT_ONCE, self._ended)
        self._prober = Prober(_to_probe, self.command, _probe_elsewhere, settings().probe_seconds)
        self._watched = -math.inf
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._start_queued, self._look, self._watch)

    async def _watch(self) -> None:
        """Tells once a minute of credentials that run out."""
        if time.monotonic() - self._watched >= WATCH_SECONDS:
            self._watched = time.monotonic()
            if await asyncio.to_thread(_running_out):
                await self.command(WatchCredentials())

    async def _look(self) -> None:
        await self._prober.look()

    async def _start_queued(self) -> None:
        busy = set(self._window.keys)  # what ends while the rows are read may stand in them as still under way
        tests, discoveries, tunings, listings = await asyncio.to_thread(_queued)
        waiting = [
            *((one, self._test) for one in tests),
            *((one, self._discover) for one in discoveries),
            *((one, self._tune) for one in tunings),
            *((one, self._list) for one in listings),
        ]
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

    async def _list(self, discovery_id: str) -> None:
        access = await asyncio.to_thread(_account_input, discovery_id)
        try:
            listing = await run_task(worker.list_account, access, cpus=0)
            record = RecordAccount(discovery_id=discovery_id, listing=listing)
        except SextantError as error:
            problem = Problem(path="", code=error.code, detail=error.detail, remedy=error.remedy)
            record = RecordAccount(discovery_id=discovery_id, problem=problem)
        await self.command(record)

    async def _tune(self, tuning_id: str) -> None:
        access, assets, most = await asyncio.to_thread(_tuning_input, tuning_id)
        try:
            measured = await _attempt(worker.measure_source, access, assets, most)
            record = RecordTuning(tuning_id=tuning_id, measured=measured)
        except SextantError as error:
            record = _failed_tuning(tuning_id, error)
        await self.command(record)

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


def _failed_tuning(tuning_id: str, error: SextantError) -> RecordTuning:
    problem = Problem(path="", code=error.code, detail=error.detail, remedy=error.remedy)
    return RecordTuning(tuning_id=tuning_id, problem=problem)


async def _attempt(function: Callable[..., T], access: SourceAccess, *more: Any) -> T:
    """Runs the function in a worker, again if the worker was lost, which says nothing about the source."""
    where: dict[str, Any] = {"labels": access.node_labels} if access.node_labels else {}
    for _ in range(ATTEMPTS - 1):
        try:
            return await run_task(function, access, *more, cpus=0, **where)
        except Unavailable:
            continue
    return await run_task(function, access, *more, cpus=0, **where)


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


async def _probe_elsewhere(targets: Sequence[Target], labels: Mapping[str, str]) -> list[Sample]:
    return await run_task(worker.probe_targets, list(targets), cpus=0, labels=labels)


def _running_out() -> bool:
    with reading() as session:
        return bool(expiry.untold(session, datetime.now(UTC)))


def _to_probe() -> list[Known]:
    with reading() as session:
        return [
            Known(access, Standing.model_validate(row.standing) if row else None, row.asked_at if row else None)
            for access, row in health_queries.to_probe(session)
        ]


def _queued() -> tuple[list[str], list[str], list[str], list[str]]:
    with reading() as session:
        more = pools.waiting_tunings(session), account_queries.waiting_discoveries(session)
        return (*queries.queued(session), *more)


def _account_input(discovery_id: str) -> AccountAccess:
    with reading() as session:
        return account_queries.discovery_input(session, discovery_id)


def _tuning_input(tuning_id: str) -> tuple[SourceAccess, list[AssetInfo], int]:
    with reading() as session:
        return pools.tuning_input(session, tuning_id)


def _access_of_test(test_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access_of_test(session, test_id)


def _access_of_discovery(discovery_id: str) -> SourceAccess:
    with reading() as session:
        return queries.access(session, queries.get_discovery(session, discovery_id).source_id, allow_retired=True)
