"""What a scan will take, how far it is, what two runs found differently, and what scanning has cost."""

from datetime import datetime
from typing import Literal

from actors.scans.contract.runs import Method, PartitionState, ScanState, View

AssetChange = Literal["added", "gone", "changed"]
ColumnChange = Literal["added", "gone", "changed"]
ClassChange = Literal["appeared", "vanished", "moved"]
Limit = Literal["workers", "bytes_per_second", "queries_per_second", "cpu_share", "cpu_seconds_per_day"]


class Forecast(View):
    """What a planned, running or paused scan is still expected to take. `low` and `high` of the CPU seconds hold 90 %.

    `partitions`, `bytes` and `rows` are those that wait to be read; `cached` ones cost nothing. bytes and rows are what
    the plan says; for `partitions_unsized` partitions it says nothing, and they count as the average of the others.
    `assets_unplanned` are not cut yet and not in the figures.

    `learned_from` counts the partitions that the rates of this installation were learned from. With 0 nothing is known
    yet, and the figures that depend on rates are None. `assets_known` of the assets were read before or piloted: the
    others are judged by the columns they have, which is why the bounds are wider for them.

    `queries` is what the source is sent: statements of a database, requests of an object store; None for other sources.
    `seconds` assumes `workers` at once for this scan alone and the source's budget; closed windows are not counted.
    `limited_by` is what decides the seconds. `money` is None unless prices are set.
    """

    scan_id: str
    partitions: int
    cached: int
    assets_unplanned: int = 0
    bytes: int
    rows: int
    partitions_unsized: int = 0
    cpu_seconds: float | None
    cpu_seconds_low: float | None
    cpu_seconds_high: float | None
    queries: int | None
    seconds: float | None
    workers: int | None = None
    limited_by: Limit | None = None
    money: float | None
    currency: str | None
    learned_from: int
    assets_known: int = 0


class PhaseProgress(View):
    """One phase of a run: planning counts assets, reading partitions. Seconds are those since the phase began."""

    phase: Literal["planning", "reading"]
    done: int
    total: int
    failed: int
    seconds: float | None


class ScanProgress(View):
    """How far a scan is. Partitions count as done when they were read, cached, or given up.

    Rates are of the partitions that ended within the last minute before `at`; None while none has.
    `seconds_left` is from the forecast of the CPU seconds that are left and the CPU seconds a second of the last
    minute, or, before anything was learned, from the partitions a second. None where the scan does not run.
    """

    scan_id: str
    state: ScanState
    at: datetime
    done: int
    total: int
    rows: int
    bytes: int
    rows_per_second: float | None
    bytes_per_second: float | None
    seconds_elapsed: float
    seconds_left: float | None
    phases: tuple[PhaseProgress, ...]


class RunSide(View):
    """One of two compared runs. CPU seconds are of the partitions that this run read itself."""

    scan_id: str
    source_id: str
    state: ScanState
    method: Method
    rules_digest: str
    requested_at: datetime
    partitions: dict[PartitionState, int]
    rows: int
    bytes: int
    seconds: float | None
    cpu_seconds: float


class ClassDifference(View):
    """A class on a column whose figures differ: prevalence (0 to 1) and number of validated values in both runs."""

    data_class: str
    detector: str
    change: ClassChange
    before_validated: int | None
    after_validated: int | None
    before_prevalence: float | None
    after_prevalence: float | None


class ColumnDifference(View):
    """A column that differs. A figure is None on the side on which there is no such column."""

    column: str
    change: ColumnChange
    before_type: str | None
    after_type: str | None
    before_rows: int | None
    after_rows: int | None
    before_nulls: int | None
    after_nulls: int | None
    before_distinct: int | None
    after_distinct: int | None
    classes: tuple[ClassDifference, ...] = ()


class AssetDifference(View):
    """An asset that differs, with the partitions each run read itself and those it had from earlier ones.

    added, gone: the other run has read nothing of it, which does not say that it was not there.
    """

    asset_id: str
    asset: str
    change: AssetChange
    before_rows: int | None
    after_rows: int | None
    before_method: str | None
    after_method: str | None
    before_read: int
    after_read: int
    before_cached: int
    after_cached: int
    columns: tuple[ColumnDifference, ...] = ()


class RunComparison(View):
    """What run `after` found differently from run `before`; `assets` is a page of those that differ, by path.

    `next` is the path to go on behind, None on the last page. `same` counts the assets looked at for this page in which
    nothing differs. Where the runs had other rules, classes may differ with no change of the data.
    """

    before: RunSide
    after: RunSide
    same_rules: bool
    assets: tuple[AssetDifference, ...]
    same: int
    next: str | None


class CostRow(View):
    """What scanning took, for one source, definition and set of rules. Bytes and rows are of partitions read.

    `saved_cpu_seconds` is an estimate by the learned rates of what the cached partitions would have cost to read again,
    and `cached_share` its share of what all would have cost; both None while nothing is learned.
    `money` is CPU seconds times the price set; None without one.
    """

    source_id: str
    definition_id: str | None
    ruleset: str
    ruleset_version: int
    rules_digest: str
    runs: int
    partitions: int
    cached: int
    bytes: int
    rows: int
    cpu_seconds: float
    seconds: float
    saved_cpu_seconds: float | None
    cached_share: float | None
    money: float | None
    currency: str | None


class DetectorCost(View):
    """Seconds that one detector took in the reports of the period, and the values it looked at and confirmed."""

    detector: str
    seconds: float
    scanned: int
    validated: int


class CostReport(View):
    """Costs of the runs that were requested in a period, the dearest first. `truncated`: more rows than were asked."""

    since: datetime
    until: datetime
    rows: tuple[CostRow, ...]
    truncated: bool


class Percentiles(View):
    """Of one metric over the partitions that a run read itself; `count` of them had it."""

    count: int
    total: float
    p50: float
    p90: float
    p99: float
    max: float


class PhaseFigures(View):
    """When a phase of a run began and ended, and how long it took in seconds."""

    phase: Literal["planning", "reading"]
    began_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    items: int
    failed: int


class RunFigures(View):
    """Metrics of a run. A metric that no partition has is None. `attempts` counts all leases, repeats included."""

    scan_id: str
    partitions: dict[PartitionState, int]
    attempts: int
    seconds: Percentiles | None
    cpu_seconds: Percentiles | None
    peak_rss_mb: Percentiles | None
    rows_per_cpu_second: float | None
    bytes_per_cpu_second: float | None
    nodes: dict[str, int]
    phases: tuple[PhaseFigures, ...]
    detectors: tuple[DetectorCost, ...]
