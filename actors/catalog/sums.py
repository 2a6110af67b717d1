"""Counts over the catalog of a source, and the digest by which two states of it are compared."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from actors.catalog.assets import views
from actors.catalog.contract import CatalogStats
from actors.catalog.sensitivity import highest
from actors.catalog.tables import Annotation, Asset, AssetColumn, Edge, ShownLabel


def stats(session: Session, source_id: str | None = None) -> CatalogStats:
    """Counts over the assets of a source, or of all sources, that are not gone."""
    here = Asset.source_id == source_id if source_id else true()
    mine = (here, Asset.status != "gone")
    kinds = dict(session.execute(select(Asset.kind, func.count()).where(*mine).group_by(Asset.kind)).all())
    states = select(Asset.status, func.count()).where(here).group_by(Asset.status)
    statuses = dict(session.execute(states).all())
    sums = select(
        func.coalesce(func.sum(func.coalesce(Asset.rows_counted, Asset.rows_estimate)), 0),
        func.coalesce(func.sum(Asset.bytes), 0),
        func.count().filter(Asset.coverage != "none"),
    )
    rows, size, scanned = session.execute(sums.where(*mine)).one()
    columns = select(func.count()).select_from(AssetColumn).join(Asset, Asset.id == AssetColumn.asset_id).where(*mine)
    notes = select(func.count(Annotation.description), func.count(Annotation.owner)).join(
        Asset, Asset.id == Annotation.asset_id
    )
    described, owned = session.execute(notes.where(*mine, Annotation.column == "")).one()
    edges = select(func.count()).select_from(Edge).where(Edge.valid_to.is_(None))
    if source_id:
        edges = edges.where(Edge.source_id == source_id)
    sensitive = _sensitive(session, mine)
    return CatalogStats(
        tables=kinds.get("table", 0), views=kinds.get("view", 0) + kinds.get("materialized_view", 0),
        files=kinds.get("file", 0), gone=statuses.get("gone", 0), unknown=statuses.get("unknown", 0),
        columns=session.execute(columns).scalar_one(), labelled_columns=sum(sensitive.values()),
        sensitive_columns=sensitive, sensitivity=highest(sensitive), scanned=scanned, described=described, owned=owned,
        rows=int(rows or 0), bytes=int(size or 0), lineage_edges=session.execute(edges).scalar_one(),
    )  # fmt: skip


def _sensitive(session: Session, mine: tuple[ColumnElement[bool], ...]) -> dict[str, int]:
    statement = (
        select(ShownLabel.asset_id, ShownLabel.column, func.array_agg(ShownLabel.sensitivity.distinct()))
        .join(Asset, Asset.id == ShownLabel.asset_id)
        .where(*mine, ShownLabel.state != "rejected")
        .group_by(ShownLabel.asset_id, ShownLabel.column)
    )
    counted: dict[str, int] = {}
    for _, _, sensitivities in session.execute(statement):
        top = highest(sensitivities)
        if top is not None:
            counted[top] = counted.get(top, 0) + 1
    return counted


def digest(session: Session, source_id: str) -> str:
    """SHA-256 over the assets, columns, words, profiles, labels and lineage of a source, without ids and times.

    Two catalogs with the same digest tell the same. Estimates of rows and bytes move by themselves and are left out.
    """
    total = hashlib.sha256()
    for fact in (*_assets(session, source_id), *_edges(session, source_id)):
        total.update(json.dumps(fact, sort_keys=True, ensure_ascii=True).encode() + b"\n")
    return total.hexdigest()


def _assets(session: Session, source_id: str) -> Iterator[dict[str, Any]]:
    rows = session.scalars(select(Asset).where(Asset.source_id == source_id).order_by(Asset.path, Asset.id)).all()
    left_out = {"id", "source_id", "version", "updated_at", "bytes"}
    for view in (view for start in range(0, len(rows), 500) for view in views(session, rows[start : start + 500])):
        facts = view.model_dump(mode="json", exclude=left_out)
        for column in facts["column_list"]:
            column["labels"] = [{k: v for k, v in label.items() if k != "asset_id"} for label in column["labels"]]
        if view.coverage != "census":
            facts.pop("rows")
        yield facts


def _edges(session: Session, source_id: str) -> Iterator[list[Any]]:
    names = (
        "from_name",
        "from_column",
        "to_name",
        "to_column",
        "transformation",
        "subtype",
        "masking",
        "confidence",
        "origin",
    )
    statement = select(*(getattr(Edge, name) for name in names)).where(
        Edge.source_id == source_id, Edge.valid_to.is_(None)
    )
    yield from sorted((list(row) for row in session.execute(statement)), key=str)
