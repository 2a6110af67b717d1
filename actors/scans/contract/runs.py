"""Runs: one scan of a source, how much of it is read, and the commands that begin, hold and end one."""

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.connectors.interface import AssetInfo, Problem, SourceAccess
from cluster.detectors.compile import RuleSetSpec
from cluster.runtime.commands import Command

GROUP = "scans"

ScanState = Literal["planning", "planned", "running", "paused", "succeeded", "partial", "failed", "cancelled"]
PartitionState = Literal["pending", "leased", "done", "cached", "skipped", "failed", "quarantined", "cancelled"]
Level = Literal["sample", "census"]
Method = Literal["census", "fraction", "tiered", "adaptive"]


class View(BaseModel):
    """Base of the values that the group shows."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Sampling(BaseModel):
    """How much of each asset a scan reads. A sample is whole partitions drawn at random by `seed`, never the head.

    census: everything. fraction: about `share` of the partitions of an asset, at least one. tiered: a share that falls
    with the size of the asset (100,000 rows are read whole, a thousand million to a thousandth). adaptive: at random,
    until the 95 % interval of every class is at most `width` wide, or `share` of the asset has been read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "census"
    share: float = Field(0.1, gt=0, le=1)
    width: float = Field(0.02, gt=0, le=1)
    seed: int = Field(0, ge=0, le=2**31 - 1)


class ScanView(View):
    """A scan run. `partitions` counts them by state; rows and bytes are those of the reports it stands on.

    planned: cut into partitions and not begun (see `StartScan.plan_only`). partial: some partitions could not be read
    (see `problems`), all others count. `cached` ones were not read again, `skipped` ones are outside the sample,
    `quarantined` ones killed or outlasted every worker that tried them. `degraded` says why a census became a sample.
    """

    id: str
    source_id: str
    level: Level
    sampling: Sampling
    priority: int
    definition_id: str | None
    degraded: str | None
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


class QueueItem(View):
    """A scan that has not ended, with how many of its partitions wait and how many are being read."""

    scan_id: str
    source_id: str
    state: ScanState
    priority: int
    waiting: int
    leased: int
    requested_at: datetime


class PartitionView(View):
    scan_id: str
    asset_id: str
    asset: str
    number: int
    state: PartitionState
    attempts: int
    rows: int | None
    bytes: int | None
    seconds: float | None
    cpu_seconds: float | None
    peak_rss_mb: float | None
    node: str | None
    leased_at: datetime | None
    ended_at: datetime | None
    problem: Problem | None


class ScanRules(View):
    """The rule set a scan was started with, pinned. `text_model` is the folder of the version of the entity model that
    reads free texts; left out, it is that of the settings, or the shipped one."""

    name: str
    version: int
    digest: str
    spec: RuleSetSpec
    order: tuple[str, ...] = ()
    text_model: Path | None = None


class StartScan(Command[ScanView]):
    """Starts a scan of the given assets. `key` makes it idempotent: the same key returns the run that it started.

    `plan_only` cuts the assets into partitions and stops there, so that its cost can be seen before `BeginScan`.
    Of two scans the one of higher `priority` (0 to 9) is given workers first; among equals sources share fairly.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    key: str
    access: SourceAccess
    assets: tuple[AssetInfo, ...]
    rules: ScanRules
    sampling: Sampling = Sampling()
    priority: int = Field(5, ge=0, le=9)
    plan_only: bool = False
    definition_id: str | None = None


class BeginScan(Command[ScanView]):
    """Begins to read what a scan with `plan_only` has planned."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class PauseScan(Command[ScanView]):
    """Gives a scan no more workers; partitions under way are finished and count."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class ResumeScan(Command[ScanView]):
    """Lets a paused scan go on."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class PrioritiseScan(Command[ScanView]):
    """Changes the priority of a scan that has not ended."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str
    priority: int = Field(ge=0, le=9)


class CancelScan(Command[ScanView]):
    """Stops a scan: nothing more is read, what was committed stays."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str


class RetryScan(Command[ScanView]):
    """Puts the failed and quarantined partitions and unplanned assets of an ended scan back to work."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    scan_id: str
