"""Which columns a term fits: proposed with reasons, decided by people, and learned from what they decided.

Each reason is a figure from 0 to 1. The confidence is the logistic of a bias and the reasons times their weights. A
weight is scaled by how often that reason was right: (accepted + 4) / (decided + 5) of the links for which it spoke,
so that without decisions it stands as written, and a reason that misleads in this installation fades.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.assets import ANYTHING, asset_row, conditions
from actors.catalog.contract import CatalogReceipt, DecideLink, SuggestLinks, TermLinkView
from actors.catalog.finding import Asked, found
from actors.catalog.glossary import state_of, term_row
from actors.catalog.glossary_tables import TermLink, TermRelation
from actors.catalog.link_reasons import WEIGHTS, Column, Wanted, confidence, reasons_of
from actors.catalog.search_tables import Phrase
from actors.catalog.tables import Annotation, Asset, AssetColumn, Profile, ShownLabel
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.ml.wordings import load_meanings, phrase_of, singular
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import visible

SPEAKS: Final = 0.3  # a reason of at least this much spoke for the link
ASSETS: Final = 200  # assets whose columns are looked at for one term
PROPOSED: Final = 200


def suggest(work: UnitOfWork, command: SuggestLinks) -> CatalogReceipt:
    """Proposes the columns that fit best, 200 at most; proposals that do not fit any more are taken back."""
    session = work.session
    term = term_row(session, command.term_id, work.caller)
    wanted, scales = _wanted(session, term), weights(session)
    columns = _columns(session, term, wanted, work.caller)
    held = {(link.asset_id, link.column): link for link in _links(session, term.id)}
    judged = [
        (reasons, column) for column, reasons in zip(columns, _all_reasons(session, wanted, columns), strict=True)
    ]
    scored = sorted(((confidence(reasons, scales), reasons, column) for reasons, column in judged), key=_order)
    kept = [each for each in scored[:PROPOSED] if each[0] >= command.least]
    fitting = {(column.asset.id, column.name) for _, _, column in kept}
    changed = 0
    for key, link in held.items():
        if link.status == "proposed" and key not in fitting:
            session.delete(link)
            changed += 1
    for sure, reasons, column in kept:
        changed += _propose(work, term, held.get((column.asset.id, column.name)), (sure, reasons, column))
    told = {"path": term.path, "proposed": len(kept)}
    if changed:
        work.emit("links_suggested", asset_entity(term.id), None, told)
    return CatalogReceipt(entries=len(columns), changed=changed)


def _order(scored: tuple[float, dict[str, float], Column]) -> tuple[float, str, str]:
    return (-scored[0], scored[2].asset.path, scored[2].name)


def _propose(
    work: UnitOfWork, term: Asset, link: TermLink | None, judged: tuple[float, dict[str, float], Column]
) -> bool:
    sure, reasons, column = judged
    if link is not None and (link.status != "proposed" or (link.confidence, link.reasons) == (sure, reasons)):
        return False
    if link is None:
        link = TermLink(term_id=term.id, asset_id=column.asset.id, column=column.name, steward=None)
        work.session.add(link)
    link.status, link.confidence, link.reasons, link.changed_at = "proposed", sure, reasons, work.now
    return True


def decide(work: UnitOfWork, command: DecideLink) -> TermLinkView:
    """Keeps a person's word. Raises NotFound for a term, an asset or a column that is not."""
    term = term_row(work.session, command.term_id, work.caller)
    asset = asset_row(work.session, command.asset_id, work.caller)
    if command.column and work.session.get(AssetColumn, (asset.id, command.column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    link = work.session.get(TermLink, (term.id, asset.id, command.column))
    before = link.status if link else None
    if link is None:
        link = TermLink(term_id=term.id, asset_id=asset.id, column=command.column, confidence=1.0, reasons={})
        work.session.add(link)
    link.status, link.steward, link.changed_at = command.status, work.caller.principal, work.now
    if before != command.status:
        told = {"term": term.path, "path": asset.path, "column": command.column, "status": command.status}
        work.emit("link_decided", asset_entity(asset.id), {"status": before}, told)
    return _view(link, term, asset)


def weights(session: Session) -> dict[str, float]:
    """The weight of each reason, as what people decided makes it."""
    right, decided = dict.fromkeys(WEIGHTS, 0), dict.fromkeys(WEIGHTS, 0)
    told = select(TermLink.status, TermLink.reasons).where(TermLink.status.in_(("validated", "rejected")))
    for status, reasons in session.execute(told):
        for name in WEIGHTS:
            if reasons.get(name, 0) >= SPEAKS:
                decided[name] += 1
                right[name] += status == "validated"
    return {name: weight * (right[name] + 4) / (decided[name] + 5) / 0.8 for name, weight in WEIGHTS.items()}


def _wanted(session: Session, term: Asset) -> Wanted:
    told = load_meanings().value
    synonyms = select(TermRelation).where(
        TermRelation.relation == "synonyms", (TermRelation.from_term == term.id) | (TermRelation.to_term == term.id)
    )
    others = {end for row in session.scalars(synonyms) for end in (row.from_term, row.to_term)} - {term.id}
    names = [term.name, *state_of(session, term.id).abbreviations]
    names += session.scalars(select(Asset.name).where(Asset.id.in_(others))).all()
    phrases = tuple(dict.fromkeys(singular(phrase_of(name, told)) for name in names))
    note = session.get(Annotation, (term.id, ""))
    vector = session.scalars(select(Phrase.vector).where(Phrase.text == phrase_of(term.name, told))).first()
    memory: dict[str, tuple[int, int]] = {}
    kinds: set[tuple[str, str]] = set()
    for link in _links(session, term.id):
        name = singular(phrase_of(link.column, told))
        yes, no = memory.get(name, (0, 0))
        memory[name] = (yes + (link.status == "validated"), no + (link.status == "rejected"))
        if link.status == "validated":
            told_kind = _kinds(session, [link.asset_id]).get((link.asset_id, link.column))
            kinds |= {told_kind} if told_kind else set()
    definition = note.description if note and note.description else ""
    return Wanted(phrases, _classes(phrases), definition, tuple(vector) if vector else None, frozenset(kinds), memory)


def _classes(names: Iterable[str]) -> frozenset[str]:
    """The classes that are called so: "phone number" is contact.phone, since "number" says nothing by itself."""
    told = load_meanings().value
    found = set()
    for data_class, wordings in told.classes.items():
        last = set(phrase_of(data_class.rpartition(".")[2], told).split())
        worded = {singular(phrase_of(wording, told)) for wording in wordings}
        if any(name in worded or last <= set(name.split()) <= last | told.vague for name in names):
            found.add(data_class)
    return frozenset(found)


def _columns(session: Session, term: Asset, wanted: Wanted, caller: Caller) -> list[Column]:
    """The columns of the assets that a search for the term's names finds."""
    limits = [*conditions(session, ANYTHING, caller), Asset.source_id != term.source_id, Asset.status != "gone"]
    model = session.scalars(select(Phrase.model).where(Phrase.model.is_not(None)).limit(1)).first()
    assets: dict[str, None] = {}
    for name in wanted.names[:10]:
        asked = Asked(name, wanted.vector, model) if wanted.vector and model else Asked(name)
        assets |= dict.fromkeys(found(session, asked, limits)[:ASSETS])
    ids = list(assets)[:ASSETS]
    rows = {row.id: row for row in session.scalars(select(Asset).where(Asset.id.in_(ids)))}
    notes = {(note.asset_id, note.column): note.description for note in session.scalars(
        select(Annotation).where(Annotation.asset_id.in_(ids)))}  # fmt: skip
    kinds, told = _kinds(session, ids), load_meanings().value
    columns = (
        select(AssetColumn).where(AssetColumn.asset_id.in_(ids)).order_by(AssetColumn.asset_id, AssetColumn.ordinal)
    )
    return [
        Column(
            rows[each.asset_id], each.name, f"{each.comment or ''} {notes.get((each.asset_id, each.name)) or ''}",
            phrase_of(each.name, told), kinds.get((each.asset_id, each.name), ("", "")),
        )
        for each in session.scalars(columns)
    ]  # fmt: skip


def _kinds(session: Session, assets: list[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """What columns look like: their most frequent shape of values, and the class of their surest label."""
    shapes = {
        (row.asset_id, row.column): next((shape for shape, _ in row.profile.get("shapes") or ()), "")
        for row in session.scalars(select(Profile).where(Profile.asset_id.in_(assets)))
    }
    labels = select(ShownLabel).where(ShownLabel.asset_id.in_(assets), ShownLabel.state != "rejected")
    classes = {
        (row.asset_id, row.column): row.data_class for row in session.scalars(labels.order_by(ShownLabel.confidence))
    }
    return {key: (shapes.get(key, ""), classes.get(key, "")) for key in shapes.keys() | classes.keys()}


def _all_reasons(session: Session, wanted: Wanted, columns: list[Column]) -> list[dict[str, float]]:
    texts = {column.phrase for column in columns}
    vectors: dict[str, Any] = {}
    if wanted.vector is not None:
        # A column's phrase has a vector of its own only within its table's: what was learned is "<table> <column>".
        told = load_meanings().value
        texts |= {f"{singular(phrase_of(column.asset.name, told))} {column.phrase}" for column in columns}
        rows = select(Phrase.text, Phrase.vector).where(Phrase.text.in_(texts), Phrase.vector.is_not(None))
        vectors = dict(session.execute(rows).all())
    return [reasons_of(wanted, column, vectors) for column in columns]


def _links(session: Session, term_id: str) -> list[TermLink]:
    return list(session.scalars(select(TermLink).where(TermLink.term_id == term_id)))


def links(
    session: Session, caller: Caller, *, term_id: str | None = None, asset_id: str | None = None,
    status: str | None = None, after: int = 0, limit: int = 100,
) -> list[TermLinkView]:  # fmt: skip
    """Links of a term or of an asset, the surest first, behind the first `after` of them."""
    term, asset = Asset.__table__.alias("term"), Asset
    statement = (
        select(TermLink, term.c.id, term.c.name, Asset)
        .join(term, term.c.id == TermLink.term_id)
        .join(asset, asset.id == TermLink.asset_id)
        .where(visible(caller, TermLink.asset_id), visible(caller, TermLink.term_id))
    )
    for column, value in ((TermLink.term_id, term_id), (TermLink.asset_id, asset_id), (TermLink.status, status)):
        if value is not None:
            statement = statement.where(column == value)
    order = (TermLink.confidence.desc(), TermLink.term_id, TermLink.asset_id, TermLink.column)
    rows = session.execute(statement.order_by(*order).offset(after).limit(limit))
    return [_linked(link, name, asset_) for link, _, name, asset_ in rows]


def _view(link: TermLink, term: Asset, asset: Asset) -> TermLinkView:
    return _linked(link, term.name, asset)


def _linked(link: TermLink, term: str, asset: Asset) -> TermLinkView:
    return TermLinkView(
        term_id=link.term_id, term=term, asset_id=asset.id, asset=asset.path, column=link.column,
        status=link.status, confidence=link.confidence, reasons=link.reasons, steward=link.steward,
        changed_at=link.changed_at,
    )  # fmt: skip
