"""Partitions as the group's own loops hand them out and take them back: no door offers these commands."""

from typing import Any, ClassVar

from pydantic import Field

from actors.scans.contract.runs import GROUP, ScanView, View
from cluster.connectors.interface import Partition, Problem
from cluster.connectors.pace import Pace
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Command, Done

Held = tuple[str, str, int, int]
"""A lease: scan, asset, number and fence."""


class Lease(View):
    """A partition given to a worker: only a report with the current `fence` is accepted.

    `attempt` counts from 1; `last` is true when no other one would follow. `pace` is the share of the source's budget
    that the worker has until it ends. With `only` the other detectors are known already and are not to be run. `keep`
    says that nothing limits how many read the source, so that a session may stay open between partitions.
    """

    scan_id: str
    asset_id: str
    partition: Partition
    fence: int
    source_id: str = ""
    attempt: int = 1
    last: bool = False
    pace: Pace | None = None
    only: tuple[str, ...] = ()
    keep: bool = False


class Leases(View):
    leases: tuple[Lease, ...]


class RecordPlan(Command[Done]):
    """Internal: the partitions of one asset, or the problem that kept it from being planned.

    `pilot` is what some batches of it took (`actors.scans.pilots.Pilot`), where that was tried.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
    asset_id: str
    partitions: tuple[Partition, ...] = ()
    problem: Problem | None = None
    pilot: dict[str, Any] | None = None


class LeasePartitions(Command[Leases]):
    """Internal: leases up to `limit` pending partitions, or leased ones whose lease ran out.

    By priority, then to the source that has the fewest under way. Rates of a source are shared by at most `slots`
    readers (0: as many as `limit`). `limits` is the most partitions of a source that may
    be under way. `under_way` are the readers that the caller knows to live, whatever became of their leases; `planning`
    are the sources for which it cuts assets just now. Without `paced` nothing is given of sources that have a rate.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    limit: int
    seconds: float
    slots: int = 0
    limits: dict[str, int] = Field(default_factory=dict)
    under_way: tuple[Held, ...] = ()
    planning: tuple[str, ...] = ()
    paced: bool = True


class RenewLeases(Command[Done]):
    """Internal: work on these (scan, asset, number, fence) goes on."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    held: tuple[Held, ...]
    seconds: float


class CommitReport(Command[Done]):
    """Internal: the report of a leased partition. Conflict if the lease was lost meanwhile."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
    asset_id: str
    number: int
    fence: int
    report: PartitionReport


class FailPartition(Command[Done]):
    """Internal: the attempt failed; tried again while attempts are left and the problem may pass, else failed.

    quarantined if `lost`: it was no answer of the source that ended the last attempt, but a worker that died or was
    given up. The attempt does not count if it is not `charged`: the source as a whole is waited for.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
    asset_id: str
    number: int
    fence: int
    problem: Problem
    retryable: bool
    lost: bool = False
    charged: bool = True


class FinishScan(Command[ScanView]):
    """Internal: ends a scan in which nothing is left to do, or widens it if it is adaptive and not sure enough."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
