"""Assets that no source holds: what they are follows from what events tell of them, and so does whether they are there.

Gone is what was dropped or renamed and not written since. Of an asset that a source holds its inventories decide; where
the source does not see it any more either, it is tombstoned at once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from actors.catalog.dataset_facets import logical
from actors.catalog.datasets import TOLD, Place
from actors.catalog.history import UNVERSIONED, Changes, bump, column_facts, told_key
from actors.catalog.inventory import schema_change, short_name
from actors.catalog.tables import Asset, AssetColumn, SchemaVersionRow
from actors.catalog.told_tables import ToldFacet
from cluster.connectors.interface import ColumnInfo
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

FILES: Final = ("file", "s3://", "gs://", "abfss://", "hdfs://", "dbfs")
VIEWS: Final[Mapping[str, str]] = {"VIEW": "view", "MATERIALIZED_VIEW": "materialized_view"}
STAYING: Final = ("lifecycleStateChange", "written")  # they are about the name
RENAMED: Final = "RENAMED"  # the state of what goes by another name now
Facets = Mapping[str, ToldFacet]


def new_asset(work: UnitOfWork, place: Place, *, linked: bool) -> Asset:
    """The row of a dataset that no source holds; its id is the one that lineage has called it by.

    A path is a file, but one that goes by another name (`linked`) is a table.
    """
    kind = "file" if place.namespace.startswith(FILES) and not linked else "table"
    name = place.dataset
    return Asset(
        id=place.asset_id, source_id=TOLD, source_name=TOLD, source_kind=TOLD, namespace=place.namespace,
        dataset=name, path=place.name, name=short_name(name, kind), kind=kind, format=None, status="active",
        comment=None, definition=None, source_owner=None, fingerprint=None, profiled_fingerprint=None,
        rows_estimate=None, rows_counted=None, bytes=None, foreign_keys=[], grants=[], problem=None, sensitivity=None,
        coverage="none", version=1, schema_version=0, first_seen=work.now, last_seen=work.now, updated_at=work.now,
        lifecycle="discovered", lifecycle_at=work.now, domain_id=None, parent_id=None, popularity=0.0,
    )  # fmt: skip


def settle(
    work: UnitOfWork, asset: Asset, facets: Facets, changes: Changes, *, fresh: bool, reworded: bool
) -> None:  # fmt: skip
    """Makes of an asset what was told of it; `changes` are those of its facets. A version is made of what differs.

    `reworded` says that facets of which columns and words are made differ.
    """
    before = {"path": asset.path, "status": asset.status, "version": asset.version}
    differs = False
    if asset.source_id == TOLD:
        changes = {name: told for name, told in changes.items() if name != told_key("schema")}
        changes |= take_columns(work, asset, facets) if reworded else {}
        differs = take_words(asset, facets)
        asset.last_seen = work.now
    moved = _move(work, asset, facets)
    after: dict[str, Any] = {"path": asset.path, "status": asset.status}
    if fresh:
        columns = len(changes["columns"][1]) if "columns" in changes else 0
        told = {"path": asset.path, "kind": asset.kind, "columns": columns, "version": asset.version}
        work.emit("asset_added", asset_entity(asset.id), None, told)
    elif changes or differs or moved:
        bump(work, asset, changes)
        kind = {"gone": "asset_gone", "back": "asset_revived"}.get(moved or "", "asset_changed")
        told = after | {"facts": sorted(changes), "version": asset.version}
        work.emit(kind, asset_entity(asset.id), before, told)


def take_words(asset: Asset, facets: Facets) -> bool:
    """What it is and what is said of it; whether that is another thing than before."""
    documented, stored, typed = (_value(facets, name) for name in ("documentation", "storage", "datasetType"))
    values = {
        "comment": documented.get("description"), "format": stored.get("file_format"),
        "kind": VIEWS.get(str(typed.get("type")), "table" if typed else asset.kind),
    }  # fmt: skip
    differing = {name: value for name, value in values.items() if getattr(asset, name) != value}
    for name, value in differing.items():
        setattr(asset, name, value)
    _take_sizes(asset, facets)
    return bool(differing)


def _take_sizes(asset: Asset, facets: Facets) -> None:
    """How much there is, which moves by itself and is no change: as the newest look at it tells, none once emptied."""
    counted, told = facets.get("dataQualityMetrics"), facets.get("lifecycleStateChange")
    sizes = _value(facets, "dataQualityMetrics")
    if told is not None and told.value == {"state": "TRUNCATE"} and (counted is None or counted.at <= told.at):
        sizes = {"rows": 0, "bytes": 0}
    asset.rows_estimate, asset.bytes = sizes.get("rows"), sizes.get("bytes")


def take_columns(work: UnitOfWork, asset: Asset, facets: Facets) -> Changes:
    """The columns that whoever wrote it told, else those that were read. To be called before the row is changed."""
    told = _value(facets, "schema") or _value(facets, "schemaRead")
    after = {name: _column(name, field, place) for place, (name, field) in enumerate(_ordered(told))}
    before = held_columns(work.session, asset.id)
    if after == before:
        return {}
    change = schema_change(before, after)
    if before:
        work.session.execute(delete(AssetColumn).where(AssetColumn.asset_id == asset.id))
    if after:
        rows = [{"asset_id": asset.id, **column.model_dump()} for column in after.values()]
        work.session.execute(insert(AssetColumn), rows)
    facts = [column_facts(column) for column in after.values()]
    if change:
        asset.schema_version += 1
        work.session.add(
            SchemaVersionRow(
                asset_id=asset.id, version=asset.schema_version, seen_at=work.now, columns=facts,
                added=list(change.added), removed=list(change.removed), changed=list(change.changed),
            )
        )  # fmt: skip
    return {"columns": ([column_facts(column) for column in before.values()], facts)}


def held_columns(session: Session, asset_id: str) -> dict[str, ColumnInfo]:
    """The columns of an asset by name, in their order."""
    rows = select(AssetColumn).where(AssetColumn.asset_id == asset_id).order_by(AssetColumn.ordinal, AssetColumn.name)
    fields = ColumnInfo.model_fields
    return {row.name: ColumnInfo(**{name: getattr(row, name) for name in fields}) for row in session.scalars(rows)}


def _ordered(told: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(told.get("fields", {}).items(), key=lambda item: (item[1]["ordinal"], item[0]))


def _column(name: str, field: Mapping[str, Any], ordinal: int) -> ColumnInfo:
    told = field.get("type") or ""
    return ColumnInfo(
        name=name, ordinal=ordinal, type=logical(told), physical_type=told, comment=field.get("description")
    )


def facets_of(session: Session, asset_id: str) -> dict[str, ToldFacet]:
    """What other tools tell of an asset, by facet."""
    return {row.facet: row for row in session.scalars(select(ToldFacet).where(ToldFacet.asset_id == asset_id))}


def hand_over(session: Session, before: Asset, after: Asset) -> Changes:
    """What was told of one asset is told of another from now on, where nothing newer is. What that changes there."""
    held, changes = facets_of(session, after.id), Changes()
    for facet, row in facets_of(session, before.id).items():
        mine = held.get(facet)
        if facet in STAYING or (mine is not None and _order(mine) >= _order(row)):
            continue
        if mine is not None:
            session.delete(mine)
            session.flush()
        if facet not in UNVERSIONED:
            changes[told_key(facet)] = (mine.value if mine is not None else None, row.value)
        row.asset_id = after.id
    session.flush()
    return changes


def _order(row: ToldFacet) -> tuple[datetime, datetime, str]:
    return row.at, row.event_at, row.event_id


def left(facets: Facets) -> bool:
    """Whether by what was told it is there no more: dropped, or renamed, and not written since."""
    told, written = facets.get("lifecycleStateChange"), facets.get("written")
    if told is None or told.value is None or told.value["state"] not in {"DROP", RENAMED}:
        return False
    return written is None or told.at >= written.at


def _move(work: UnitOfWork, asset: Asset, facets: Facets) -> Literal["gone", "back"] | None:
    """Whether events make the asset be there or not, where that is another thing than before."""
    written, gone = facets.get("written"), left(facets)
    if asset.source_id != TOLD:
        if gone and asset.status == "gone" and asset.lifecycle in {"discovered", "active", "stale"}:
            asset.lifecycle, asset.lifecycle_at = "tombstoned", work.now
            return "gone"
        return None
    if gone and asset.status != "gone":
        asset.status, asset.lifecycle, asset.lifecycle_at = "gone", "tombstoned", work.now
        return "gone"
    if written is not None and not gone:
        back = asset.status == "gone" or (asset.lifecycle == "tombstoned" and written.at > asset.lifecycle_at)
        if back or asset.lifecycle == "purged":
            asset.status, asset.lifecycle, asset.lifecycle_at = "active", "active", work.now
            return "back"
    return None


def _value(facets: Facets, name: str) -> dict[str, Any]:
    row = facets.get(name)
    return (row.value or {}) if row is not None else {}
