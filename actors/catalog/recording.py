"""Writing an inventory into the tables: assets come, change, go and come back, and keep their curation."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ARRAY, String, any_, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from actors.catalog.contract import InventoryReceipt, RecordInventory, SourceRef
from actors.catalog.datasets import adopt
from actors.catalog.document import refresh
from actors.catalog.domains import domain_of_source, enclose
from actors.catalog.history import Changes, bump, column_facts
from actors.catalog.inventory import SchemaChange, schema_change, short_name, take_over
from actors.catalog.metrics import note
from actors.catalog.moving import found_by_source
from actors.catalog.tables import Asset, AssetColumn, SchemaVersionRow
from cluster.connectors import dataset_name
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.naming import asset_entity, asset_id
from cluster.runtime.commands import UnitOfWork


class Recording:
    """One inventory being written."""

    def __init__(self, work: UnitOfWork, command: RecordInventory) -> None:
        self.work, self.command = work, command
        self.session: Session = work.session
        statement = select(Asset).where(Asset.source_id == command.source.id)
        self.known = {row.id: row for row in self.session.scalars(statement)}
        self.columns = columns_of(self.session, command.source.id)
        self.touched: set[str] = set()
        self.created = self.changed = self.gone = 0
        self.domain_id = domain_of_source(self.session, command.source.id)
        self._new: list[Asset] = []
        # Written in bulk at the end: an inventory may hold thousands of assets with dozens of columns each.
        self._stale: list[str] = []
        self._columns: list[dict[str, Any]] = []
        self._versions: list[dict[str, Any]] = []
        self._named: dict[str, tuple[str, str | None]] = {}

    def write(self) -> InventoryReceipt:
        infos = {asset_id(self.command.source.id, info.path): info for info in self.command.assets}
        for identifier, info in infos.items():
            row = self.known.get(identifier)
            if row is None:
                self._add(identifier, info)
            else:
                self._change(row, info)
        for identifier, row in self.known.items():
            if identifier not in infos:
                self._miss(row)
        self._write_schemas()
        if self.domain_id is not None:
            enclose(self.session, self._new)
        became = adopt(self.session, self._named)
        refresh(self.session, self.touched)
        if became:
            found_by_source(self.work, became)
        return InventoryReceipt(assets=len(infos), created=self.created, changed=self.changed, gone=self.gone)

    def _add(self, identifier: str, info: AssetInfo) -> None:
        row = _new_asset(identifier, info, self.command.source, self.work)
        row.domain_id = self.domain_id
        self._name(row)
        self._notice(row, info)
        take_over(row, info)
        row.rows_estimate, row.bytes, row.fingerprint = info.rows_estimate, info.bytes, info.fingerprint
        self.session.add(row)
        self._new.append(row)
        if info.problem is None:
            self._new_schema(row, {}, {column.name: column for column in info.columns})
        self.created += 1
        self.touched.add(identifier)
        after = {"path": row.path, "kind": row.kind, "columns": len(info.columns), "version": row.version}
        self.work.emit("asset_added", asset_entity(identifier), None, after)

    def _change(self, row: Asset, info: AssetInfo) -> None:
        before: dict[str, Any] = {"path": row.path, "status": row.status, "version": row.version}
        self._name(row)
        self._notice(row, info)
        changed = take_over(row, info)
        columns: Changes = {}
        row.last_seen = self.work.now
        after: dict[str, Any] = {"path": row.path, "status": row.status}
        if info.problem is None:
            known = self.columns.get(row.id, {})
            change = self._new_schema(row, known, {column.name: column for column in info.columns})
            if change:
                changed.append("columns")
                columns["columns"] = (_facts(known.values()), _facts(info.columns))
                after |= {"added": change.added, "removed": change.removed, "changed": change.changed}
        if row.lifecycle in {"stale", "tombstoned"}:
            row.lifecycle, row.lifecycle_at = "active", self.work.now  # it is there again
        if changed:
            self.changed += 1
            self._bump(row, columns)
            self.work.emit(
                "asset_changed",
                asset_entity(row.id),
                before,
                after | {"facts": sorted(changed), "version": row.version},
            )

    def _notice(self, row: Asset, info: AssetInfo) -> None:
        """Keeps when the content changed and how much there was, from which freshness and volume are expected."""
        if info.problem is None and info.fingerprint is not None and info.fingerprint != row.fingerprint:
            note(self.work, row.id, "", "content", 1.0)
            if info.rows_estimate is not None:
                note(self.work, row.id, "", "rows", float(info.rows_estimate))

    def _name(self, row: Asset) -> None:
        """What the source is called may change, and with it what other tools call its assets."""
        source, before = self.command.source, (row.namespace, row.dataset)
        row.source_name, row.namespace = source.name, source.namespace
        row.dataset = dataset_name(source.url, row.path) if source.url else None
        if (row.namespace, row.dataset) != before:
            self._named[row.id] = (row.namespace, row.dataset)

    def _miss(self, row: Asset) -> None:
        """The inventory did not list the asset: it is gone if the inventory is complete, else nobody knows."""
        status = "gone" if self.command.complete else "unknown"
        if row.status in {status, "gone"}:
            return
        before = {"path": row.path, "status": row.status, "version": row.version}
        row.status = status
        if status == "gone" and row.lifecycle in {"discovered", "active"}:
            row.lifecycle, row.lifecycle_at = "stale", self.work.now
        self._bump(row)
        after = {"path": row.path, "status": status, "version": row.version}
        if status == "gone":
            self.gone += 1
            self.work.emit("asset_gone", asset_entity(row.id), before, after)
        else:
            self.changed += 1
            self.work.emit("asset_changed", asset_entity(row.id), before, after | {"facts": ["status"]})

    def _new_schema(
        self, row: Asset, before: Mapping[str, ColumnInfo], after: Mapping[str, ColumnInfo]
    ) -> SchemaChange:
        change = schema_change(before, after)
        if dict(before) != dict(after):
            self._stale.append(row.id)
            self._columns += [{"asset_id": row.id, **column.model_dump()} for column in after.values()]
        if change:
            row.schema_version += 1
            facts = [column.model_dump(mode="json") for column in after.values()]
            names = {"added": list(change.added), "removed": list(change.removed), "changed": list(change.changed)}
            place = {"asset_id": row.id, "version": row.schema_version, "seen_at": self.work.now}
            self._versions.append({**place, "columns": facts, **names})
        return change

    def _write_schemas(self) -> None:
        self.session.flush()
        stale = bindparam("stale", self._stale, ARRAY(String))  # one parameter, however many assets
        self.session.execute(delete(AssetColumn).where(AssetColumn.asset_id == any_(stale)))
        for table, rows in ((AssetColumn, self._columns), (SchemaVersionRow, self._versions)):
            if rows:
                self.session.execute(insert(table), rows)

    def _bump(self, row: Asset, more: Changes | None = None) -> None:
        bump(self.work, row, more)
        self.touched.add(row.id)


def columns_of(session: Session, source_id: str) -> dict[str, dict[str, ColumnInfo]]:
    """The columns of all assets of a source, in their order, by asset and name."""
    statement = select(AssetColumn).join(Asset, Asset.id == AssetColumn.asset_id).where(Asset.source_id == source_id)
    found: dict[str, dict[str, ColumnInfo]] = defaultdict(dict)
    for row in session.scalars(statement.order_by(AssetColumn.asset_id, AssetColumn.ordinal, AssetColumn.name)):
        facts = {name: getattr(row, name) for name in ColumnInfo.model_fields}
        found[row.asset_id][row.name] = ColumnInfo.model_validate(facts)
    return found


def _facts(columns: Iterable[ColumnInfo]) -> list[dict[str, Any]]:
    return [column_facts(column) for column in columns]


def _new_asset(identifier: str, info: AssetInfo, source: SourceRef, work: UnitOfWork) -> Asset:
    return Asset(
        id=identifier, source_id=source.id, source_name=source.name, source_kind=source.kind,
        namespace=source.namespace, path=info.path,
        name=short_name(info.path, info.kind), kind=info.kind, format=info.format, status="active",
        comment=None, definition=None, source_owner=None, fingerprint=None, profiled_fingerprint=None,
        rows_estimate=None, rows_counted=None,
        bytes=None, foreign_keys=[], grants=[], problem=None, sensitivity=None, coverage="none", version=1,
        schema_version=0, first_seen=work.now, last_seen=work.now, updated_at=work.now, lifecycle="discovered",
        lifecycle_at=work.now, domain_id=None, parent_id=None, popularity=0.0,
    )  # fmt: skip
