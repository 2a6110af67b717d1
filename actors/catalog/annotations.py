"""People's words on assets and columns, kept apart from all that machines write."""

from sqlalchemy.orm import Session

from actors.catalog.contract import AnnotateAsset
from actors.catalog.tables import Annotation, Asset, AssetColumn
from cluster.errors import InvalidInput, NotFound, PreconditionFailed
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

LONGEST_TAG = 100


def annotate(work: UnitOfWork, command: AnnotateAsset) -> bool:
    """Stores the words given; an empty text takes a word back. Returns whether anything is different now.

    Raises NotFound, PreconditionFailed if `version` is not the current one, InvalidInput for words that have no place.
    """
    row = _asset(work.session, command)
    note = work.session.get(Annotation, (row.id, command.column or ""))
    before = _said(note)
    after = before | _given(command)
    if before == after:
        return False
    if note is None:
        note = Annotation(asset_id=row.id, column=command.column or "")
        work.session.add(note)
    for name, value in after.items():
        setattr(note, name, value)
    note.principal, note.updated_at = work.caller.principal, work.now
    row.version += 1
    row.updated_at = work.now
    place = {"path": row.path, "column": command.column}
    work.emit("asset_annotated", asset_entity(row.id), place | before, place | after | {"version": row.version})
    return True


def _asset(session: Session, command: AnnotateAsset) -> Asset:
    row = session.get(Asset, command.asset_id)
    if row is None:
        raise NotFound("There is no such asset.", "List the assets to see their ids.")
    if command.version is not None and command.version != row.version:
        raise PreconditionFailed(
            f"The asset is at version {row.version}, not {command.version}.", "Read it again and repeat the change."
        )
    if command.column is not None and session.get(AssetColumn, (row.id, command.column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    if command.column is not None and (command.owner is not None or command.tags is not None):
        raise InvalidInput("A column has a description only.", "Put owner and tags on the asset.")
    return row


def _said(note: Annotation | None) -> dict[str, object]:
    if note is None:
        return {"description": None, "owner": None, "tags": []}
    return {"description": note.description, "owner": note.owner, "tags": list(note.tags)}


def _given(command: AnnotateAsset) -> dict[str, object]:
    given: dict[str, object] = {}
    for name in ("description", "owner"):
        text: str | None = getattr(command, name)
        if text is not None:
            given[name] = _clean(text) or None
    if command.tags is not None:
        tags = list(dict.fromkeys(tag for tag in map(_clean, command.tags) if tag))
        if any(len(tag) > LONGEST_TAG for tag in tags):
            raise InvalidInput(f"A tag is longer than {LONGEST_TAG} characters.", "Shorten it.")
        given["tags"] = tags
    return given


def _clean(text: str) -> str:
    if "\0" in text:
        raise InvalidInput("The text holds a NUL character.", "Leave it out.")
    return text.strip()
