"""Scan definitions: making, changing and retiring them, and reading them."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actors.scans.calendar import CLOCK_KINDS, next_after
from actors.scans.contract.definitions import DefineScan, DefinitionView, RetireDefinition
from actors.scans.contract.definitions import Definition as Content
from actors.scans.contract.definitions import Trigger as TriggerContent
from actors.scans.definition_tables import Definition, Trigger
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from cluster.events.feed import latest
from cluster.runtime.commands import UnitOfWork

# What a workflow takes no notice of: it governs the whole source by the current rules.
OF_SCANS_ALONE = ("ruleset_version", "include", "exclude", "sampling", "priority")


def define_scan(work: UnitOfWork, command: DefineScan) -> DefinitionView:
    """An unchanged definition keeps its version."""
    _check(command.content)
    content = command.content.model_dump(mode="json")
    row = work.session.scalars(select(Definition).where(Definition.name == command.name)).first()
    if command.if_version is not None and command.if_version != (row.version if row else 0):
        now = f"has version {row.version}" if row else "does not exist"
        raise PreconditionFailed(f"The definition '{command.name}' {now}.", "Read it again and repeat the change.")
    if row is None:
        return _made(work, command, content)
    if row.content == content and not row.retired:
        return DefinitionView.model_validate(row)
    before = DefinitionView.model_validate(row)
    row.content, row.source_id, row.retired = content, command.content.source_id, False
    if command.content.enabled != before.content.enabled:
        _arm_all(work, row)
    return _changed(work, row, before, "definition_changed")


def retire_definition(work: UnitOfWork, command: RetireDefinition) -> DefinitionView:
    """Repeating it changes nothing."""
    row = row_of(work.session, command.definition_id)
    if row.retired:
        return DefinitionView.model_validate(row)
    follower = select(Trigger.definition_id).where(Trigger.content["after"].as_string() == row.id).limit(1)
    following = work.session.scalars(follower).first()
    if following is not None:
        raise Conflict(
            "Another definition runs after this one.", "Remove its trigger first.", {"definition_id": following}
        )
    before = DefinitionView.model_validate(row)
    work.session.execute(delete(Trigger).where(Trigger.definition_id == row.id))
    row.retired = True
    return _changed(work, row, before, "definition_retired")


def row_of(session: Session, definition_id: str) -> Definition:
    """The stored definition. Raises NotFound."""
    row = session.get(Definition, definition_id)
    if row is None:
        raise NotFound(f"There is no definition '{definition_id}'.", "List the definitions to see their ids.")
    return row


def definition(session: Session, definition_id: str) -> DefinitionView:
    """One definition, retired or not. Raises NotFound."""
    return DefinitionView.model_validate(row_of(session, definition_id))


def definition_by_name(session: Session, name: str) -> DefinitionView:
    """One definition, retired or not. Raises NotFound."""
    row = session.scalars(select(Definition).where(Definition.name == name)).first()
    if row is None:
        raise NotFound(f"There is no definition '{name}'.", "List the definitions to see their names.")
    return DefinitionView.model_validate(row)


def definitions(
    session: Session, source_id: str | None = None, after: str | None = None, limit: int = 100, retired: bool = False
) -> list[DefinitionView]:
    """Definitions in the order of their names, beginning behind the name `after`; retired ones only if asked for."""
    statement = select(Definition).order_by(Definition.name).limit(limit)
    if source_id:
        statement = statement.where(Definition.source_id == source_id)
    if after:
        statement = statement.where(Definition.name > after)
    if not retired:
        statement = statement.where(~Definition.retired)
    return [DefinitionView.model_validate(row) for row in session.scalars(statement)]


def _check(content: Content) -> None:
    if content.action == "govern":
        blank = Content(source_id=content.source_id)
        narrowed = [name for name in OF_SCANS_ALONE if getattr(content, name) != getattr(blank, name)]
        if narrowed:
            raise InvalidInput(
                f"To govern takes a whole source by its current rules, without {', '.join(narrowed)}.",
                "Leave that out, or let the action be 'scan'.",
            )


def _made(work: UnitOfWork, command: DefineScan, content: dict[str, Any]) -> DefinitionView:
    row = Definition(
        id=new_id(), name=command.name, source_id=command.content.source_id, version=0, content=content,
        created_at=work.now, updated_at=work.now, retired=False,
    )  # fmt: skip
    work.session.add(row)
    return _changed(work, row, None, "definition_changed")


def _changed(work: UnitOfWork, row: Definition, before: DefinitionView | None, kind: str) -> DefinitionView:
    row.version, row.updated_at = row.version + 1, work.now
    work.session.flush()
    after = DefinitionView.model_validate(row)
    work.emit(kind, entity(row.id), before=before, after=after)
    return after


def _arm_all(work: UnitOfWork, row: Definition) -> None:
    """What came to pass while a definition was not enabled sets nothing off."""
    work.session.flush()
    for trigger in work.session.scalars(select(Trigger).where(Trigger.definition_id == row.id)):
        arm(trigger, row, work.now)
        trigger.seen = latest(work.session)


def arm(trigger: Trigger, of: Definition, now: datetime) -> None:
    """Sets when a trigger fires next, as seen from now; never, where it or its definition is not enabled."""
    content = TriggerContent.model_validate(trigger.content)
    fires = content.kind in CLOCK_KINDS and content.enabled and not of.retired and of.content["enabled"]
    trigger.next_at = next_after(content, now, now) if fires else None


def entity(definition_id: str) -> str:
    """How events name a definition."""
    return f"definition:{definition_id}"
