"""What scanning has cost, by source, definition and rules, and what the cache has saved."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Row, func, select
from sqlalchemy.orm import Session

from actors.scans.contract.forecasts import CostReport, CostRow
from actors.scans.forecast import expected, groups_of, money
from actors.scans.learning import Rates, load
from actors.scans.tables import Partition, Run
from cluster.settings import settings


def cost_report(
    session: Session, source_id: str | None, since: datetime, until: datetime, limit: int = 200
) -> CostReport:
    """Costs of the runs requested from `since` until before `until`, the dearest first, of one source or of all."""
    name, version = Run.rules["name"].astext, Run.rules["version"].astext.cast(Integer)
    keys = (Run.source_id, Run.definition_id, name, version, Run.rules_digest)
    period = [Run.requested_at >= since, Run.requested_at < until]
    if source_id is not None:
        period.append(Run.source_id == source_id)
    read = Partition.state == "done"
    spent = func.coalesce(func.sum(Partition.cpu_seconds).filter(read), 0.0)
    statement = (
        select(
            *keys,
            func.count(Run.id.distinct()).label("runs"),
            func.count().filter(read).label("partitions"),
            func.count().filter(Partition.state == "cached").label("cached"),
            func.coalesce(func.sum(Partition.size).filter(read), 0).label("bytes"),
            func.coalesce(func.sum(Partition.rows).filter(read), 0).label("rows"),
            spent.label("cpu_seconds"),
            func.coalesce(func.sum(Partition.seconds).filter(read), 0.0).label("seconds"),
        )
        .outerjoin(Partition, Partition.run_id == Run.id)
        .where(*period)
        .group_by(*keys)
        .order_by(spent.desc(), *keys)
        .limit(limit + 1)
    )
    found = session.execute(statement).all()
    rows = tuple(_row(session, row, period) for row in found[:limit])
    return CostReport(since=since, until=until, rows=rows, truncated=len(found) > limit)


def _row(session: Session, row: Row[Any], period: list[Any]) -> CostRow:
    source_id, definition_id, ruleset, version, digest = (row[place] for place in range(5))
    saved = _saved(session, source_id, definition_id, digest, period) if row.cached else 0.0
    whole = None if saved is None else saved + row.cpu_seconds
    return CostRow(
        source_id=source_id, definition_id=definition_id, ruleset=ruleset, ruleset_version=version,
        rules_digest=digest, runs=row.runs, partitions=row.partitions, cached=row.cached, bytes=int(row.bytes),
        rows=int(row.rows), cpu_seconds=row.cpu_seconds, seconds=row.seconds, saved_cpu_seconds=saved,
        cached_share=saved / whole if saved is not None and whole else None,
        money=money(row.cpu_seconds, None), currency=settings().currency,
    )  # fmt: skip


def _saved(session: Session, source_id: str, definition_id: str | None, digest: str, period: list[Any]) -> float | None:
    """What the cached partitions would have taken, by the rates; None before anything was learned."""
    runs = select(Run.id).where(
        Run.source_id == source_id, Run.rules_digest == digest, Run.definition_id.is_not_distinct_from(definition_id),
        *period,
    )  # fmt: skip
    groups = groups_of(session, [Partition.run_id.in_(runs), Partition.state == "cached"])
    rates: Rates = load(session, [f"source:{source_id}", *{f"asset:{group.asset_id}" for group in groups}])
    return expected(rates, source_id, groups).cpu_seconds if rates.ledger.n else None
