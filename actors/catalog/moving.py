"""Assets that were renamed: what people wrote goes along, and so does lineage, with the labels that it carries.

What the source itself tells is found anew: profiles, and the edges of views.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, String, any_, bindparam, select, update

from actors.catalog.carrying import carry_labels
from actors.catalog.contract import CatalogReceipt, MoveCuration
from actors.catalog.curation_tables import AssetChange
from actors.catalog.datasets import TOLD
from actors.catalog.document import refresh
from actors.catalog.domains import enclose
from actors.catalog.history import EMPTY, WORDS, Changes, bump, label_facts, told_key, words_key
from actors.catalog.quality_moving import move_quality
from actors.catalog.standing import facets_of, hand_over, take_columns, take_words
from actors.catalog.tables import Annotation, Asset, AssetColumn, Edge, ShownLabel
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

VIEW = "view"
COLUMNS_TOLD = told_key("schema")
Labels = list[dict[str, Any]]


def move_curation(work: UnitOfWork, command: MoveCuration) -> CatalogReceipt:
    """Moves of assets that the catalog does not know, or whose old name is in use again, are left out."""
    moves = [(old, new) for old, new in command.moves if _move(work, old, new)]
    moved = [new for _, new in moves]
    work.session.flush()
    refresh(work.session, moved)
    carry_labels(work, [asset for move in moves for asset in move])
    return CatalogReceipt(entries=len(command.moves), changed=len(moved))


def _move(work: UnitOfWork, old: str, new: str) -> bool:
    session = work.session
    before, after = session.get(Asset, old), session.get(Asset, new)
    if before is None or after is None or before.status != "gone":
        return False
    taken = {note.column for note in session.scalars(select(Annotation).where(Annotation.asset_id == new))}
    notes = session.scalars(select(Annotation).where(Annotation.asset_id == old)).all()
    words = _words(note for note in notes if note.column not in taken)
    free = [note.column for note in notes if note.column not in taken]
    mine = (Annotation.asset_id == old, Annotation.column.in_(free))
    session.execute(update(Annotation).where(*mine).values(asset_id=new).execution_options(synchronize_session=False))
    edges = _move_edges(work, before, after)
    labels, left = _move_labels(work, before, after)
    told = hand_over(session, before, after)
    move_quality(session, before, after)
    placed = before.domain_id not in (None, after.domain_id) and not _placed_by_hand(work, new)
    if not free and not edges and not labels and not placed and not told:
        return False
    session.expire_all()
    session.refresh(after)  # history tells of a change by the value that was loaded
    if labels:
        after.sensitivity = before.sensitivity
    if placed:
        after.domain_id = before.domain_id
        enclose(session, [after])
    came: Changes = {name: each for name, each in told.items() if after.source_id != TOLD or name != COLUMNS_TOLD}
    went: Changes = {name: (value, None) for name, (_, value) in told.items()}
    if labels:
        came["labels"], went["labels"] = ([], labels), (sorted([*labels, *left], key=str), left)
    if after.source_id == TOLD and told:
        came |= take_columns(work, after, facets_of(session, new))
        take_words(after, facets_of(session, new))
    bump(work, after, {name: (empty, value) for name, (value, empty) in words.items()} | came)
    bump(work, before, words | went)
    said = {"path": after.path, "annotations": len(free), "edges": edges, "version": after.version}
    work.emit("asset_renamed", asset_entity(new), {"id": old, "path": before.path}, said)
    return True


def found_by_source(work: UnitOfWork, became: dict[str, str]) -> None:
    """A source has what only events told of until now: what was said of that is said of the source's asset."""
    which = bindparam("which", sorted(became), ARRAY(String))  # one parameter, however many assets
    rows = work.session.scalars(select(Asset).where(Asset.id == any_(which), Asset.source_id == TOLD)).all()
    for row in rows:
        row.status, row.lifecycle, row.lifecycle_at = "gone", "tombstoned", work.now
        bump(work, row)
    work.session.flush()
    moves = tuple((row.id, became[row.id]) for row in rows)
    if moves:
        move_curation(work, MoveCuration(source_id=TOLD, moves=moves))


def _placed_by_hand(work: UnitOfWork, identifier: str) -> bool:
    """Whether a person chose the domain of the new asset, before which that of the old one gives way."""
    chosen = (AssetChange.asset_id == identifier, AssetChange.kind == "human", AssetChange.changes.has_key("domain_id"))
    return work.session.scalars(select(AssetChange.version).where(*chosen).limit(1)).first() is not None


def _words(notes: Iterable[Annotation]) -> Changes:
    """What becomes of the old asset's words: they are there no more."""
    return {
        words_key(note.column, name): (value, EMPTY.get(name))
        for note in notes
        for name in WORDS
        if (value := getattr(note, name)) != EMPTY.get(name)
    }


def _move_edges(work: UnitOfWork, before: Asset, after: Asset) -> int:
    """Points edges to the new asset, but for those of views, which are derived anew. How many ends were moved."""
    count = 0
    for end, name in ((Edge.from_asset, "from_name"), (Edge.to_asset, "to_name")):
        held = (end == before.id, Edge.origin != VIEW, Edge.valid_to.is_(None))
        ids = work.session.scalars(select(Edge.id).where(*held)).all()
        values = {end.key: after.id, name: after.path}
        work.session.execute(
            update(Edge).where(Edge.id.in_(ids)).values(values).execution_options(synchronize_session=False)
        )
        count += len(ids)
    return count


def _move_labels(work: UnitOfWork, before: Asset, after: Asset) -> tuple[Labels, Labels]:
    """Shows the labels of the old asset on the columns of the new one, which has none yet: the content is the same.

    Until classification hands its own over, what lineage carries on from them must not be lost. Those that were moved,
    and those of columns that the new asset does not have.
    """
    session = work.session
    if session.scalars(select(ShownLabel.column).where(ShownLabel.asset_id == after.id).limit(1)).first():
        return [], []
    columns = set(session.scalars(select(AssetColumn.name).where(AssetColumn.asset_id == after.id)))
    shown = session.scalars(select(ShownLabel).where(ShownLabel.asset_id == before.id)).all()
    facts = sorted((label_facts(label) for label in shown), key=str)
    held = (ShownLabel.asset_id == before.id, ShownLabel.column.in_(sorted(columns)))
    moved = update(ShownLabel).where(*held).values(asset_id=after.id)
    session.execute(moved.execution_options(synchronize_session=False))
    return [one for one in facts if one["column"] in columns], [one for one in facts if one["column"] not in columns]
