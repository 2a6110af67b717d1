"""Reading the leased partitions of running scans, one worker task each, with the lease renewed while the task lives."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from actors.scans import worker
from actors.scans.contract import CommitReport, FailPartition, Lease, LeasePartitions, RenewLeases, ScanRules
from actors.scans.planning import Runner
from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict, SextantError, Unavailable
from cluster.kernels.report import PartitionReport
from cluster.runtime.window import Window

log = structlog.get_logger("scans")

Input = Callable[[str], Awaitable[tuple[SourceAccess, ScanRules]]]
Held = tuple[str, str, int, int]


class Reading:
    """Leases as many partitions as there are free slots, and settles each: a report, or the problem that ended it."""

    def __init__(self, command: Callable[[Any], Awaitable[Any]], run: Runner, given: Input, seconds: float) -> None:
        self._command, self._run, self._input, self._seconds = command, run, given, seconds
        self.window: Window[Held] = Window(1, _report)

    async def start(self, slots: int, due: bool, active: set[str]) -> None:
        """Fills the window of `slots` if something is due; stops what belongs to a scan that has ended."""
        self.window.size = slots
        self.window.cancel(frozenset(key for key in self.window.keys if key[0] not in active))
        if due and self.window.free:
            found = await self._command(LeasePartitions(limit=self.window.free, seconds=self._seconds))
            for lease in found.leases:
                self.window.start(_held(lease), self._scan(lease))

    async def release(self, held: list[Held]) -> None:
        """Gives back leases of an earlier incarnation, whose results can no longer be committed."""
        if held:
            await self._command(RenewLeases(held=tuple(held), seconds=0))

    async def _scan(self, lease: Lease) -> None:
        settled: CommitReport | FailPartition
        name = {"scan_id": lease.scan_id, "asset_id": lease.asset_id, "number": lease.partition.number}
        try:
            access, rules = await self._input(lease.scan_id)
            report = await self._while_renewing(lease, self._run(worker.scan_partition, access, lease.partition, rules))
            settled = CommitReport(**name, fence=lease.fence, report=report)
        except SextantError as error:
            problem = worker.problem_of(lease.partition.asset, error)
            settled = FailPartition(**name, fence=lease.fence, problem=problem, retryable=error.retryable)
        await self._settle(settled)

    async def _while_renewing(self, lease: Lease, work: Awaitable[PartitionReport]) -> PartitionReport:
        task = asyncio.ensure_future(work)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=self._seconds / 3)
                if done:
                    return task.result()
                await self._settle(RenewLeases(held=(_held(lease),), seconds=self._seconds))
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _settle(self, command: CommitReport | FailPartition | RenewLeases) -> None:
        """Says it until the database has heard it, for as long as the lease may last."""
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                await self._command(command)
                return
            except Conflict as error:
                log.info("result refused", reason=error.detail)
                return
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)


def _held(lease: Lease) -> Held:
    return (lease.scan_id, lease.asset_id, lease.partition.number, lease.fence)


def _report(error: BaseException | None) -> None:
    if error is not None:
        log.warning("scan task ended", error=getattr(error, "code", type(error).__name__))
