"""The search document of an asset, rebuilt in the transaction that changes what it is made of: it cannot drift."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, String, bindparam, func, select, text, update
from sqlalchemy.orm import Session

from actors.catalog.glossary_tables import Term
from actors.catalog.meanings import DOCUMENT, lexeme, named, phrases
from actors.catalog.search import part, same_name
from actors.catalog.tables import Annotation, Asset, AssetColumn, ShownLabel
from actors.catalog.told import told_words
from actors.catalog.vocabulary import learn, learn_phrases
from cluster.ml.wordings import load_meanings
from cluster.naming import table_of

CHUNK = 500

_DOCUMENT = (
    func.setweight(func.to_tsvector(text("'simple'"), bindparam("a")), text("'A'"))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("b")), text("'B'")))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("c")), text("'C'")))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("d")), text("'D'")))
    .op("||")(func.array_to_tsvector(bindparam("phrases", type_=ARRAY(String))))
)


def refresh(session: Session, assets: Iterable[str]) -> None:
    """Rebuilds the documents of these assets: name A, columns B, people's words, labels and path C, comments and what
    other tools tell D.

    Words and phrases that occur for the first time are learned; what phrases mean is asked for later.
    """
    identifiers = sorted(assets)
    for start in range(0, len(identifiers), CHUNK):
        rows = _Parts(session, identifiers[start : start + CHUNK]).rows()
        statement = update(Asset).where(Asset.id == bindparam("which")).values(document=_DOCUMENT)
        if rows:
            session.connection().execute(statement, rows)


class _Parts:
    """What the documents of some assets are made of."""

    def __init__(self, session: Session, identifiers: list[str]) -> None:
        self.session = session
        self.assets = session.scalars(select(Asset).where(Asset.id.in_(identifiers))).all()
        self.said: dict[str, list[str | None]] = defaultdict(list)
        self.names: dict[str, list[str | None]] = defaultdict(list)
        self.comments: dict[str, list[str | None]] = defaultdict(list)
        self.described: dict[str, list[str | None]] = defaultdict(list)
        self.classes: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._columns(identifiers)
        self._notes(identifiers)
        self._labels(identifiers)
        self._terms(identifiers)
        for identifier, words in told_words(session, identifiers).items():
            self.comments[identifier] += words

    def _columns(self, identifiers: list[str]) -> None:
        columns = select(AssetColumn).where(AssetColumn.asset_id.in_(identifiers))
        for column in self.session.scalars(columns.order_by(AssetColumn.ordinal)):
            self.names[column.asset_id].append(column.name)
            self.comments[column.asset_id].append(column.comment)

    def _notes(self, identifiers: list[str]) -> None:
        for note in self.session.scalars(select(Annotation).where(Annotation.asset_id.in_(identifiers))):
            owners = [owner["name"] for owner in note.owners or ()]
            self.said[note.asset_id] += [note.description, note.owner, *owners, *note.tags]
            self.described[note.asset_id].append(note.description)

    def _labels(self, identifiers: list[str]) -> None:
        labels = select(ShownLabel).where(ShownLabel.asset_id.in_(identifiers), ShownLabel.state != "rejected")
        told = load_meanings().value.classes
        for label in self.session.scalars(labels):
            self.said[label.asset_id] += [label.data_class, *told.get(label.data_class, ())[:1]]
            self.classes[label.asset_id].append((label.column, label.data_class))

    def _terms(self, identifiers: list[str]) -> None:
        for term in self.session.scalars(select(Term).where(Term.asset_id.in_(identifiers))):
            self.said[term.asset_id] += term.abbreviations

    def rows(self) -> list[dict[str, Any]]:
        texts = [self._texts(asset) for asset in self.assets]
        learn(self.session, {word for each in texts for held in each.values() for word in held.split()})
        about = [self._phrases(asset) for asset in self.assets]
        numbers = learn_phrases(self.session, {phrase for each in about for phrase in each})
        return [
            {
                "which": asset.id,
                "phrases": sorted({lexeme(numbers[phrase]) for phrase in told} | _names(asset)),
                **held,
            }
            for asset, told, held in zip(self.assets, about, texts, strict=True)
        ]

    def _texts(self, asset: Asset) -> dict[str, str]:
        return {
            "a": part([asset.name]),
            "b": part(self.names[asset.id]),
            "c": part([*self.said[asset.id], asset.path]),
            "d": part([asset.comment, *self.comments[asset.id]]),
        }

    def _phrases(self, asset: Asset) -> list[str]:
        columns = [name for name in self.names[asset.id] if name]
        words = [*self.described[asset.id], asset.comment]
        return phrases(asset.name, columns, words, self.classes[asset.id])


def _names(asset: Asset) -> set[str]:
    """Lexemes of what the asset is called: its name, without an ending of files too, and its path; and the mark."""
    told = (asset.name, table_of(asset.name) or asset.name, asset.path)
    return {DOCUMENT, *(named(name) for name in map(same_name, told) if name)}
