"""What other groups and the doors may know of the scans group: its values and its commands."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.connectors.interface import AssetInfo, Partition, Problem, SourceAccess
from cluster.detectors.compile import RuleSetSpec
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Command, Done

GROUP = "scans"

ScanState = Literal["planning", "running", "succeeded", "partial", "failed", "cancelled"]
PartitionState = Literal["pending", "leased", "done", "cached", "skipped", "failed", "cancelled"]
Level = Literal["sample", "census"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ScanView(_View):
    """A scan run. `partitions` counts them by state; rows and bytes are those of the reports it stands on.

    partial: some partitions could not be read (see `problems`), all others count. `cached` ones were not read again,
    `skipped` ones are outside the sample.
    """

    id: str
    source_id: str
    level: Level
    state: ScanState
    rules_digest: str
    assets: int
    assets_planned: int
    partitions: dict[PartitionState, int]
    rows: int
    bytes: int
    problems: tuple[Problem, ...]
    requested_at: datetime
    finished_at: datetime | None


class PartitionView(_View):
    scan_id: str
    asset_id: str
    asset: str
    number: int
    state: PartitionState
    attempts: int
    rows: int | None
    bytes: int | None
    seconds: float | None
    problem: Problem | None


class ScanRules(_View):
    """The rule set a scan was started with, pinned."""

    name: str
    version: int
    digest: str
    spec: RuleSetSpec
    order: tuple[str, ...] = ()


class StartScan(Command[ScanView]):
    """Starts a scan of the given assets. `key` makes it idempotent: the same key returns the run that it started.

    sample reads about one partition in `1 / sample_share`, chosen by a seed, at least one of each asset; census all.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    key: str
    access: SourceAccess
    assets: tuple[AssetInfo, ...]
    rules: ScanRules
    level: Level = "census"
    sample_share: float = Field(0.1, gt=0, le=1)


class CancelScan(Command[ScanView]):
    """Stops a scan: nothing more is read, what was committed stays."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class RetryScan(Command[ScanView]):
    """Puts the failed partitions and unplanned assets of an ended scan back to work."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class Lease(_View):
    """A partition given to a worker: only a report with the current `fence` is accepted."""

    scan_id: str
    asset_id: str
    partition: Partition
    fence: int


class Leases(_View):
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
