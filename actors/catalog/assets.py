"""Reading assets: one by one, as filtered lists, and by full-text search."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, DateTime, cast, func, select, tuple_
from sqlalchemy.orm import Session

from actors.catalog.contract import (
    AssetKind,
    AssetStatus,
    AssetSummary,
    AssetView,
    CertificationLevel,
    ColumnLabel,
    ColumnView,
    Lifecycle,
    SchemaVersion,
    Tier,
)
from actors.catalog.finding import Asked, found
from actors.catalog.tables import Annotation, Asset, AssetColumn, Profile, SchemaVersionRow, ShownLabel
from actors.catalog.told import told_of, told_owner, told_tag
from cluster.context import Caller, system
from cluster.errors import NotFound
from cluster.kernels.report import ColumnProfile
from cluster.naming import asset_id
from cluster.security.visibility import hidden, limited, visible

LIMIT = 1000
EVERYBODY = system("catalog")  # the groups' own reads see everything; a door hands in who asks


class AssetFilter(BaseModel):
    """Which assets to list; conditions are joined by "and", a field left out asks for nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_id: str | None = None
    kind: AssetKind | None = None
    status: AssetStatus | None = None
    lifecycle: Lifecycle | None = None
    sensitivity: str | None = None
    data_class: str | None = None
    tag: str | None = None
    owner: str | None = None
    tier: Tier | None = None
    certification: CertificationLevel | None = None
    domain_id: str | None = None
    parent_id: str | None = None


ANYTHING = AssetFilter()
_COLUMNS = select(func.count()).where(AssetColumn.asset_id == Asset.id).correlate(Asset).scalar_subquery()


def asset_row(session: Session, identifier: str, caller: Caller = EVERYBODY) -> Asset:
    """The stored asset. Raises NotFound, also for one that the caller may not see."""
    row = session.get(Asset, identifier)
    if row is None or hidden(session, caller, [identifier]):
        raise NotFound("There is no such asset.", "List the assets to see their ids.")
    return row


def get_asset(session: Session, identifier: str, caller: Caller = EVERYBODY) -> AssetView:
    """An asset with its columns, profiles, labels and people's words. Raises NotFound."""
    return views(session, [asset_row(session, identifier, caller)], caller)[0]


def views(session: Session, rows: Sequence[Asset], caller: Caller = EVERYBODY) -> list[AssetView]:
    """Assets in the same order, read with one query for each kind of thing they have.

    Foreign keys to assets that the caller may not see are left out. From whom anything is hidden gets no definition of
    a view, since it may name what is hidden.
    """
    parts = _Parts(session, rows, caller)
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
            definition=None if row.id in parts.secretive else row.definition,
            column_list=columns,
            foreign_keys=parts.keys_of(row),
            problem=row.problem,
            owners=tuple(note.owners) if note else (),
            tier=note.tier if note else None,
            certification=note.certification if note else None,
            properties=note.properties if note else {},
            domain_id=None if row.domain_id in parts.unseen else row.domain_id,
            parent_id=None if row.parent_id in parts.unseen else row.parent_id,
            popularity=row.popularity,
            told=tuple(parts.told[row.id]),
        )
        found.append(view)
    return found


class _Parts:
    """What belongs to some assets, by asset and column."""

    def __init__(self, session: Session, rows: Sequence[Asset], caller: Caller) -> None:
        ids = [row.id for row in rows]
        self.unseen, self.secretive = _unseen(session, rows, caller)
        notes = session.scalars(select(Annotation).where(Annotation.asset_id.in_(ids)))
        self.notes = {(note.asset_id, note.column): note for note in notes}
        profiles = session.scalars(select(Profile).where(Profile.asset_id.in_(ids)))
        self.profiles = {(profile.asset_id, profile.column): profile for profile in profiles}
        self.labels: dict[tuple[str, str], list[ColumnLabel]] = defaultdict(list)
        shown = select(ShownLabel).where(ShownLabel.asset_id.in_(ids))
        for label in session.scalars(shown.order_by(ShownLabel.confidence.desc(), ShownLabel.data_class)):
            self.labels[label.asset_id, label.column].append(ColumnLabel.model_validate(label))
        self.told = told_of(session, ids, caller)
        self.columns: dict[str, list[AssetColumn]] = defaultdict(list)
        columns = select(AssetColumn).where(AssetColumn.asset_id.in_(ids))
        for column in session.scalars(columns.order_by(AssetColumn.ordinal, AssetColumn.name)):
            self.columns[column.asset_id].append(column)

    def keys_of(self, row: Asset) -> list[Any]:
        """The foreign keys that name no asset which must not be named."""
        return [key for key in row.foreign_keys if asset_id(row.source_id, key["to_asset"]) not in self.unseen]

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


def _unseen(session: Session, rows: Sequence[Asset], caller: Caller) -> tuple[set[str], set[str]]:
    """Which assets beside them must not be named, and which of them have a definition that may name one."""
    if caller.sees_all:
        return set(), set()
    beside = {asset_id(row.source_id, key["to_asset"]) for row in rows for key in row.foreign_keys}
    beside |= {other for row in rows for other in (row.domain_id, row.parent_id) if other}
    defined = {row.id for row in rows if row.definition}
    secretive = defined if defined and limited(session, caller) else set()
    return hidden(session, caller, beside), secretive


