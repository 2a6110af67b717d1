"""Lineage that persons tell of: edges with an author, which end but are never forgotten."""

from sqlalchemy import select

from actors.catalog.assets import asset_row
from actors.catalog.carrying import carry_labels
from actors.catalog.contract import EndEdge, LineageEdge, TellEdge
from actors.catalog.tables import Asset, AssetColumn, Edge
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork

ORIGIN = "manual"
DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")


def tell_edge(work: UnitOfWork, command: TellEdge) -> LineageEdge:
    """Raises NotFound for an asset or column that is not there, InvalidInput for an end that is its own beginning."""
    origin, target = (
        _end(work, command.from_asset, command.from_column),
        _end(work, command.to_asset, command.to_column),
    )
    if (origin.id, command.from_column) == (target.id, command.to_column):
        raise InvalidInput("An edge leads from one place to another.", "Name two different columns or assets.")
    same = select(Edge).where(
        Edge.from_asset == origin.id, Edge.to_asset == target.id, Edge.origin == ORIGIN, Edge.valid_to.is_(None),
        Edge.from_column.is_not_distinct_from(command.from_column), Edge.subtype == command.subtype,
        Edge.to_column.is_not_distinct_from(command.to_column), Edge.masking == command.masking,
    )  # fmt: skip
    known = work.session.scalars(same).first()
    if known is not None:
        return LineageEdge.model_validate(known)
    edge = Edge(
        source_id=target.source_id, from_asset=origin.id, from_name=origin.path, from_column=command.from_column,
        to_asset=target.id, to_name=target.path, to_column=command.to_column,
        transformation="DIRECT" if command.subtype in DIRECT else "INDIRECT", subtype=command.subtype,
        masking=command.masking, confidence=1.0, origin=ORIGIN, job_id=None, author=work.caller.principal,
        note=command.note, valid_from=work.now, valid_to=None,
    )  # fmt: skip
    work.session.add(edge)
    work.session.flush()
    work.emit("edge_told", asset_entity(target.id), None, {"edge": edge.id, "from": origin.path, "to": target.path})
    carry_labels(work, [target.id])
    return LineageEdge.model_validate(edge)


def end_edge(work: UnitOfWork, command: EndEdge) -> LineageEdge:
    """Raises NotFound for an edge that is not there or has ended, Conflict for one that a machine found."""
    edge = work.session.get(Edge, command.edge_id)
    if edge is None or edge.valid_to is not None:
        raise NotFound("There is no such edge.", "Read the lineage of the asset to see the ids of its edges.")
    for end in (edge.from_asset, edge.to_asset):
        asset_row(work.session, end, work.caller)
    if edge.origin not in (ORIGIN, "query"):
        raise Conflict("This edge was found by a machine.", "Change the view or the job that it comes from.")
    edge.valid_to = work.now
    work.session.flush()
    after = {"edge": edge.id, "from": edge.from_name, "to": edge.to_name}
    work.emit("edge_ended", asset_entity(edge.to_asset), after, None)
    carry_labels(work, [edge.to_asset])
    return LineageEdge.model_validate(edge)


def _end(work: UnitOfWork, asset_id: str, column: str | None) -> Asset:
    row = asset_row(work.session, asset_id, work.caller)
    if column is not None and work.session.get(AssetColumn, (row.id, column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    return row
