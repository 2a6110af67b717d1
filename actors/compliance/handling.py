"""Taking findings on: who works on one, how far it is, by when."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from actors.compliance import queries, sight
from actors.compliance.contract import FindingView, HandleFinding
from actors.compliance.tables import Finding, Handled
from cluster.errors import Conflict
from cluster.runtime.commands import UnitOfWork


def handle(work: UnitOfWork, command: HandleFinding) -> FindingView:
    """Notes what a person does about an open finding."""
    row = open_finding(work, command.finding_id)
    before = work.session.scalars(select(Handled).where(Handled.finding_id == row.id)).first()
    values: dict[str, Any] = {
        "finding_id": row.id,
        "handling": command.handling or (before.handling if before else "acknowledged"),
        "assignee": command.assignee or (before.assignee if before else None),
        "due_at": command.due_at or (before.due_at if before else None),
        "note": command.note if command.note is not None else (before.note if before else ""),
        "content": row.content,
        "by": work.caller.principal,
        "at": work.now,
    }
    told = {"handling": before.handling, "assignee": before.assignee} if before else None  # read before it is replaced
    upsert = insert(Handled).values(values)
    work.session.execute(upsert.on_conflict_do_update(index_elements=[Handled.finding_id], set_=values))
    work.session.expire_all()
    work.emit("finding_handled", f"finding:{row.id}", told, {key: str(values[key]) for key in ("handling", "assignee")})
    return queries.get_finding(work.session, row.id, work.now, work.caller)


def open_finding(work: UnitOfWork, finding_id: str) -> Finding:
    """The finding, if it is open. Raises NotFound, Conflict."""
    row = queries.row_of(work.session, finding_id, work.caller)
    if row.state != "open":
        raise Conflict("The finding is not open.", "Only what fails can be taken on or waived.")
    return row


def sees(work: UnitOfWork, finding_id: str) -> bool:
    """Whether whoever asks may see the finding."""
    told = select(Finding.id).where(Finding.id == finding_id, sight.findings(work.caller))
    return work.session.scalars(told).first() is not None
