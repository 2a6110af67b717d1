"""Triggers of scan definitions: adding, changing, removing and reading them. What fires them is in `firing.py`."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from actors.scans import calendar
from actors.scans.contract.definitions import AddTrigger, ChangeTrigger, RemoveTrigger, TriggerView
from actors.scans.contract.definitions import Trigger as Content
from actors.scans.definition_tables import Definition, Trigger
from actors.scans.definitions import arm, entity, row_of
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.events.feed import latest
from cluster.runtime.commands import Done, UnitOfWork

MOST = 20
ARRIVALS = ("file_arrival", "table_commit")


def add_trigger(work: UnitOfWork, command: AddTrigger) -> TriggerView:
    """It looks at what happens from now on."""
    definition = _in_use(work.session, command.definition_id)
    held = select(func.count()).select_from(Trigger).where(Trigger.definition_id == definition.id)
    if work.session.execute(held).scalar_one() >= MOST:
        raise Conflict(f"The definition has {MOST} triggers already.", "Remove one, or make another definition.")
    _check(work.session, definition, command.content)
    row = Trigger(
        id=new_id(), definition_id=definition.id, kind=command.content.kind,
        content=command.content.model_dump(mode="json"), seen=latest(work.session),
    )  # fmt: skip
    arm(row, definition, work.now)
    work.session.add(row)
    return _changed(work, row, None, "trigger_added")


def change_trigger(work: UnitOfWork, command: ChangeTrigger) -> TriggerView:
    """It looks at what happens from now on. The same content changes nothing, not even when it fires next."""
    row = trigger_row(work.session, command.trigger_id)
    before = TriggerView.model_validate(row)
    if before.content == command.content:
        return before
    definition = _in_use(work.session, row.definition_id)
    _check(work.session, definition, command.content)
    row.kind, row.content = command.content.kind, command.content.model_dump(mode="json")
    row.seen = latest(work.session)
    arm(row, definition, work.now)
    return _changed(work, row, before, "trigger_changed")


def remove_trigger(work: UnitOfWork, command: RemoveTrigger) -> Done:
    """What it has set off stays. Repeating it changes nothing."""
    row = work.session.get(Trigger, command.trigger_id)
    if row is not None:
        work.emit("trigger_removed", entity(row.definition_id), before=TriggerView.model_validate(row))
        work.session.delete(row)
    return Done()


def trigger_row(session: Session, trigger_id: str) -> Trigger:
    """The stored trigger. Raises NotFound."""
    row = session.get(Trigger, trigger_id)
    if row is None:
        raise NotFound(f"There is no trigger '{trigger_id}'.", "List the triggers of the definition to see their ids.")
    return row


def triggers(session: Session, definition_id: str) -> list[TriggerView]:
    """All triggers of a definition, at most 20. Raises NotFound for the definition."""
    row_of(session, definition_id)
    statement = select(Trigger).where(Trigger.definition_id == definition_id).order_by(Trigger.id)
    return [TriggerView.model_validate(row) for row in session.scalars(statement)]


def looked_at(session: Session) -> dict[str, float]:
    """The sources that have to be discovered regularly for a trigger to hear of arrivals, each with its seconds."""
    statement = select(Trigger, Definition.source_id).join(Definition, Definition.id == Trigger.definition_id)
    statement = statement.where(Trigger.kind.in_(ARRIVALS), ~Definition.retired)
    paces: dict[str, float] = {}
    for row, source_id in session.execute(statement.where(enabled(Definition), enabled(Trigger))):
        seconds = Content.model_validate(row.content).poll_seconds
        paces[source_id] = min(seconds, paces.get(source_id, seconds))
    return paces


def enabled(table: type[Definition] | type[Trigger]) -> ColumnElement[bool]:
    """Whether the content of a row says that it is enabled."""
    says: ColumnElement[bool] = table.content["enabled"].as_boolean()
    return says


def _check(session: Session, definition: Definition, content: Content) -> None:
    """Raises InvalidInput where a trigger lacks what its kind needs, and Conflict where it closes a circle."""
    if content.kind == "rule_change" and definition.content["ruleset_version"] is not None:
        raise InvalidInput("The definition pins its rules, which never change.", "Take the version out of it.")
    if content.kind in calendar.CLOCK_KINDS:
        calendar.check(content)
    if content.kind == "after":
        if content.after is None:
            raise InvalidInput("It does not say after which definition.", "Give the id of one as `after`.")
        _in_use(session, content.after)
        if definition.id in _upstream(session, content.after):
            raise Conflict("The definitions would set each other off for ever.", "Take a trigger out of the circle.")


def _upstream(session: Session, definition_id: str) -> set[str]:
    """The definition and all whose runs lead to one of it, by way of `after`, enabled or not."""
    parents: dict[str, set[str]] = {}
    edges = select(Trigger.definition_id, Trigger.content["after"].as_string()).where(Trigger.kind == "after")
    for child, parent in session.execute(edges):
        parents.setdefault(child, set()).add(parent)
    found, pending = {definition_id}, [definition_id]
    while pending:
        fresh = parents.get(pending.pop(), set()) - found
        found |= fresh
        pending.extend(fresh)
    return found


def _in_use(session: Session, definition_id: str) -> Definition:
    row = row_of(session, definition_id)
    if row.retired:
        raise Conflict(f"The definition '{row.name}' is retired.", "Define it again to use it.")
    return row


def _changed(work: UnitOfWork, row: Trigger, before: TriggerView | None, kind: str) -> TriggerView:
    work.session.flush()
    after = TriggerView.model_validate(row)
    work.emit(kind, entity(row.definition_id), before=before, after=after)
    return after
