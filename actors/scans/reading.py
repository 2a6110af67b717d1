"""Reading the leased partitions of running scans, one worker task each, with the lease renewed while the task lives."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog

from actors.scans import worker
from actors.scans.contract import CommitReport, FailPartition, Held, Lease, LeasePartitions, RenewLeases, ScanRules
from actors.scans.dispatch import SUFFERING, Dispatch, is_unreached
from actors.scans.planning import Runner
from actors.scans.stragglers import Likes, patience
from cluster.connectors.interface import SourceAccess
from cluster.connectors.pace import EASED_SHARE
from cluster.errors import Conflict, Internal, SextantError, SourceAuthFailed, Unavailable
from cluster.kernels.report import PartitionReport
from cluster.runtime.window import Window

log = structlog.get_logger("scans")

Input = Callable[[str], Awaitable[tuple[SourceAccess, ScanRules]]]


class Reading:
    """Leases as many partitions as there are free slots, and settles each: a report, or the problem that ended it."""

    def __init__(
        self, command: Callable[[Any], Awaitable[Any]], run: Runner, given: Input, seconds: float,
        forget: Callable[[str], None] = lambda scan_id: None,
    ) -> None:  # fmt: skip
        self._command, self._run, self._input, self._seconds, self._forget = command, run, given, seconds, forget
        self.window: Window[Held] = Window(1, _report)
        self.dispatch, self._likes = Dispatch(), Likes()

    def asking(self, slots: int, planning: tuple[str, ...] = (), *, paced: bool = True) -> LeasePartitions:
        """What to ask for so that `slots` partitions are under way, which may be nothing. See `LeasePartitions`."""
        self.window.size = slots
        return LeasePartitions(
            limit=self.window.free, seconds=self._seconds, slots=slots, limits=self.dispatch.limits(slots),
            under_way=tuple(self.window.keys), planning=planning, paced=paced,
        )  # fmt: skip

    def stop(self, held: Collection[Held], sources: set[str]) -> None:
        """Ends what has no lease any more: its scan has ended, or its source is to be read at another pace.

        Forgets how sources were that are not among `sources`.
        """
        self._likes.keep(sources)
        self.window.cancel(self.window.keys - frozenset(held))

    async def start(self, asked: LeasePartitions) -> None:
        """Leases, and starts a task for each lease."""
        found = await self._command(asked)
        for lease in found.leases:
            self.window.start(held_by(lease), self._scan(lease))

    async def release(self, held: list[Held]) -> None:
        """Gives back leases of an earlier incarnation, whose results can no longer be committed."""
        if held:
            await self._command(RenewLeases(held=tuple(held), seconds=0))

    async def _scan(self, lease: Lease) -> None:
        settled: CommitReport | FailPartition
        name = {"scan_id": lease.scan_id, "asset_id": lease.asset_id, "number": lease.partition.number}
        begun = self.dispatch.begun(lease.source_id)
        try:
            access, rules = await self._input(lease.scan_id)
            access = access.model_copy(update={"keep": lease.keep})
            elsewhere: dict[str, Any] = {"labels": access.node_labels} if access.node_labels else {}
            if lease.attempt > 1 and not elsewhere:
                elsewhere = {"spread": True}  # Ray would go back to the node it knows
            work = self._run(worker.scan_partition, access, lease.partition, rules, lease.pace, lease.only, **elsewhere)
            report = await self._while_renewing(lease, work)
            self._learn(lease, begun, report)
            settled = CommitReport(**name, fence=lease.fence, report=report)
        except SextantError as error:
            unreached = is_unreached(error)
            if error.code in SUFFERING:
                self.dispatch.suffered(lease.source_id, begun, unreached=unreached)
            problem = worker.problem_of(lease.partition.asset, error)
            lost = isinstance(error, Unavailable)
            refused = isinstance(error, SourceAuthFailed)
            if refused:  # it may just have been replaced, at the source or here: the next attempt takes it anew
                self._forget(lease.scan_id)
            again = error.retryable or refused
            waits = unreached and self.dispatch.waits(lease.source_id)
            settled = FailPartition(
                **name, fence=lease.fence, problem=problem, retryable=again, lost=lost, charged=not waits
            )
        finally:
            self.dispatch.ended(lease.source_id)
        try:
            await self._settle(settled)
        except Internal as error:  # a report that cannot be stored: better said now than by a lease that runs out
            problem = worker.problem_of(lease.partition.asset, error)
            await self._settle(FailPartition(**name, fence=lease.fence, problem=problem, retryable=False))

    def _learn(self, lease: Lease, begun: int, report: PartitionReport) -> None:
        size = lease.partition.bytes or report.bytes
        self._likes.saw(lease.source_id, lease.asset_id, lease.partition.bytes, report.seconds)
        if lease.pace is None:  # else it is Sextant itself that waits
            waited = max(0.0, report.seconds - report.cpu_seconds)
            self.dispatch.read(lease.source_id, begun, size, waited, mostly=waited > report.seconds / 2)
        else:
            self.dispatch.answered(lease.source_id, begun)

    async def _while_renewing(self, lease: Lease, work: Awaitable[PartitionReport]) -> PartitionReport:
        task, began = asyncio.ensure_future(work), time.monotonic()
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=self._seconds / 3)
                if done:
                    return task.result()
                self._look_after(lease, time.monotonic() - began)
                await self._settle(RenewLeases(held=(held_by(lease),), seconds=self._seconds))
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _look_after(self, lease: Lease, seconds: float) -> None:
        """Raises Unavailable if the partition takes much longer than its like, and there is another attempt."""
        like = self._likes.of(lease.source_id, lease.asset_id)
        pace = lease.pace.usable if lease.pace else None
        allowed = patience(like, lease.partition.bytes, lease.attempt, pace)
        if allowed is not None and lease.pace:  # it may rest, for its budget or for what else the source does
            allowed *= lease.pace.readers / (lease.pace.cpu_share or EASED_SHARE)
        if allowed is not None and seconds > allowed and not lease.last:
            raise Unavailable(
                f"Partition {lease.partition.number} took {seconds:.0f} seconds, much longer than others like it.",
                "It is read again by another worker.",
            )

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


def held_by(lease: Lease) -> Held:
    """How commands name a lease."""
    return (lease.scan_id, lease.asset_id, lease.partition.number, lease.fence)


def _report(error: BaseException | None) -> None:
    if error is not None:
        log.warning("scan task ended", error=getattr(error, "code", type(error).__name__))
