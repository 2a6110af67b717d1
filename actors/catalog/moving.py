"""Curation of assets that were renamed: what people wrote goes along, what machines found is found anew."""

from collections.abc import Iterable

from sqlalchemy import select, update

from actors.catalog.contract import CatalogReceipt, MoveCuration
from actors.catalog.document import refresh
from actors.catalog.domains import enclose
from actors.catalog.history import EMPTY, WORDS, Changes, bump, words_key
from actors.catalog.tables import Annotation, Asset, Edge
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork


def move_curation(work: UnitOfWork, command: MoveCuration) -> CatalogReceipt:
    """Moves of assets that the catalog does not know, or whose old name is in use again, are left out."""
    moved = [new for old, new in command.moves if _move(work, old, new)]
    work.session.flush()
    refresh(work.session, moved)
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
    if not free and not edges:
        return False
    session.expire_all()
    if after.domain_id is None and before.domain_id is not None:
        after.domain_id = before.domain_id
        enclose(session, [after])
    bump(work, after, {name: (empty, value) for name, (value, empty) in words.items()})
    bump(work, before, words)
    told = {"path": after.path, "annotations": len(free), "edges": edges, "version": after.version}
    work.emit("asset_renamed", asset_entity(new), {"id": old, "path": before.path}, told)
    return True


def _words(notes: Iterable[Annotation]) -> Changes:
    """What becomes of the old asset's words: they are there no more."""
    return {
        words_key(note.column, name): (value, EMPTY.get(name))
        for note in notes
        for name in WORDS
        if (value := getattr(note, name)) != EMPTY.get(name)
    }


def _move_edges(work: UnitOfWork, before: Asset, after: Asset) -> int:
    """Points the edges of jobs to the new asset; those of views are derived anew. How many ends were moved."""
    count = 0
    for end, name in ((Edge.from_asset, "from_name"), (Edge.to_asset, "to_name")):
        held = (end == before.id, Edge.job_id.is_not(None), Edge.valid_to.is_(None))
        ids = work.session.scalars(select(Edge.id).where(*held)).all()
        values = {end.key: after.id, name: after.path}
        work.session.execute(
            update(Edge).where(Edge.id.in_(ids)).values(values).execution_options(synchronize_session=False)
        )
        count += len(ids)
    return count
