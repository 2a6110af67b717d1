"""Reading assets: one by one, as filtered lists, and by full-text search."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from actors.catalog import search as text_search
from actors.catalog.contract import AssetStatus, AssetSummary, AssetView, ColumnLabel, ColumnView, SchemaVersion
from actors.catalog.tables import Annotation, Asset, AssetColumn, Profile, SchemaVersionRow, ShownLabel
from cluster.errors import NotFound
from cluster.kernels.report import ColumnProfile

LIMIT = 1000


class AssetFilter(BaseModel):
    """Which assets to list; conditions are joined by "and", a field left out asks for nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_id: str | None = None
    kind: Literal["table", "view", "materialized_view", "file"] | None = None
    status: AssetStatus | None = None
    sensitivity: str | None = None
    data_class: str | None = None
    tag: str | None = None


ANYTHING = AssetFilter()
_COLUMNS = select(func.count()).where(AssetColumn.asset_id == Asset.id).correlate(Asset).scalar_subquery()


def asset_row(session: Session, asset_id: str) -> Asset:
    """The stored asset. Raises NotFound."""
    row = session.get(Asset, asset_id)
    if row is None:
        raise NotFound("There is no such asset.", "List the assets to see their ids.")
    return row


def get_asset(session: Session, asset_id: str) -> AssetView:
    """An asset with its columns, profiles, labels and people's words. Raises NotFound."""
    return views(session, [asset_row(session, asset_id)])[0]


def views(session: Session, rows: Sequence[Asset]) -> list[AssetView]:
    """Assets in the same order, read with one query for each kind of thing they have."""
    parts = _Parts(session, [row.id for row in rows])
    found = []
    for row in rows:
        columns = parts.columns_of(row.id)
        note = parts.notes.get((row.id, ""))
        view = AssetView(
            **_summary(row, len(columns)),
            comment=row.comment,
            description=note.description if note else None,
            owner=note.owner if note else None,
            tags=tuple(note.tags) if note else (),
            definition=row.definition,
            column_list=columns,
            foreign_keys=row.foreign_keys,
            problem=row.problem,
        )
        found.append(view)
    return found


class _Parts:
    """What belongs to some assets, by asset and column."""

    def __init__(self, session: Session, ids: list[str]) -> None:
        notes = session.scalars(select(Annotation).where(Annotation.asset_id.in_(ids)))
        self.notes = {(note.asset_id, note.column): note for note in notes}
        profiles = session.scalars(select(Profile).where(Profile.asset_id.in_(ids)))
        self.profiles = {(profile.asset_id, profile.column): profile for profile in profiles}
        self.labels: dict[tuple[str, str], list[ColumnLabel]] = defaultdict(list)
        shown = select(ShownLabel).where(ShownLabel.asset_id.in_(ids))
        for label in session.scalars(shown.order_by(ShownLabel.confidence.desc(), ShownLabel.data_class)):
            self.labels[label.asset_id, label.column].append(ColumnLabel.model_validate(label))
        self.columns: dict[str, list[AssetColumn]] = defaultdict(list)
        columns = select(AssetColumn).where(AssetColumn.asset_id.in_(ids))
        for column in session.scalars(columns.order_by(AssetColumn.ordinal, AssetColumn.name)):
            self.columns[column.asset_id].append(column)

    def columns_of(self, asset_id: str) -> tuple[ColumnView, ...]:
        return tuple(self._column(column) for column in self.columns[asset_id])

    def _column(self, row: AssetColumn) -> ColumnView:
        key = (row.asset_id, row.name)
        note, profile = self.notes.get(key), self.profiles.get(key)
        return ColumnView(
            name=row.name, ordinal=row.ordinal, type=row.type, physical_type=row.physical_type, nullable=row.nullable,
            primary_key=row.primary_key, comment=row.comment, description=note.description if note else None,
            profile=ColumnProfile.model_validate(profile.profile) if profile else None, labels=tuple(self.labels[key]),
        )  # fmt: skip


