"""Keeping what probes found: states as they change, latencies by minute for two days and by hour for thirty-five."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.sources import health_queries
from actors.sources.contract import HealthNote, HealthView, ProbeSource, RecordHealth
from actors.sources.health import Standing, added, refused
from actors.sources.health_tables import Health, Probes, StateChange
from actors.sources.lifetimes import EXPIRED
from actors.sources.standing import in_service
from actors.sources.tables import Source
from cluster.naming import source_entity
from cluster.runtime.commands import Done, UnitOfWork

MINUTES_KEPT = timedelta(hours=48)
HOURS_KEPT = timedelta(days=35)
CHANGES_KEPT = timedelta(days=90)


def record_health(work: UnitOfWork, command: RecordHealth) -> Done:
    """Told twice it changes nothing more: a minute is written whole, and what has not changed is no event."""
    noted = {note.source_id for note in command.notes} | {minute.source_id for minute in command.minutes}
    live = select(Source.id).where(Source.id.in_(noted), Source.state != "retired")
    known = set(work.session.scalars(live))
    rows = {row.source_id: row for row in work.session.scalars(select(Health).where(Health.source_id.in_(known)))}
    for note in command.notes:
        if note.source_id not in known:
            continue
        row = rows.get(note.source_id)
        if row is not None:  # what a test said of the credential meanwhile, the prober may not know yet
            before = Standing.model_validate(row.standing)
            told = refused(note.standing, before.refused).model_copy(update={"told": before.told})
            note = note.model_copy(update={"standing": told})  # noqa: PLW2901 - the same note
            note = note.model_copy(update={"diagnosis": _diagnosis(row, note)})  # noqa: PLW2901
        _note(work, row, note)
        if row is not None and row.asked_at is not None and note.checked_at and row.asked_at <= note.checked_at:
            row.asked_at = None  # a probe was asked for and has been made
    minutes: list[dict[str, Any]] = [
        {**minute.model_dump(exclude={"minute"}), "at": minute.minute, "step": "minute"}
        for minute in command.minutes
        if minute.source_id in known
    ]
    if minutes:
        _put(work.session, minutes)
        _roll_up(work.session, work.now)
    return Done()


def probe_source(work: UnitOfWork, command: ProbeSource) -> HealthView:
    """Marks the source; the prober sees it at its next look."""
    in_service(work, command.source_id)
    values = {"asked_at": work.now}
    fresh = {"state": "unknown", "standing": {}, "since": work.now, "breaker": "closed"}
    statement = insert(Health).values(source_id=command.source_id, **fresh, **values)
    work.session.execute(statement.on_conflict_do_update(index_elements=["source_id"], set_=values))
    return health_queries.health(work.session, command.source_id, work.now)


def tested(work: UnitOfWork, source_id: str, *, was_refused: bool, diagnosis: str | None) -> None:
    """What a connection test says of the credential, which no probe can."""
    row = work.session.get(Health, source_id)
    before = Standing.model_validate(row.standing) if row is not None else Standing()
    after = refused(before, was_refused)
    if after == before:
        return
    note = HealthNote(
        source_id=source_id, standing=after, since=work.now if row is None else row.since, checked_at=work.now,
        diagnosis=diagnosis if was_refused else row and row.diagnosis, breaker="closed", next_probe_at=None,
    )  # fmt: skip
    _note(work, row, note)


def note_credential(work: UnitOfWork, source_id: str, told: str, diagnosis: str | None) -> None:
    """Keeps what was told of the end of a credential; with a diagnosis it serves no more."""
    row = work.session.get(Health, source_id)
    before = Standing.model_validate(row.standing) if row is not None else Standing()
    standing = refused(before, diagnosis is not None or before.refused).model_copy(update={"told": told})
    note = HealthNote(
        source_id=source_id, standing=standing, since=work.now if row is None else row.since,
        checked_at=row and row.checked_at,
        diagnosis=diagnosis or (row and row.diagnosis), breaker=row.breaker if row is not None else "closed",
        next_probe_at=row and row.next_probe_at,
    )  # fmt: skip
    _note(work, row, note)


def credential_renewed(work: UnitOfWork, source_id: str) -> None:
    """A source that was refused for a credential that had expired has another one now."""
    row = work.session.get(Health, source_id)
    if row is not None and Standing.model_validate(row.standing).told.startswith("expired"):
        row.standing = {**row.standing, "told": ""}
        tested(work, source_id, was_refused=False, diagnosis=None)


def _diagnosis(row: Health, note: HealthNote) -> str | None:
    """What is wrong by a probe's note. Why a credential is refused no probe knows: that stays as it was told."""
    if note.diagnosis is not None or note.standing.state != "auth_failed":
        return note.diagnosis
    if note.standing.told.startswith("expired"):
        return EXPIRED
    return row.diagnosis if row.state == "auth_failed" else None


def _note(work: UnitOfWork, row: Health | None, note: HealthNote) -> None:
    before = row.state if row is not None else "unknown"
    after = note.standing.state
    if row is None:
        row = Health(source_id=note.source_id, since=work.now, asked_at=None)
        work.session.add(row)
    row.state, row.standing, row.checked_at = after, note.standing.model_dump(mode="json"), note.checked_at
    row.diagnosis, row.breaker, row.next_probe_at = note.diagnosis, note.breaker, note.next_probe_at
    if before == after:
        return
    row.since = work.now
    change = {"before": before, "after": after, "diagnosis": note.diagnosis}
    statement = insert(StateChange).values(source_id=note.source_id, at=work.now, **change)
    work.session.execute(statement.on_conflict_do_nothing())
    if {before, after} != {"unknown", "healthy"}:  # that a new source is well alarms nobody
        told = {"source_id": note.source_id, "state": after, "diagnosis": note.diagnosis}
        work.emit("health_changed", source_entity(note.source_id), before={"state": before}, after=told)


def _put(session: Session, rows: list[dict[str, Any]]) -> None:
    statement = insert(Probes)
    changed = {name: statement.excluded[name] for name in ("probes", "failures", "counts", "max_ms")}
    statement = statement.on_conflict_do_update(index_elements=["source_id", "step", "at"], set_=changed)
    session.execute(statement, rows)


def _roll_up(session: Session, now: datetime) -> None:
    """Adds up the hours that have ended since the newest that was added up, and drops what is old."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    newest = session.scalar(select(func.max(Probes.at)).where(Probes.step == "hour"))
    if newest is not None and newest >= this_hour - timedelta(hours=1):
        return
    begin = newest + timedelta(hours=1) if newest is not None else this_hour - MINUTES_KEPT
    ended = select(Probes).where(Probes.step == "minute", Probes.at >= begin, Probes.at < this_hour)
    hours: dict[tuple[str, datetime], list[Probes]] = defaultdict(list)
    for row in session.scalars(ended):
        hours[row.source_id, row.at.replace(minute=0)].append(row)
    rows = [
        {
            "source_id": source_id, "step": "hour", "at": at, "probes": sum(one.probes for one in found),
            "failures": sum(one.failures for one in found), "counts": added(one.counts for one in found),
            "max_ms": max((one.max_ms for one in found if one.max_ms is not None), default=None),
        }
        for (source_id, at), found in hours.items()
    ]  # fmt: skip
    if rows:
        _put(session, rows)
    for step, kept in (("minute", MINUTES_KEPT), ("hour", HOURS_KEPT)):
        session.execute(delete(Probes).where(Probes.step == step, Probes.at < now - kept))
    session.execute(delete(StateChange).where(StateChange.at < now - CHANGES_KEPT))