def _summary(row: Asset, columns: int) -> dict[str, Any]:
    return {
        "id": row.id, "source_id": row.source_id, "name": row.name, "path": row.path, "kind": row.kind,
        "format": row.format, "status": row.status, "lifecycle": row.lifecycle, "sensitivity": row.sensitivity,
        "rows": row.rows_estimate if row.rows_counted is None else row.rows_counted,
        "bytes": row.bytes, "columns": columns, "coverage": row.coverage, "version": row.version,
        "updated_at": row.updated_at,
    }  # fmt: skip


def conditions(session: Session, wanted: AssetFilter, caller: Caller) -> list[ColumnElement[bool]]:
    """What an asset must meet to be wanted and to be seen by the caller."""
    asked: list[ColumnElement[bool]] = [visible(caller, Asset.id)]
    for name in ("source_id", "kind", "status", "lifecycle", "sensitivity", "domain_id", "parent_id"):
        if (value := getattr(wanted, name)) is not None:
            asked.append(getattr(Asset, name) == value)
    if wanted.data_class is not None:
        label = select(ShownLabel.asset_id).where(
            ShownLabel.data_class == wanted.data_class, ShownLabel.state != "rejected"
        )
        asked.append(Asset.id.in_(label))
    if wanted.tag is not None:
        asked.append(_said(Annotation.tags.contains([wanted.tag])) | Asset.id.in_(told_tag(wanted.tag)))
    if wanted.owner is not None:
        named = (Annotation.owner == wanted.owner) | Annotation.owners.contains([{"name": wanted.owner}])
        asked.append(_said(named) | Asset.id.in_(told_owner(wanted.owner)))
    if wanted.tier is not None:
        asked.append(_said(Annotation.tier == wanted.tier))
    if wanted.certification is not None:
        level = Annotation.certification["level"].astext == wanted.certification
        until = Annotation.certification["expires_at"].astext
        asked.append(_said(level & (until.is_(None) | (cast(until, DateTime(timezone=True)) > func.now()))))
    return asked


def _said(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """That people's words on an asset meet a condition."""
    return Asset.id.in_(select(Annotation.asset_id).where(Annotation.column == "", condition))


def list_assets(
    session: Session, wanted: AssetFilter = ANYTHING, after: str | None = None, limit: int = 100,
    caller: Caller = EVERYBODY,
) -> list[AssetSummary]:  # fmt: skip
    """Assets in the order of their paths, beginning behind the asset with the id `after`. Raises NotFound for it."""
    limits = conditions(session, wanted, caller)
    statement = select(Asset, _COLUMNS).where(*limits).order_by(Asset.path, Asset.id).limit(min(limit, LIMIT))
    if after:
        last = asset_row(session, after, caller)
        statement = statement.where(tuple_(Asset.path, Asset.id) > (last.path, last.id))
    return [AssetSummary.model_validate(_summary(row, columns)) for row, columns in session.execute(statement)]


def search(
    session: Session, asked: str | Asked, wanted: AssetFilter = ANYTHING, after: str | None = None, limit: int = 20, *,
    caller: Caller = EVERYBODY,
) -> list[AssetSummary]:  # fmt: skip
    """Assets that fit a question (see `actors.catalog.finding`), best first, behind the id `after`.

    A text without any word matches nothing; at most 500 results are given. Raises NotFound if `after` is none of them.
    """
    asked = Asked(asked) if isinstance(asked, str) else asked
    ranked = found(session, asked, conditions(session, wanted, caller))
    if after:
        if after not in ranked:
            raise NotFound("The page before is none of this search.", "Begin again without `after`.")
        ranked = ranked[ranked.index(after) + 1 :]
    chosen = ranked[: min(limit, LIMIT)]
    rows = session.execute(select(Asset, _COLUMNS).where(Asset.id.in_(chosen))).all()
    known = {row.id: AssetSummary.model_validate(_summary(row, columns)) for row, columns in rows}
    return [known[identifier] for identifier in chosen]


def schema_versions(
    session: Session, identifier: str, after: str | None = None, limit: int = 100, caller: Caller = EVERYBODY
) -> list[SchemaVersion]:
    """The schema versions of an asset, newest first, beginning behind version `after`. Raises NotFound."""
    asset_row(session, identifier, caller)
    statement = select(SchemaVersionRow).where(SchemaVersionRow.asset_id == identifier)
    if after:
        statement = statement.where(SchemaVersionRow.version < int(after))
    rows = session.scalars(statement.order_by(SchemaVersionRow.version.desc()).limit(min(limit, LIMIT)))
    return [SchemaVersion.model_validate(row) for row in rows]


def curation(session: Session, source_id: str) -> dict[str, dict[str, Any]]:
    """People's words on the assets of a source, by asset: `description`, `owner` and `tags`."""
    statement = select(Annotation).join(Asset, Asset.id == Annotation.asset_id)
    notes = session.scalars(statement.where(Asset.source_id == source_id, Annotation.column == ""))
    return {n.asset_id: {"description": n.description, "owner": n.owner, "tags": list(n.tags)} for n in notes}