def _summary(row: Asset, columns: int) -> dict[str, Any]:
    return {
        "id": row.id, "source_id": row.source_id, "name": row.name, "path": row.path, "kind": row.kind,
        "format": row.format, "status": row.status, "sensitivity": row.sensitivity,
        "rows": row.rows_estimate if row.rows_counted is None else row.rows_counted,
        "bytes": row.bytes, "columns": columns, "coverage": row.coverage, "version": row.version,
        "updated_at": row.updated_at,
    }  # fmt: skip


def _matching(wanted: AssetFilter) -> Select[Asset, int]:
    statement = select(Asset, _COLUMNS)
    for name in ("source_id", "kind", "status", "sensitivity"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(getattr(Asset, name) == value)
    if wanted.data_class is not None:
        label = select(ShownLabel.asset_id).where(
            ShownLabel.data_class == wanted.data_class, ShownLabel.state != "rejected"
        )
        statement = statement.where(Asset.id.in_(label))
    if wanted.tag is not None:
        statement = statement.where(
            Asset.id.in_(select(Annotation.asset_id).where(Annotation.tags.contains([wanted.tag])))
        )
    return statement


def list_assets(
    session: Session, wanted: AssetFilter = ANYTHING, after: str | None = None, limit: int = 100
) -> list[AssetSummary]:
    """Assets in the order of their paths, beginning behind the asset with the id `after`. Raises NotFound for it."""
    statement = _matching(wanted).order_by(Asset.path, Asset.id).limit(min(limit, LIMIT))
    if after:
        last = asset_row(session, after)
        statement = statement.where(tuple_(Asset.path, Asset.id) > (last.path, last.id))
    return [AssetSummary.model_validate(_summary(row, columns)) for row, columns in session.execute(statement)]


def search(
    session: Session, text: str, wanted: AssetFilter = ANYTHING, after: str | None = None, limit: int = 20
) -> list[AssetSummary]:
    """Assets that hold the words of `text` (see `actors.catalog.search.query`), best first, behind the id `after`.

    A text without any word matches nothing. Raises NotFound if `after` is not an asset.
    """
    asked = text_search.query(text)
    if not asked:
        return []
    query = func.to_tsquery("simple", asked)
    rank: ColumnElement[float] = func.ts_rank(Asset.document, query, 1)  # 1: divided by 1 + log of the length
    statement = _matching(wanted).where(Asset.document.bool_op("@@")(query))
    if after:
        asset_row(session, after)
        last = select(rank).where(Asset.id == after).scalar_subquery()
        statement = statement.where((rank < last) | ((rank == last) & (Asset.id > after)))
    statement = statement.order_by(rank.desc(), Asset.id).limit(min(limit, LIMIT))
    return [AssetSummary.model_validate(_summary(row, columns)) for row, columns in session.execute(statement)]


def schema_versions(session: Session, asset_id: str, after: str | None = None, limit: int = 100) -> list[SchemaVersion]:
    """The schema versions of an asset, newest first, beginning behind version `after`. Raises NotFound."""
    asset_row(session, asset_id)
    statement = select(SchemaVersionRow).where(SchemaVersionRow.asset_id == asset_id)
    if after:
        statement = statement.where(SchemaVersionRow.version < int(after))
    rows = session.scalars(statement.order_by(SchemaVersionRow.version.desc()).limit(min(limit, LIMIT)))
    return [SchemaVersion.model_validate(row) for row in rows]


def curation(session: Session, source_id: str) -> dict[str, dict[str, Any]]:
    """People's words on the assets of a source, by asset: `description`, `owner` and `tags`."""
    statement = select(Annotation).join(Asset, Asset.id == Annotation.asset_id)
    notes = session.scalars(statement.where(Asset.source_id == source_id, Annotation.column == ""))
    return {n.asset_id: {"description": n.description, "owner": n.owner, "tags": list(n.tags)} for n in notes}
