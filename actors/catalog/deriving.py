"""Lineage that the SQL of a source tells: of its views, and of the statements that it ran."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, insert, select, update
from sqlalchemy.orm import Session

from actors.catalog.carrying import carry_labels
from actors.catalog.contract import CatalogReceipt, DeriveLineage, RecordQueries
from actors.catalog.lineage import DerivedEdge, Described, derive, derive_from_queries
from actors.catalog.recording import columns_of
from actors.catalog.tables import Asset, Edge
from cluster.errors import NotFound
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork


def derive_lineage(work: UnitOfWork, command: DeriveLineage) -> CatalogReceipt:
    """Makes the edges of a source's views what their definitions say now; those that no longer hold end."""
    described, kind = _described(work.session, command.source_id)
    wanted: set[DerivedEdge] = set()
    for number, edges in enumerate(derive(command.source_id, kind, described)):
        wanted |= edges
        if number % 200 == 199:
            work.session.execute(select(1))  # PostgreSQL ends a transaction in which nothing happens for a minute
    valid = select(Edge).where(Edge.source_id == command.source_id, Edge.valid_to.is_(None), Edge.origin == "view")
    held = {
        DerivedEdge(*(getattr(edge, name) for name in DerivedEdge._fields)): edge
        for edge in work.session.scalars(valid)
    }
    ended = [edge.id for key, edge in held.items() if key not in wanted]
    begun = sorted(wanted - held.keys(), key=str)
    which = bindparam("which", ended, ARRAY(BigInteger))  # one parameter, however many edges
    work.session.execute(update(Edge).where(Edge.id == any_(which)).values(valid_to=work.now))
    _begin(work, command.source_id, begun)
    carry_labels(
        work, [edge.to_asset for edge in begun] + [edge.to_asset for key, edge in held.items() if key not in wanted]
    )
    if begun or ended:
        work.emit(
            "lineage_derived", source_entity(command.source_id), {"edges": len(held)},
            {"edges": len(wanted), "begun": len(begun), "ended": len(ended)},
        )  # fmt: skip
    views = sum(asset.definition is not None for asset in described)
    return CatalogReceipt(entries=views, changed=len(begun) + len(ended))


def record_queries(work: UnitOfWork, command: RecordQueries) -> CatalogReceipt:
    """Begins the edges that statements of a query log tell of. Raises NotFound for a source without an inventory."""
    described, kind = _described(work.session, command.source_id)
    if not described:
        raise NotFound("The catalog knows nothing of this source.", "Take its inventory first.")
    wanted: set[DerivedEdge] = set()
    for number, edges in enumerate(derive_from_queries(command.source_id, kind, described, command.queries)):
        wanted |= edges
        if number % 8 == 7:  # a long statement takes seconds
            work.session.execute(select(1))  # see `derive_lineage`
    # Of this origin persons alone end edges, and a log that holds the statement still must not take that back.
    known = select(Edge).where(Edge.source_id == command.source_id, Edge.origin == "query")
    held = {DerivedEdge(*(getattr(edge, name) for name in DerivedEdge._fields)) for edge in work.session.scalars(known)}
    # Logs go on naming a table as it was called before; what came from it has been moved to its new name.
    left = select(Asset.id).where(Asset.source_id == command.source_id, Asset.status == "gone")
    gone = set(work.session.scalars(left))
    begun = sorted((edge for edge in wanted - held if edge.from_asset not in gone), key=str)
    _begin(work, command.source_id, begun)
    carry_labels(work, [edge.to_asset for edge in begun])
    if begun:
        after = {"queries": len(command.queries), "begun": len(begun)}
        work.emit("queries_recorded", source_entity(command.source_id), None, after)
    return CatalogReceipt(entries=len(command.queries), changed=len(begun))


def _begin(work: UnitOfWork, source_id: str, edges: Sequence[DerivedEdge]) -> None:
    rows = [{"source_id": source_id, "valid_from": work.now, "valid_to": None, **edge._asdict()} for edge in edges]
    if rows:
        work.session.execute(insert(Edge), rows)


def _described(session: Session, source_id: str) -> tuple[list[Described], str]:
    columns = columns_of(session, source_id)
    rows = session.scalars(
        select(Asset).where(Asset.source_id == source_id, Asset.status != "gone").order_by(Asset.path)
    )
    kind = ""
    described = []
    for row in rows:
        kind = row.source_kind
        types = {name: column.physical_type for name, column in columns.get(row.id, {}).items()}
        described.append(Described(row.id, row.path, row.definition, types))
    return described, kind
