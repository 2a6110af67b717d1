"""The read side of the health of sources."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import (
    Availability,
    DayOfSource,
    HealthChange,
    HealthHistory,
    HealthPoint,
    HealthView,
)
from actors.sources.health import Standing, added, percentile
from actors.sources.health_tables import Health, Probes, StateChange
from actors.sources.lifetimes import state_of
from actors.sources.tables import Source
from cluster.connectors.interface import SourceAccess
from cluster.security import credentials

MINUTES = timedelta(hours=48)


def health(session: Session, source_id: str, now: datetime) -> HealthView:
    """How a source is. Raises NotFound."""
    return _views(session, [queries.row_of(session, source_id)], now)[0]


def list_health(
    session: Session, now: datetime, after: str | None = None, limit: int = 100, state: str | None = None
) -> list[HealthView]:
    """How the sources in service are, in the order of their ids, beginning behind `after`."""
    statement = select(Source).where(Source.state != "retired").order_by(Source.id).limit(limit)
    if after:
        statement = statement.where(Source.id > after)
    if state == "unknown":
        settled = select(Health.source_id).where(Health.state != "unknown")
        statement = statement.where(Source.id.not_in(settled))
    elif state:
        statement = statement.join(Health, Health.source_id == Source.id).where(Health.state == state)
    return _views(session, session.scalars(statement).all(), now)


def history(session: Session, source_id: str, begin: datetime, now: datetime) -> HealthHistory:
    """The probes since `begin`: by minute for up to two hours, else by hour. Raises NotFound."""
    queries.row_of(session, source_id)
    step: Literal["minute", "hour"] = "minute" if now - begin <= timedelta(hours=2) else "hour"
    points = [_point(row.at, [row]) for row in _rows(session, source_id, step, begin, now)]
    if step == "hour":
        hour = now.replace(minute=0, second=0, microsecond=0)
        latest = _rows(session, source_id, "minute", max(begin, hour), now)
        points += [_point(hour, latest)] if latest else []
    return HealthHistory(source_id=source_id, step=step, points=tuple(points))


def changes(session: Session, source_id: str, limit: int) -> list[HealthChange]:
    """The changes of state of a source, the newest first. Raises NotFound."""
    queries.row_of(session, source_id)
    statement = select(StateChange).where(StateChange.source_id == source_id)
    rows = session.scalars(statement.order_by(StateChange.at.desc()).limit(limit))
    return [HealthChange.model_validate(row) for row in rows]


def availability(session: Session, source_id: str, days: int, now: datetime) -> Availability:
    """The share of probes that went well in the last `days`, and by day. Raises NotFound."""
    queries.row_of(session, source_id)
    begin, hour = now - timedelta(days=days), now.replace(minute=0, second=0, microsecond=0)
    rows = [*_rows(session, source_id, "hour", begin, now), *_rows(session, source_id, "minute", hour, now)]
    by_day: dict[str, list[Probes]] = defaultdict(list)
    for row in rows:
        by_day[f"{row.at:%Y-%m-%d}"].append(row)
    probes, failures = sum(row.probes for row in rows), sum(row.failures for row in rows)
    hours = {row.at.replace(minute=0) for row in rows}
    return Availability(
        source_id=source_id, since=begin, probes=probes, failures=failures, availability=_share(probes, failures),
        covered=round(min(1.0, len(hours) / (days * 24)), 4),
        days=tuple(
            DayOfSource(
                day=day, probes=(count := sum(row.probes for row in found)),
                failures=(lost := sum(row.failures for row in found)), availability=_share(count, lost),
            )
            for day, found in sorted(by_day.items())
        ),
    )  # fmt: skip


def to_probe(session: Session) -> list[tuple[SourceAccess, Health | None]]:
    """What is to be probed, without credentials, and how each stood."""
    statement = select(Source, Health).outerjoin(Health, Health.source_id == Source.id).where(Source.state != "retired")
    return [
        (SourceAccess(source_id=row.id, url=row.url, options=row.options, node_labels=row.node_labels or {}), health)
        for row, health in session.execute(statement)
    ]


def _views(session: Session, sources: Sequence[Source], now: datetime) -> list[HealthView]:
    names = [row.id for row in sources]
    standing = {row.source_id: row for row in session.scalars(select(Health).where(Health.source_id.in_(names)))}
    recent: dict[str, list[Probes]] = defaultdict(list)
    last_hour = select(Probes).where(
        Probes.source_id.in_(names), Probes.step == "minute", Probes.at > now - timedelta(hours=1)
    )
    for probes in session.scalars(last_hour):
        recent[probes.source_id].append(probes)
    held = credentials.described(session, names)
    views = (_view(row, standing.get(row.id), recent[row.id]) for row in sources)
    return [
        view.model_copy(update={"credential_state": state_of(known, now), "credential_expires_at": known.expires_at})
        if (known := held.get(view.source_id)) is not None
        else view
        for view in views
    ]


def _view(source: Source, row: Health | None, recent: Sequence[Probes]) -> HealthView:
    counts = added(one.counts for one in recent)
    known = Standing.model_validate(row.standing) if row is not None else Standing()
    return HealthView(
        source_id=source.id, name=source.name, state=known.state, since=row and row.since,
        diagnosis=row and row.diagnosis, checked_at=row and row.checked_at,
        usual_ms=known.usual_ms, p50_ms=percentile(counts, 0.5), p95_ms=percentile(counts, 0.95),
        p99_ms=percentile(counts, 0.99), probes=sum(one.probes for one in recent),
        failures=sum(one.failures for one in recent), breaker=row.breaker if row is not None else "closed",
        next_probe_at=row and row.next_probe_at,
    )  # fmt: skip


def _rows(session: Session, source_id: str, step: str, begin: datetime, end: datetime) -> Sequence[Probes]:
    statement = select(Probes).where(
        Probes.source_id == source_id, Probes.step == step, Probes.at >= begin, Probes.at <= end
    )
    return session.scalars(statement.order_by(Probes.at)).all()


def _point(at: datetime, rows: Sequence[Probes]) -> HealthPoint:
    counts = added(row.counts for row in rows)
    return HealthPoint(
        at=at, probes=sum(row.probes for row in rows), failures=sum(row.failures for row in rows),
        p50_ms=percentile(counts, 0.5), p95_ms=percentile(counts, 0.95), p99_ms=percentile(counts, 0.99),
        max_ms=max((row.max_ms for row in rows if row.max_ms is not None), default=None),
    )  # fmt: skip


def _share(probes: int, failures: int) -> float | None:
    return round(1 - failures / probes, 6) if probes else None
