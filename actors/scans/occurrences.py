"""Occurrences: each time that a definition is set off, and what became of it."""

from datetime import datetime
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from actors.scans.calendar import next_after
from actors.scans.contract.definitions import (
    DefinitionView,
    OccurrenceState,
    OccurrenceView,
    RunDefinition,
    SettleOccurrence,
    UpcomingView,
)
from actors.scans.contract.definitions import Trigger as TriggerContent
from actors.scans.definition_tables import Definition, Occurrence, Trigger
from actors.scans.definitions import entity, row_of
from actors.scans.tables import Run
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.runtime.commands import Done, UnitOfWork

# Settled occurrences of a definition that stay readable; the scans themselves are kept apart from them.
KEPT = 1000
KEY = "occurrence:"
UNDER_WAY = ("planning", "running", "paused")


class Waiting(NamedTuple):
    """An occurrence that waits to be started. `kind` is its trigger's; None where a person asked or that is gone."""

    occurrence: OccurrenceView
    definition: DefinitionView
    kind: str | None

    @property
    def key(self) -> str:
        """The key that makes its scan or workflow start once."""
        return f"{KEY}{self.occurrence.id}"


def occur(work: UnitOfWork, key: str, definition_id: str, trigger_id: str | None, reason: str) -> OccurrenceView:
    """Makes the occurrence of this key, once; it is returned whoever made it."""
    known = work.session.scalars(select(Occurrence).where(Occurrence.key == key)).first()
    if known is not None:
        return OccurrenceView.model_validate(known)
    row = Occurrence(
        id=new_id(), key=key, definition_id=definition_id, trigger_id=trigger_id, reason=reason, at=work.now,
        state="waiting",
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    made = OccurrenceView.model_validate(row)
    work.emit("trigger_fired" if trigger_id else "definition_run", entity(definition_id), after=made)
    return made


def run_definition(work: UnitOfWork, command: RunDefinition) -> OccurrenceView:
    """A definition that was changed since is run as it is now."""
    definition = row_of(work.session, command.definition_id)
    if definition.retired or not definition.content["enabled"]:
        state = "retired" if definition.retired else "not enabled"
        raise Conflict(f"The definition '{definition.name}' is {state}.", "Define it anew as enabled.")
    key = f"asked:{definition.id}:{command.key}"
    return occur(work, key, definition.id, None, f"asked for by {work.caller.principal}")


def settle_occurrence(work: UnitOfWork, command: SettleOccurrence) -> Done:
    """Repeating it changes nothing."""
    row = work.session.get(Occurrence, command.occurrence_id)
    if row is None:
        raise NotFound(f"There is no occurrence '{command.occurrence_id}'.", "Nothing is to be done.")
    outcomes = (command.run_id, command.workflow_id, command.problem)
    if sum(outcome is not None for outcome in outcomes) != 1:
        raise InvalidInput("An occurrence has one outcome.", "Give a scan, a workflow, or why it was skipped.")
    if row.state != "waiting":
        return Done()
    before = {"state": row.state}
    row.run_id, row.workflow_id, row.problem = outcomes
    row.state = "skipped" if command.problem is not None else "started"
    work.session.flush()
    work.emit("occurrence_settled", entity(row.definition_id), before, OccurrenceView.model_validate(row))
    _prune(work, row.definition_id)
    return Done()


def occurrences(
    session: Session,
    definition_id: str | None = None,
    state: OccurrenceState | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[OccurrenceView]:
    """Occurrences, the newest first, beginning behind the occurrence `after`. Raises NotFound for unknown ids."""
    statement = select(Occurrence).order_by(Occurrence.at.desc(), Occurrence.id.desc()).limit(limit)
    if definition_id:
        row_of(session, definition_id)
        statement = statement.where(Occurrence.definition_id == definition_id)
    if state:
        statement = statement.where(Occurrence.state == state)
    if after:
        mark = _row(session, after)
        statement = statement.where(tuple_(Occurrence.at, Occurrence.id) < tuple_(mark.at, mark.id))
    return [OccurrenceView.model_validate(row) for row in session.scalars(statement)]


def occurrence(session: Session, occurrence_id: str) -> OccurrenceView:
    """One occurrence. Raises NotFound."""
    return OccurrenceView.model_validate(_row(session, occurrence_id))


def waiting_occurrences(session: Session, limit: int = 1000) -> list[Waiting]:
    """The occurrences that wait to be started, the oldest first."""
    statement = (
        select(Occurrence, Definition, Trigger.kind)
        .join(Definition, Definition.id == Occurrence.definition_id)
        .outerjoin(Trigger, Trigger.id == Occurrence.trigger_id)
        .where(Occurrence.state == "waiting")
        .order_by(Occurrence.at, Occurrence.id)
        .limit(limit)
    )
    return [
        Waiting(OccurrenceView.model_validate(row), DefinitionView.model_validate(definition), kind)
        for row, definition, kind in session.execute(statement)
    ]


def under_way(session: Session, definition_id: str) -> str | None:
    """A scan of the definition that has not ended, if there is one; scans that are only planned do not count."""
    statement = select(Run.id).where(Run.definition_id == definition_id, Run.state.in_(UNDER_WAY), ~Run.plan_only)
    return session.scalars(statement.limit(1)).first()


def upcoming(session: Session, now: datetime, limit: int = 100) -> list[UpcomingView]:
    """The next `limit` firings of all cron and interval triggers; those that are due already are planned for `now`."""
    statement = select(Trigger, Definition.name).join(Definition, Definition.id == Trigger.definition_id)
    statement = statement.where(Trigger.next_at.is_not(None)).order_by(Trigger.next_at, Trigger.id).limit(limit)
    rows = session.execute(statement).all()  # of more triggers than firings the later ones cannot be among them
    heap = [(max(row.next_at, now), number) for number, (row, _) in enumerate(rows) if row.next_at is not None]
    heapify(heap)
    found: list[UpcomingView] = []
    while heap and len(found) < limit:
        at, number = heap[0]
        row, name = rows[number]
        found.append(UpcomingView(at=at, trigger_id=row.id, definition_id=row.definition_id, definition=name))
        following = next_after(TriggerContent.model_validate(row.content), row.next_at or at, at)
        if following is None:
            heappop(heap)
        else:
            heapreplace(heap, (following, number))
    return found


def _prune(work: UnitOfWork, definition_id: str) -> None:
    of = (Occurrence.definition_id == definition_id, Occurrence.state != "waiting")
    old = select(Occurrence.id).where(*of).order_by(Occurrence.at.desc(), Occurrence.id.desc()).offset(KEPT)
    work.session.execute(delete(Occurrence).where(Occurrence.id.in_(old)).execution_options(synchronize_session=False))


def _row(session: Session, occurrence_id: str) -> Occurrence:
    row = session.get(Occurrence, occurrence_id)
    if row is None:
        raise NotFound(f"There is no occurrence '{occurrence_id}'.", "List the occurrences to see their ids.")
    return row
