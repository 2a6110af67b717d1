"""How far a scan is, and how long it still takes."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import PartitionState
from actors.scans.contract.forecasts import PhaseProgress, ScanProgress
from actors.scans.figures import phases
from actors.scans.forecast import expected, waiting_groups
from actors.scans.learning import load
from actors.scans.tables import Asset, Partition, Run

GONE_BY: tuple[PartitionState, ...] = ("done", "cached", "failed", "quarantined")
RATE_SECONDS = 60.0


def progress_of(session: Session, scan_id: str, now: datetime | None = None) -> ScanProgress:
    """How far a scan is, and how long it still takes at the rate of the last minute. Raises NotFound."""
    run = queries.row_of(session, scan_id)
    view = queries.view(session, run)
    at = now or datetime.now(UTC)
    since = at - timedelta(seconds=RATE_SECONDS)
    ended, rows, size, cpu, first = session.execute(
        select(
            func.count(), func.sum(Partition.rows), func.sum(Partition.size), func.sum(Partition.cpu_seconds),
            func.min(Partition.leased_at),
        ).where(Partition.run_id == run.id, Partition.state == "done", Partition.ended_at > since)
    ).one()  # fmt: skip
    done = sum(view.partitions.get(state, 0) for state in GONE_BY)
    total = sum(count for state, count in view.partitions.items() if state not in ("skipped", "cancelled"))
    span = max(1.0, min(RATE_SECONDS, (at - first).total_seconds())) if first else RATE_SECONDS
    left = _left(session, run, float(cpu or 0) / span, ended / span) if ended and run.state == "running" else None
    until = run.finished_at or at
    return ScanProgress(
        scan_id=run.id, state=view.state, at=at, done=done, total=total, rows=view.rows, bytes=view.bytes,
        rows_per_second=int(rows or 0) / span if ended else None,
        bytes_per_second=int(size or 0) / span if ended else None,
        seconds_elapsed=max(0.0, (until - run.requested_at).total_seconds()), seconds_left=left,
        phases=_phases(session, run, at, done, total),
    )  # fmt: skip


def _left(session: Session, run: Run, cpu_rate: float, rate: float) -> float:
    groups = waiting_groups(session, run.id)
    rates = load(session, [f"source:{run.source_id}", *(f"asset:{group.asset_id}" for group in groups)])
    if rates.ledger.n and cpu_rate > 0:
        return expected(rates, run.source_id, groups).cpu_seconds / cpu_rate
    return sum(group.partitions for group in groups) / rate


def _phases(session: Session, run: Run, at: datetime, done: int, total: int) -> tuple[PhaseProgress, ...]:
    planning, reading = phases(session, run)
    uncut = select(func.count()).where(Asset.run_id == run.id, Asset.state == "unplanned")
    seconds = [
        ((figures.ended_at or run.finished_at or at) - figures.began_at).total_seconds() if figures.began_at else None
        for figures in (planning, reading)
    ]
    return (
        PhaseProgress(
            phase="planning", done=planning.items - (session.scalar(uncut) or 0), total=planning.items,
            failed=planning.failed, seconds=seconds[0],
        ),
        PhaseProgress(phase="reading", done=done, total=total, failed=reading.failed, seconds=seconds[1]),
    )  # fmt: skip
