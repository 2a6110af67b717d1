"""Custom properties: their definitions, and values held to them."""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.catalog.contract import DefineProperty, PropertyView, RemoveProperty
from actors.catalog.curation_tables import PropertyDefinition
from actors.catalog.tables import Annotation, Asset
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.runtime.commands import Done, UnitOfWork

LONGEST = 1_000
LOOKED_AT = 10_000  # values that a changed definition is held against


def checked(session: Session, kind: str, held: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The properties that an asset of this kind has after `given` was set; null takes one back.

    Raises InvalidInput for a property that is not defined, is not one of this kind of asset, or has a value that is
    not of its type. The value is not repeated.
    """
    wanted = select(PropertyDefinition).where(PropertyDefinition.name.in_(list(given)))
    known = {row.name: row for row in session.scalars(wanted)}
    after = dict(held)
    for name, value in given.items():
        definition = known.get(name)
        if definition is None:
            raise InvalidInput("A property is not defined.", "Define it first, or correct its name.")
        if definition.kinds and kind not in definition.kinds:
            raise InvalidInput(f"The property '{name}' is not one of this kind of asset.", "Leave it out.")
        if value is None:
            after.pop(name, None)
        elif fits(definition.type, definition.choices, value):
            after[name] = value
        else:
            raise InvalidInput(f"The value of '{name}' is not a {definition.type}.", _remedy(definition))
    return after


def fits(kind: str, choices: list[str], value: Any) -> bool:
    """Whether a value is one that a property of this type may have."""
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    if kind == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        return False
    if kind == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return kind != "choice" or value in choices


def _remedy(definition: PropertyDefinition) -> str:
    if definition.type == "choice":
        return f"Choose from: {', '.join(definition.choices)}."
    return {"date": "Write it as 2026-11-27.", "text": f"Give 1 to {LONGEST} characters."}.get(
        definition.type, f"Give a {definition.type}."
    )


def define(work: UnitOfWork, command: DefineProperty) -> PropertyView:
    """Stores a definition. Raises InvalidInput for a choice without choices, Conflict where values do not fit it."""
    if (command.type == "choice") != bool(command.choices):
        raise InvalidInput(
            "A property of type choice has choices, and no other has.", "Give `choices` or another type."
        )
    row = work.session.get(PropertyDefinition, command.name)
    if row is not None and _misfits(work.session, command):
        raise Conflict("Some asset has a value that the new definition does not allow.", "Change those values first.")
    before = PropertyView.model_validate(row) if row else None
    if row is None:
        row = PropertyDefinition(name=command.name)
        work.session.add(row)
    row.description, row.type = command.description, command.type
    row.choices, row.kinds = list(command.choices), list(command.kinds)
    row.principal, row.updated_at = work.caller.principal, work.now
    view = PropertyView.model_validate(row)
    if before != view:
        work.emit("property_defined", f"property:{command.name}", before, view)
    return view


def _misfits(session: Session, command: DefineProperty) -> bool:
    has = Annotation.properties.has_key(command.name)
    value = Annotation.properties[command.name]
    rows = session.execute(
        select(Asset.kind, value).join(Asset, Asset.id == Annotation.asset_id).where(has).distinct().limit(LOOKED_AT)
    )
    return any(
        (command.kinds and kind not in command.kinds) or not fits(command.type, list(command.choices), held)
        for kind, held in rows
    )


def remove(work: UnitOfWork, command: RemoveProperty) -> Done:
    """Takes a definition back. Raises NotFound, and Conflict while an asset has a value."""
    row = work.session.get(PropertyDefinition, command.name)
    if row is None:
        raise NotFound("There is no such property.", "List the properties to see which there are.")
    used = select(func.count()).where(Annotation.properties.has_key(command.name))
    if work.session.execute(used).scalar_one():
        raise Conflict("Some asset has a value of this property.", "Take those values back first.")
    work.emit("property_removed", f"property:{command.name}", PropertyView.model_validate(row), None)
    work.session.delete(row)
    return Done()


def definitions(session: Session) -> list[PropertyView]:
    """All definitions by name."""
    return [
        PropertyView.model_validate(row)
        for row in session.scalars(select(PropertyDefinition).order_by(PropertyDefinition.name))
    ]
