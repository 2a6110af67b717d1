"""Findings whose deadline has passed: told once, each for the deadline that it missed."""

from collections import Counter, defaultdict
from datetime import UTC, date
from typing import Any

from sqlalchemy import Date, Select, and_, case, cast, func, not_, select
from sqlalchemy.dialects.postgresql import insert

from actors.compliance.ledger import DAYS_TO_SETTLE
from actors.compliance.tables import Finding, Handled, MissedDeadline, Waiver
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork

# Of a large estate tens of thousands are due on one day: beyond this many the news is in the counts by source alone.
EVENTS = 1000


def tell(work: UnitOfWork) -> None:
    """An event for each source with the number of deadlines missed, and one for each of the first findings."""
    missed = list(work.session.execute(_missed(work)))
    if not missed:
        return
    by_source: dict[str, Counter[str]] = defaultdict(Counter)
    for row in missed:
        by_source[row.source_id][row.severity] += 1
    for source_id, counts in sorted(by_source.items()):
        after = {"missed": counts.total(), "by_severity": dict(sorted(counts.items()))}
        work.emit("deadlines_missed", source_entity(source_id), after=after)
    for row in missed[:EVENTS]:
        said = row._asdict() | {"due_at": str(row.due_at)}
        work.emit("finding_overdue", f"finding:{said.pop('id')}", after=said)
    _note(work, missed)


def _note(work: UnitOfWork, missed: list[Any]) -> None:
    upsert = insert(MissedDeadline)
    renewed = upsert.on_conflict_do_update(
        index_elements=[MissedDeadline.finding_id], set_={"due_at": upsert.excluded.due_at}
    )
    work.session.execute(renewed, [{"finding_id": row.id, "due_at": row.due_at} for row in missed])


def _missed(work: UnitOfWork) -> Select[str, str, str, str, str, str, str | None, date]:
    """Open findings that were due before today and of which nobody was told, but for waived and false ones."""
    today = work.now.astimezone(UTC).date()
    opened = cast(func.timezone("UTC", Finding.opened_at), Date)
    due = func.coalesce(Handled.due_at, opened + case(DAYS_TO_SETTLE, value=Finding.severity))
    false = and_(Handled.handling == "false_positive", Handled.content == Finding.content)
    waived = select(Waiver.id).where(
        Waiver.finding_id == Finding.id, Waiver.state == "approved", Waiver.expires_at >= today
    )
    told = select(MissedDeadline.finding_id).where(
        MissedDeadline.finding_id == Finding.id, MissedDeadline.due_at == due
    )
    about = (Finding.framework, Finding.control, Finding.subject, Finding.severity, Handled.assignee)
    return (
        select(Finding.id, Finding.source_id, *about, due.label("due_at"))
        .outerjoin(Handled, Handled.finding_id == Finding.id)
        .where(Finding.state == "open", due < today, not_(func.coalesce(false, False)))
        .where(~waived.exists(), ~told.exists())
        .order_by(due, Finding.id)
    )
