"""Cutting the assets of running scans into partitions, a batch of them to a worker task."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import Any, Protocol

import structlog

from actors.scans import worker
from actors.scans.contract import RecordPlan
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.errors import SextantError, SourceError, Unavailable
from cluster.runtime.window import Window

log = structlog.get_logger("scans")

TASKS = 2
BATCH = 16
LARGE = 1 << 30
TRIES = 3
PAUSE_SECONDS = 1.0

Pair = tuple[str, str]
Waiting = list[tuple[str, str, AssetInfo]]
Access = Callable[[str], Awaitable[SourceAccess]]


class Runner(Protocol):
    """Runs a module-level function in a worker process; see `cluster.runtime.tasks.run_task`."""

    def __call__(self, function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> Awaitable[Any]: ...


class Planning:
    """Keeps a few planning tasks under way. All that it must not forget is in the tables.

    An asset is tried three times if the reason for its failure may pass: alone where a worker was lost over it, so that
    it spoils no other; a source that cannot be reached three times running is given up for this scan as a whole.
    """

    def __init__(self, command: Callable[[Any], Awaitable[Any]], run: Runner, access: Access, target: int) -> None:
        self._command, self._run, self._access, self._target = command, run, access, target
        self.window: Window[tuple[Pair, ...]] = Window(TASKS, _report)
        self._tries: dict[Pair, int] = {}
        self._unreachable: dict[str, tuple[int, SourceError]] = {}
        self._rest: dict[str, float] = {}

    @property
    def page(self) -> int:
        """How many waiting assets `start` wants to see: those under way and in a pause are among them."""
        return TASKS * BATCH + sum(len(key) for key in self.window.keys) + len(self._tries)

    def start(self, waiting: Waiting, active: set[str]) -> None:
        """Starts what there is room for; stops what belongs to a scan that has ended."""
        self.window.cancel(frozenset(key for key in self.window.keys if key[0][0] not in active))
        self._tries = {pair: tries for pair, tries in self._tries.items() if pair[0] in active}
        self._unreachable = {scan: found for scan, found in self._unreachable.items() if scan in active}
        self._rest = {scan: until for scan, until in self._rest.items() if scan in active}
        under_way = {pair for key in self.window.keys for pair in key}
        left = [item for item in waiting if (item[0], item[1]) not in under_way and self._ready(item[0])]
        while left and self.window.free:
            batch = self._batch(left)
            left = [item for item in left if item not in batch]
            self.window.start(tuple((scan, asset) for scan, asset, _ in batch), self._plan(batch))

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

    async def _plan(self, batch: Waiting) -> None:
        scan_id = batch[0][0]
        tries, given_up = self._unreachable.get(scan_id, (0, None))
        try:
            access = await self._access(scan_id)
        except Unavailable:
            self._rest[scan_id] = time.monotonic() + PAUSE_SECONDS  # Sextant's own database: no fault of any asset
            return
        try:
            if given_up is not None and tries >= TRIES:
                raise given_up
            plans = await self._run(worker.plan_assets, access, [info for _, _, info in batch], self._target, cpus=0)
            self._unreachable.pop(scan_id, None)
        except SourceError as error:
            if error.retryable and tries + 1 < TRIES:
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
        record = RecordPlan(scan_id=scan_id, asset_id=asset_id, partitions=plan.partitions, problem=plan.problem)
        await self._command(record)
        self._tries.pop((scan_id, asset_id), None)


def _failed(batch: Waiting, error: SextantError, *, retryable: bool) -> list[worker.Planned]:
    return [worker.Planned(problem=worker.problem_of(info.path, error), retryable=retryable) for _, _, info in batch]


def _report(error: BaseException | None) -> None:
    if error is not None:
        log.warning("planning task ended", error=getattr(error, "code", type(error).__name__))
