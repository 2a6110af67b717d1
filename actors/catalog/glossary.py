"""Glossary terms: definition, approval, hierarchy and relations. A term is an asset of kind glossary_term."""

from typing import Final

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from actors.catalog.annotations import clean, write_note
from actors.catalog.contract import DefineTerm, MoveTerm, RelatedTerm, RelateTerms, RemoveTerm, TermView
from actors.catalog.curation_tables import AssetChange
from actors.catalog.document import refresh
from actors.catalog.domains import REGISTERED, new_registered
from actors.catalog.glossary_tables import Term, TermLink, TermRelation
from actors.catalog.history import bump
from actors.catalog.tables import Annotation, Asset
from cluster.context import Caller
from cluster.errors import Conflict, Forbidden, NotFound
from cluster.naming import asset_entity, asset_id
from cluster.runtime.commands import Done, UnitOfWork
from cluster.security.visibility import hidden, visible

KIND: Final = "glossary_term"
SYMMETRIC: Final = ("seeAlso", "synonyms", "antonyms")
# The canonical direction of each pair, and what it is from the other side.
PAIRS: Final = {
    "preferredTerms": "preferredToTerms", "replacementTerms": "replacedBy", "translationTerms": "translatedTerms",
    "isA": "classifies", "validValues": "validValuesFor",
}  # fmt: skip
INVERSE: Final = {name: name for name in SYMMETRIC} | PAIRS | {back: name for name, back in PAIRS.items()}
ACYCLIC: Final = ("isA", "preferredTerms", "replacementTerms")
ALLOWED: Final = {
    "draft": ("in_review", "obsolete"), "in_review": ("approved", "rejected", "draft"), "rejected": ("draft",),
    "approved": ("deprecated", "draft"), "deprecated": ("obsolete", "approved"), "obsolete": ("draft",),
}  # fmt: skip


def define(work: UnitOfWork, command: DefineTerm) -> TermView:
    """Raises InvalidInput for words that cannot be kept, NotFound for the parent, Conflict for a circle of parents."""
    name = clean(command.name)
    row = work.session.get(Asset, asset_id(REGISTERED, f"{KIND}/{name}"))
    if row is None or row.lifecycle == "purged":
        row = new_registered(work, KIND, name)
        work.session.merge(
            Term(asset_id=row.id, status="draft", abbreviations=[], proposed_by=None,
                 changed_by=work.caller.principal, changed_at=work.now)
        )  # fmt: skip
        work.session.flush()
    else:
        row = term_row(work.session, row.id, work.caller)
    _change(work, row, command)
    work.session.flush()
    refresh(work.session, [row.id])
    return term_view(work.session, row.id, work.caller)


def _change(work: UnitOfWork, row: Asset, command: DefineTerm) -> None:
    term = state_of(work.session, row.id)
    told = write_note(work, row, "", {"description": clean(command.definition) or None} if command.definition else {})
    before = {"status": term.status, "abbreviations": list(term.abbreviations), "parent_id": row.parent_id}
    if command.abbreviations is not None:
        term.abbreviations = list(dict.fromkeys(map(clean, command.abbreviations)))
    if command.parent_id is not None:
        row.parent_id = _parent(work, row, command.parent_id) if command.parent_id else None
    if told and term.status == "approved":
        term.status = "draft"
    after = {"status": term.status, "abbreviations": list(term.abbreviations), "parent_id": row.parent_id}
    if told or before != after:
        term.changed_by, term.changed_at = work.caller.principal, work.now
        terms = {
            f"term.{key}": (before[key], after[key]) for key in ("status", "abbreviations") if before[key] != after[key]
        }
        bump(work, row, told | terms, "human")
        place = {"path": row.path}
        work.emit("term_defined", asset_entity(row.id), place | before, place | after | {"version": row.version})


def _parent(work: UnitOfWork, row: Asset, parent_id: str) -> str:
    parent = term_row(work.session, parent_id, work.caller)
    above: str | None = parent.id
    for _ in range(1_000):
        if above is None:
            return parent.id
        if above == row.id:
            break
        above = work.session.scalars(select(Asset.parent_id).where(Asset.id == above)).first()
    raise Conflict("The term would be above itself.", "Choose a parent that is not below it.")


