"""Partitions as the group's own loops hand them out and take them back: no door offers these commands."""

from typing import ClassVar

from actors.scans.contract.runs import GROUP, ScanView, View
from cluster.connectors.interface import Partition, Problem
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Command, Done


class Lease(View):
    """A partition given to a worker: only a report with the current `fence` is accepted."""

    scan_id: str
    asset_id: str
    partition: Partition
    fence: int


class Leases(View):
    leases: tuple[Lease, ...]


class RecordPlan(Command[Done]):
    """Internal: the partitions of one asset, or the problem that kept it from being planned."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
    asset_id: str
    partitions: tuple[Partition, ...] = ()
    problem: Problem | None = None


class LeasePartitions(Command[Leases]):
    """Internal: leases up to `limit` pending partitions, or leased ones whose lease ran out, oldest scan first."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    limit: int
    seconds: float


class RenewLeases(Command[Done]):
    """Internal: work on these (scan, asset, number, fence) goes on."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    held: tuple[tuple[str, str, int, int], ...]
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
    """Internal: the attempt failed; retried while attempts are left and the problem may pass, else failed."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
    asset_id: str
    number: int
    fence: int
    problem: Problem
    retryable: bool


class FinishScan(Command[ScanView]):
    """Internal: ends a scan in which nothing is left to do."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    scan_id: str
