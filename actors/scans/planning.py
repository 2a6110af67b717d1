"""Cutting the assets of running scans into partitions, a batch of them to a worker task."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Protocol

import structlog

from actors.scans import worker
from actors.scans.contract import RecordPlan, ScanRules
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.connectors.pace import Pace
from cluster.errors import SextantError, SourceAuthFailed, SourceError, Unavailable
from cluster.runtime.window import Window

log = structlog.get_logger("scans")

TASKS = 2
BATCH = 16
LARGE = 1 << 30
TRIES = 3
PAUSE_SECONDS = 1.0

NO_PACES: Mapping[str, Pace] = MappingProxyType({})

Pair = tuple[str, str]
Waiting = list[tuple[str, str, AssetInfo]]
Access = Callable[[str], Awaitable[SourceAccess]]
Piloted = Callable[[str], Awaitable[ScanRules | None]]


async def no_pilot(scan_id: str) -> None:
    """Plans without trying a batch of each asset."""


class Runner(Protocol):
    """Runs a module-level function in a worker process; see `cluster.runtime.tasks.run_task`."""

    def __call__(
        self, function: Callable[..., Any], *arguments: Any, cpus: float = 1.0, spread: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> Awaitable[Any]: ...  # fmt: skip


class Planning:
    """Keeps a few planning tasks under way. All that it must not forget is in the tables.

    An asset is tried three times if the reason for its failure may pass: alone where a worker was lost over it, so that
    it spoils no other; a source that cannot be reached three times running is given up for this scan as a whole.
    """

    def __init__(
        self,
        command: Callable[[Any], Awaitable[Any]],
        run: Runner,
        access: Access,
        target: int,
        piloted: Piloted = no_pilot,
    ) -> None:
        self._command, self._run, self._access, self._target = command, run, access, target
        self._piloted = piloted
        self.window: Window[tuple[Pair, ...]] = Window(TASKS, _report)
        self._paces: dict[tuple[Pair, ...], Pace | None] = {}
        self._tries: dict[Pair, int] = {}
        self._unreachable: dict[str, tuple[int, SourceError]] = {}
        self._rest: dict[str, float] = {}

    @property
    def page(self) -> int:
        """How many waiting assets `start` wants to see: those under way and in a pause are among them."""
        return TASKS * BATCH + sum(len(key) for key in self.window.keys) + len(self._tries)

    def start(self, waiting: Waiting, active: Collection[str], paces: Mapping[str, Pace] = NO_PACES) -> None:
        """Starts what there is room for; stops what belongs to a scan that has ended, or is read at another pace now.

        `paces` are those of scans whose source has one: of these one task at a time is under way.
        """
        self._paces = {key: pace for key, pace in self._paces.items() if key in self.window.keys}
        changed = {key for key, pace in self._paces.items() if paces.get(key[0][0], pace) != pace}
        self.window.cancel(frozenset(key for key in self.window.keys if key[0][0] not in active or key in changed))
        self._tries = {pair: tries for pair, tries in self._tries.items() if pair[0] in active}
        self._unreachable = {scan: found for scan, found in self._unreachable.items() if scan in active}
        self._rest = {scan: until for scan, until in self._rest.items() if scan in active}
        under_way = {pair for key in self.window.keys for pair in key}
        left = [item for item in waiting if (item[0], item[1]) not in under_way and self._ready(item[0])]
        busy = {scan for scan, _ in under_way if scan in paces}
        left = [item for item in left if item[0] not in busy]
        while left and self.window.free:
            batch = self._batch(left)
            left = [item for item in left if item not in batch and (item[0] != batch[0][0] or item[0] not in paces)]
            key, pace = tuple((scan, asset) for scan, asset, _ in batch), paces.get(batch[0][0])
            self._paces[key] = pace
            self.window.start(key, self._plan(batch, pace))

    def _ready(self, scan_id: str) -> bool:
        return self._rest.get(scan_id, 0.0) <= time.monotonic()

    def _batch(self, left: Waiting) -> Waiting:
        first = left[0]
        if (first[0], first[1]) in self._tries:
            return [first]
        same = [item for item in left if item[0] == first[0] and (item[0], item[1]) not in self._tries][:BATCH]
        # A source may have to look at all of an asset to tell its fingerprints: large ones are not made to queue.
        sizes = accumulate(info.bytes or 0 for _, _, info in same)
        return [item for place, (item, size) in enumerate(zip(same, sizes, strict=True)) if not place or size < LARGE]

    async def _plan(self, batch: Waiting, pace: Pace | None) -> None:
        scan_id = batch[0][0]
        tries, given_up = self._unreachable.get(scan_id, (0, None))
        try:
            access, piloted = await self._access(scan_id), await self._piloted(scan_id)
        except Unavailable:
            self._rest[scan_id] = time.monotonic() + PAUSE_SECONDS  # Sextant's own database: no fault of any asset
            return
        try:
            if given_up is not None and tries >= TRIES:
                raise given_up
            assets = [info for _, _, info in batch]
            # A pilot computes, and is given a CPU for it.
            cpus = 1.0 if piloted else 0.0
            arguments = (piloted, pace) if pace else (piloted,) if piloted else ()
            where: dict[str, Any] = {"labels": access.node_labels} if access.node_labels else {}
            plans = await self._run(worker.plan_assets, access, assets, self._target, *arguments, cpus=cpus, **where)
            self._unreachable.pop(scan_id, None)
        except SourceError as error:
            if (error.retryable or isinstance(error, SourceAuthFailed)) and tries + 1 < TRIES:
                self._unreachable[scan_id] = (tries + 1, error)
                self._rest[scan_id] = time.monotonic() + PAUSE_SECONDS * 2 ** (tries + 1)
                return
            self._unreachable[scan_id] = (TRIES, error)
            plans = _failed(batch, error, retryable=False)
        except SextantError as error:
            plans = _failed(batch, error, retryable=error.retryable)
        await asyncio.gather(*(self._record(item, plan) for item, plan in zip(batch, plans, strict=True)))

    async def _record(self, item: tuple[str, str, AssetInfo], plan: worker.Planned) -> None:
        scan_id, asset_id, _ = item
        tries = self._tries.get((scan_id, asset_id), 0) + 1
        if plan.problem is not None and plan.retryable and tries < TRIES:
            self._tries[(scan_id, asset_id)] = tries
            self._rest[scan_id] = time.monotonic() + PAUSE_SECONDS
            return
        record = RecordPlan(
            scan_id=scan_id, asset_id=asset_id, partitions=plan.partitions, problem=plan.problem,
            pilot=plan.pilot.model_dump() if plan.pilot else None,
        )  # fmt: skip
        await self._command(record)
        self._tries.pop((scan_id, asset_id), None)


def _failed(batch: Waiting, error: SextantError, *, retryable: bool) -> list[worker.Planned]:
    return [worker.Planned(problem=worker.problem_of(info.path, error), retryable=retryable) for _, _, info in batch]


def _report(error: BaseException | None) -> None:
    if error is not None:
        log.warning("planning task ended", error=getattr(error, "code", type(error).__name__))
