"""People's words on assets and columns, kept apart from all that machines write."""

from typing import Any

from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import AnnotateAsset
from actors.catalog.history import EMPTY, WORDS, Changes, bump, words_key
from actors.catalog.properties import checked
from actors.catalog.tables import Annotation, Asset, AssetColumn
from cluster.errors import InvalidInput, NotFound, PreconditionFailed
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

LONGEST_TAG = 100


def annotate(work: UnitOfWork, command: AnnotateAsset) -> bool:
    """Stores the words given; an empty text takes a word back. Returns whether anything is different now.

    Raises NotFound, PreconditionFailed if `version` is not the current one, InvalidInput for words that have no place.
    """
    row = _asset(work, command)
    return write(work, row, command.column or "", _given(work, row, command))


def write(work: UnitOfWork, row: Asset, column: str, given: dict[str, Any]) -> bool:
    """Sets people's words on an asset (column "") or a column. Returns whether anything is different now."""
    changed = write_note(work, row, column, given)
    if changed:
        discovered(work, row)
        bump(work, row, {words_key(column, name): told for name, told in changed.items()}, "human")
        place: dict[str, Any] = {"path": row.path, "column": column or None}
        before = {name: old for name, (old, _) in changed.items()}
        after = {name: new for name, (_, new) in changed.items()} | {"version": row.version}
        work.emit("asset_annotated", asset_entity(row.id), place | before, place | after)
    return bool(changed)


def write_note(work: UnitOfWork, row: Asset, column: str, given: dict[str, Any]) -> Changes:
    """Sets the words and says which of them changed, without making a version of it."""
    note = work.session.get(Annotation, (row.id, column))
    before = said(note)
    changed = {name: (before[name], value) for name, value in given.items() if before[name] != value}
    if not changed:
        return {}
    if note is None:
        note = Annotation(asset_id=row.id, column=column, **before)
        work.session.add(note)
    for name, (_, value) in changed.items():
        setattr(note, name, value)
    note.principal, note.updated_at = work.caller.principal, work.now
    return changed


def discovered(work: UnitOfWork, row: Asset) -> None:
    """An asset that somebody scanned or described is in use from then on."""
    if row.lifecycle == "discovered":
        row.lifecycle, row.lifecycle_at = "active", work.now


def said(note: Annotation | None) -> dict[str, Any]:
    """People's words on an asset or a column; empty ones where there are none."""
    if note is None:
        return {name: EMPTY.get(name) for name in WORDS}
    return {name: getattr(note, name) for name in WORDS}


def at_version(row: Asset, version: int | None) -> None:
    """Raises PreconditionFailed if `version` is given and is not the current one."""
    if version is not None and version != row.version:
        raise PreconditionFailed(
            f"The asset is at version {row.version}, not {version}.", "Read it again and repeat the change."
        )


def _asset(work: UnitOfWork, command: AnnotateAsset) -> Asset:
    row = asset_row(work.session, command.asset_id, work.caller)
    at_version(row, command.version)
    if row.lifecycle == "purged":
        raise NotFound("The asset was purged.", "List the assets to see which there are.")
    if command.column is None:
        return row
    if work.session.get(AssetColumn, (row.id, command.column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    whole = ("owner", "tags", "owners", "tier", "certification", "properties")
    if any(getattr(command, name) is not None for name in whole):
        raise InvalidInput("A column has a description only.", "Put everything else on the asset.")
    return row


def _given(work: UnitOfWork, row: Asset, command: AnnotateAsset) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in ("description", "owner"):
        text: str | None = getattr(command, name)
        if text is not None:
            given[name] = clean(text) or None
    if command.tags is not None:
        tags = list(dict.fromkeys(tag for tag in map(clean, command.tags) if tag))
        if any(len(tag) > LONGEST_TAG for tag in tags):
            raise InvalidInput(f"A tag is longer than {LONGEST_TAG} characters.", "Shorten it.")
        given["tags"] = tags
    if command.owners is not None:
        owners = [{"name": clean(owner.name), "type": owner.type} for owner in command.owners]
        given["owners"] = list({(owner["name"], owner["type"]): owner for owner in owners if owner["name"]}.values())
    if command.tier is not None:
        given["tier"] = command.tier or None
    if command.certification is not None:
        given["certification"] = _certified(work, command)
    if command.properties is not None:
        given["properties"] = checked(work.session, row.kind, _properties(work.session, row), command.properties)
    return given


def _certified(work: UnitOfWork, command: AnnotateAsset) -> dict[str, Any] | None:
    told = command.certification
    if not told:
        return None
    if told.expires_at is not None and told.expires_at <= work.now:
        raise InvalidInput("The certification would have expired already.", "Give a later time, or none.")
    return told.model_copy(update={"by": work.caller.principal}).model_dump(mode="json")


def _properties(session: Session, row: Asset) -> dict[str, Any]:
    note = session.get(Annotation, (row.id, ""))
    return dict(note.properties) if note else {}


def clean(text: str) -> str:
    """The text without blanks around it. Raises InvalidInput for what PostgreSQL cannot hold."""
    if "\0" in text:
        raise InvalidInput("The text holds a NUL character.", "Leave it out.")
    return text.strip()
