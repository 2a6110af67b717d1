"""Routes that tell what a scan will take, how far it is, what it took, and what changed since another one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from actors.scans import compare, costs, figures, forecast, progress
from actors.scans.contract import CostReport, Forecast, RunComparison, RunFigures, ScanProgress
from cluster.context import Caller
from cluster.errors import InvalidInput
from serve.http.doors import Access
from serve.http.identity import permitted
from serve.http.pages import After, Id, IdFilter, Limit

router = APIRouter(tags=["scans"])
MayRead = Annotated[Caller, Depends(permitted("scans:read"))]
OtherScan = Annotated[
    str, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:\-]+$", description="The scan to compare with.")
]


@router.get("/scans/{scan_id}/forecast", operation_id="forecast_scan", summary="Read what a scan will take")
def forecasted(scan_id: Id, doors: Access, caller: MayRead) -> Forecast:
    """Partitions, bytes, CPU seconds with bounds, queries, time and money, from what earlier scans took."""
    with doors.reading() as session:
        return forecast.forecast(session, scan_id)


@router.get("/scans/{scan_id}/progress", operation_id="get_scan_progress", summary="Read how far a scan is")
def progressed(scan_id: Id, doors: Access, caller: MayRead) -> ScanProgress:
    """Partitions done, the rate of the last minute, and the time that is left."""
    with doors.reading() as session:
        return progress.progress_of(session, scan_id)


@router.get("/scans/{scan_id}/figures", operation_id="get_scan_figures", summary="Read the metrics of a scan")
def measured(scan_id: Id, doors: Access, caller: MayRead) -> RunFigures:
    """Seconds, CPU seconds and memory by partition, phase and detector."""
    with doors.reading() as session:
        return figures.run_figures(session, scan_id)


@router.get("/scans/{scan_id}/comparison", operation_id="compare_scans", summary="Compare two scans")
def compared(
    *, scan_id: Id, before: OtherScan, doors: Access, caller: MayRead, after: After = None, limit: Limit = 50
) -> RunComparison:
    """What this scan found differently from the scan `before`, a page of assets at a time."""
    with doors.reading() as session:
        return compare.compare(session, before, scan_id, after, limit)


@router.get("/scan-costs", operation_id="report_scan_costs", summary="Report what scanning took")
def costed(
    *,
    doors: Access,
    caller: MayRead,
    source_id: IdFilter = None,
    since: Annotated[datetime | None, Query(description="Runs requested from this time on; 30 days ago if left out.")]
    = None,
    until: Annotated[datetime | None, Query(description="Runs requested before this time; now if left out.")] = None,
    limit: Limit = 100,
) -> CostReport:  # fmt: skip
    """Bytes, CPU seconds, money and what the cache saved, by source, definition and rules; the dearest first."""
    until = until or datetime.now(UTC)
    try:
        since = since or until - timedelta(days=30)
    except OverflowError:  # nothing is before the first day of the calendar
        since = until
    if since.tzinfo is None or until.tzinfo is None or since >= until:
        raise InvalidInput("The period is not one.", "Give `since` before `until`, both with a time zone.")
    with doors.reading() as session:
        return costs.cost_report(session, source_id, since, until, limit)