def move(work: UnitOfWork, command: MoveTerm) -> TermView:
    """Raises Conflict for a way that is not allowed, Forbidden for one's own proposal."""
    row = term_row(work.session, command.term_id, work.caller)
    term = state_of(work.session, row.id)
    if command.to == term.status:
        return term_view(work.session, row.id, work.caller)
    if command.to not in ALLOWED[term.status]:
        allowed = ", ".join(ALLOWED[term.status])
        raise Conflict(f"A term that is {term.status} cannot become {command.to}.", f"It can become {allowed}.")
    if command.to == "approved" and term.proposed_by == work.caller.principal and not work.caller.sees_all:
        raise Forbidden("Who proposed a term cannot approve it.", "Let somebody else review it.")
    before, term.status = term.status, command.to
    if command.to == "in_review":
        term.proposed_by = work.caller.principal
    term.changed_by, term.changed_at = work.caller.principal, work.now
    bump(work, row, {"term.status": (before, command.to)}, "human")
    told = {"path": row.path, "status": command.to, "version": row.version}
    work.emit("term_moved", asset_entity(row.id), {"path": row.path, "status": before}, told)
    return term_view(work.session, row.id, work.caller)


def relate(work: UnitOfWork, command: RelateTerms) -> TermView:
    """Raises NotFound for a term, Conflict for a relation to itself or one that would close a circle."""
    one = term_row(work.session, command.term_id, work.caller)
    other = term_row(work.session, command.to_term, work.caller)
    start, relation, end = canonical(one.id, command.relation, other.id)
    if start == end:
        raise Conflict("A term has no relation to itself.", "Name two terms.")
    held = work.session.get(TermRelation, (start, relation, end))
    if (held is None) == command.remove:
        return term_view(work.session, one.id, work.caller)
    if held is not None:
        work.session.delete(held)
    elif relation in ACYCLIC and _reaches(work.session, end, relation, start):
        raise Conflict(f"The relation '{relation}' would close a circle.", "Take one of its relations back first.")
    else:
        work.session.add(TermRelation(from_term=start, relation=relation, to_term=end))
    named = f"{relation} {other.name if start == one.id else one.name}"
    for row in (one, other):
        bump(work, row, {"term.related": (named, None) if command.remove else (None, named)}, "human")
    told = {"path": one.path, "relation": command.relation, "to": other.path, "removed": command.remove}
    work.emit("term_related", asset_entity(one.id), None, told)
    work.session.flush()
    return term_view(work.session, one.id, work.caller)


def canonical(start: str, relation: str, end: str) -> tuple[str, str, str]:
    """A relation in the direction that it is stored in."""
    if relation in SYMMETRIC:
        return min(start, end), relation, max(start, end)
    return (start, relation, end) if relation in PAIRS else (end, INVERSE[relation], start)


def _reaches(session: Session, start: str, relation: str, goal: str) -> bool:
    seen, layer = {start}, [start]
    while layer:
        if goal in layer:
            return True
        step = select(TermRelation.to_term).where(TermRelation.from_term.in_(layer), TermRelation.relation == relation)
        layer = [term for term in session.scalars(step) if term not in seen]
        seen.update(layer)
    return False


def remove(work: UnitOfWork, command: RemoveTerm) -> Done:
    """Raises Conflict while columns are linked to the term or terms are below it."""
    row = term_row(work.session, command.term_id, work.caller)
    below = select(Asset.id).where(Asset.parent_id == row.id).limit(1)
    linked = select(TermLink.asset_id).where(TermLink.term_id == row.id, TermLink.status == "validated").limit(1)
    if work.session.execute(below).first() or work.session.execute(linked).first():
        raise Conflict("The term is in use.", "Move the terms below it and take its links back first.")
    ends = or_(TermRelation.from_term == row.id, TermRelation.to_term == row.id)
    for statement in (
        delete(TermRelation).where(ends), delete(TermLink).where(TermLink.term_id == row.id),
        delete(Term).where(Term.asset_id == row.id), delete(AssetChange).where(AssetChange.asset_id == row.id),
        delete(Annotation).where(Annotation.asset_id == row.id),
    ):  # fmt: skip
        work.session.execute(statement)
    work.emit("term_removed", asset_entity(row.id), {"path": row.path}, None)
    work.session.delete(row)
    return Done()


