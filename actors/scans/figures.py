"""Metrics of a run: what its partitions took, by percentiles, by phase, by node and by detector."""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from actors.scans import queries
from actors.scans.contract.forecasts import DetectorCost, Percentiles, PhaseFigures, RunFigures
from actors.scans.tables import Asset, Partition, Run
from cluster.errors import NotFound

_METRICS = ("seconds", "cpu_seconds", "peak_rss_mb")


def run_figures(session: Session, scan_id: str) -> RunFigures:
    """The metrics of a run so far. Raises NotFound.

    `detectors` is empty where the reports are no longer kept; seconds of reports that came from earlier runs count.
    """
    run = queries.row_of(session, scan_id)
    row = session.execute(
        select(
            func.sum(Partition.rows), func.sum(Partition.size), func.sum(Partition.attempts),
            *(expression for name in _METRICS for expression in _percentiles(getattr(Partition, name))),
        ).where(_own(scan_id))
    ).one()  # fmt: skip
    metrics = {name: _metric(row, 3 + 4 * place) for place, name in enumerate(_METRICS)}
    attempts = select(func.sum(Partition.attempts)).where(Partition.run_id == scan_id)
    spent = metrics["cpu_seconds"].total if metrics["cpu_seconds"] else 0.0
    return RunFigures(
        scan_id=scan_id,
        partitions=queries.get_scan(session, scan_id).partitions,
        attempts=int(session.scalar(attempts) or 0),
        rows_per_cpu_second=int(row[0] or 0) / spent if spent else None,
        bytes_per_cpu_second=int(row[1] or 0) / spent if spent else None,
        nodes=_nodes(session, scan_id),
        phases=phases(session, run),
        detectors=_detectors(session, scan_id),
        **metrics,
    )


def _own(scan_id: str) -> ColumnElement[bool]:
    """The partitions that the run read itself."""
    return and_(Partition.run_id == scan_id, Partition.state == "done")


def _percentiles(column: InstrumentedAttribute[float | None]) -> tuple[Any, ...]:
    shares = func.percentile_cont([0.5, 0.9, 0.99]).within_group(column)
    return func.count(column), func.sum(column), shares, func.max(column)


def _metric(row: Row[Any], place: int) -> Percentiles | None:
    count, total, shares, most = row[place : place + 4]
    if not count:
        return None
    return Percentiles(count=count, total=total, p50=shares[0], p90=shares[1], p99=shares[2], max=most)


def _nodes(session: Session, scan_id: str) -> dict[str, int]:
    statement = select(Partition.node, func.count()).where(_own(scan_id)).group_by(Partition.node)
    return {node: count for node, count in session.execute(statement) if node}


def phases(session: Session, run: Run) -> tuple[PhaseFigures, ...]:
    """Planning, from the request until the first partition is leased, and reading from there until the last ended.

    Reading overlaps planning where assets are still being cut while others are read.
    """
    assets, failed_assets = session.execute(
        select(func.count(), func.count().filter(Asset.state == "failed")).where(Asset.run_id == run.id)
    ).one()
    leased, ended, count, failed, waiting = session.execute(
        select(
            func.min(Partition.leased_at), func.max(Partition.ended_at),
            func.count().filter(Partition.leased_at.is_not(None)),
            func.count().filter(Partition.state.in_(("failed", "quarantined"))),
            func.count().filter(Partition.state.in_(queries.WAITING)),
        ).where(Partition.run_id == run.id)
    ).one()  # fmt: skip
    planned = leased or (run.finished_at if run.state != "planning" else None)
    read = ended if not waiting and run.state != "planning" else None
    return (
        _phase("planning", run.requested_at, planned, assets, failed_assets),
        _phase("reading", leased, read, count, failed),
    )


def _phase(name: Literal["planning", "reading"], began: Any, ended: Any, items: int, failed: int) -> PhaseFigures:
    seconds = (ended - began).total_seconds() if began and ended else None
    return PhaseFigures(phase=name, began_at=began, ended_at=ended, seconds=seconds, items=items, failed=failed)


def _detectors(session: Session, scan_id: str) -> tuple[DetectorCost, ...]:
    try:
        costs = queries.costs(session, scan_id)
    except NotFound:
        return ()
    found = [
        DetectorCost(detector=name, seconds=seconds, scanned=scanned, validated=validated)
        for name, (seconds, scanned, validated) in costs.items()
    ]
    return tuple(sorted(found, key=lambda cost: (-cost.seconds, cost.detector)))
