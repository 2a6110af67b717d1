"""The search document of an asset, rebuilt in the transaction that changes what it is made of: it cannot drift."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.orm import Session

from actors.catalog.search import part
from actors.catalog.tables import Annotation, Asset, AssetColumn, ShownLabel

CHUNK = 500

_DOCUMENT = (
    func.setweight(func.to_tsvector(text("'simple'"), bindparam("a")), text("'A'"))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("b")), text("'B'")))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("c")), text("'C'")))
    .op("||")(func.setweight(func.to_tsvector(text("'simple'"), bindparam("d")), text("'D'")))
)


def refresh(session: Session, assets: Iterable[str]) -> None:
    """Rebuilds the documents of these assets: name A, columns B, people's words, labels and path C, comments D."""
    identifiers = sorted(assets)
    for start in range(0, len(identifiers), CHUNK):
        rows = _parts(session, identifiers[start : start + CHUNK])
        statement = update(Asset).where(Asset.id == bindparam("which")).values(document=_DOCUMENT)
        if rows:
            session.connection().execute(statement, rows)


def _parts(session: Session, identifiers: list[str]) -> list[dict[str, str]]:
    said: dict[str, list[str | None]] = defaultdict(list)
    names: dict[str, list[str | None]] = defaultdict(list)
    comments: dict[str, list[str | None]] = defaultdict(list)
    for column in session.scalars(select(AssetColumn).where(AssetColumn.asset_id.in_(identifiers))):
        names[column.asset_id].append(column.name)
        comments[column.asset_id].append(column.comment)
    for note in session.scalars(select(Annotation).where(Annotation.asset_id.in_(identifiers))):
        said[note.asset_id] += [note.description, note.owner, *note.tags]
    labels = select(ShownLabel).where(ShownLabel.asset_id.in_(identifiers), ShownLabel.state != "rejected")
    for label in session.scalars(labels):
        said[label.asset_id].append(label.data_class)
    return [
        {
            "which": asset.id,
            "a": part([asset.name]),
            "b": part(names[asset.id]),
            "c": part([*said[asset.id], asset.path]),
            "d": part([asset.comment, *comments[asset.id]]),
        }
        for asset in session.scalars(select(Asset).where(Asset.id.in_(identifiers)))
    ]