def term_row(session: Session, identifier: str, caller: Caller) -> Asset:
    """The asset of a term. Raises NotFound."""
    row = session.get(Asset, identifier)
    if row is None or row.kind != KIND or hidden(session, caller, [identifier]):
        raise NotFound("There is no such term.", "List the terms to see their ids.")
    return row


def state_of(session: Session, identifier: str) -> Term:
    """The stored state of a term that is known to be one."""
    term = session.get(Term, identifier)
    if term is None:
        raise NotFound("There is no such term.", "List the terms to see their ids.")
    return term


def term_view(session: Session, identifier: str, caller: Caller) -> TermView:
    """One term. Raises NotFound."""
    return views(session, [term_row(session, identifier, caller)], caller)[0]


def terms(
    session: Session, caller: Caller, status: str | None = None, after: str | None = None, limit: int = 100
) -> list[TermView]:
    """Terms by name, behind the term with the id `after`. Raises NotFound for it."""
    statement = select(Asset).join(Term, Term.asset_id == Asset.id).where(visible(caller, Asset.id))
    if status is not None:
        statement = statement.where(Term.status == status)
    if after is not None:
        statement = statement.where(Asset.path > term_row(session, after, caller).path)
    return views(session, list(session.scalars(statement.order_by(Asset.path).limit(limit))), caller)


def views(session: Session, rows: list[Asset], caller: Caller) -> list[TermView]:
    """Terms in the same order. Relations and links to what the caller may not see are left out."""
    ids = [row.id for row in rows]
    states = {term.asset_id: term for term in session.scalars(select(Term).where(Term.asset_id.in_(ids)))}
    notes = {
        note.asset_id: note.description
        for note in session.scalars(select(Annotation).where(Annotation.asset_id.in_(ids), Annotation.column == ""))
    }
    linked = select(TermLink.term_id, func.count()).where(
        TermLink.term_id.in_(ids), TermLink.status == "validated", visible(caller, TermLink.asset_id)
    )
    counts = dict(session.execute(linked.group_by(TermLink.term_id)).all())
    related = _related(session, ids, caller)
    parents = hidden(session, caller, [row.parent_id for row in rows if row.parent_id])
    return [
        TermView(
            id=row.id, name=row.name, definition=notes.get(row.id), status=states[row.id].status,
            abbreviations=tuple(states[row.id].abbreviations),
            parent_id=None if row.parent_id in parents else row.parent_id,
            related=tuple(sorted(related.get(row.id, ()), key=str)), links=counts.get(row.id, 0), version=row.version,
        )
        for row in rows
    ]  # fmt: skip


def _related(session: Session, ids: list[str], caller: Caller) -> dict[str, list[RelatedTerm]]:
    ends = or_(TermRelation.from_term.in_(ids), TermRelation.to_term.in_(ids))
    rows = session.scalars(select(TermRelation).where(ends)).all()
    others = {end for row in rows for end in (row.from_term, row.to_term)}
    named = select(Asset.id, Asset.name).where(Asset.id.in_(others), visible(caller, Asset.id))
    names = dict(session.execute(named).all())
    found: dict[str, list[RelatedTerm]] = {}
    for row in rows:
        sides = ((row.from_term, row.relation, row.to_term), (row.to_term, INVERSE[row.relation], row.from_term))
        for one, relation, other in sides:
            if one in ids and other in names:
                told = RelatedTerm.model_validate({"relation": relation, "term_id": other, "name": names[other]})
                found.setdefault(one, []).append(told)
    return found
