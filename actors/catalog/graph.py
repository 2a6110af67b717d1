"""Reading lineage: the neighbourhood of an asset, by a bounded walk inside PostgreSQL."""

from collections.abc import Iterator
from typing import Literal

from sqlalchemy import String, cast, literal, select
from sqlalchemy.orm import Session

from actors.catalog.assets import EVERYBODY, asset_row
from actors.catalog.contract import LineageEdge, LineageView
from actors.catalog.tables import Edge
from cluster.context import Caller
from cluster.security.visibility import visible

Way = Literal["up", "down", "both"]
DEEPEST = 20
MOST_EDGES = 10_000


def lineage(
    session: Session, asset_id: str, depth: int = 3, direction: Way = "both", *, caller: Caller = EVERYBODY
) -> LineageView:
    """What the asset is made from (up), and what is made from it (down), `depth` steps away at most (1 to 20).

    At most 10,000 edges; what the caller may not see is not walked through. "both" is the union of the two walks: an
    asset that merely shares an origin is no relative. Raises NotFound.
    """
    root = asset_row(session, asset_id, caller)
    depth = max(1, min(depth, DEEPEST))
    found: dict[int, Edge] = {}
    for way in ("up", "down"):
        if direction in (way, "both"):
            found |= {edge.id: edge for edge in _walk(session, asset_id, way, depth, caller)}
    names = {asset_id: root.path}
    for edge in found.values():
        names |= {edge.from_asset: edge.from_name, edge.to_asset: edge.to_name}
    edges = sorted((LineageEdge.model_validate(edge) for edge in found.values()), key=str)
    return LineageView(root=asset_id, assets=names, edges=tuple(edges))


def edges_of_source(session: Session, source_id: str) -> Iterator[LineageEdge]:
    """The edges that hold now into assets of a source, oldest first."""
    statement = select(Edge).where(Edge.source_id == source_id, Edge.valid_to.is_(None)).order_by(Edge.id)
    for edge in session.scalars(statement.execution_options(yield_per=500)):
        yield LineageEdge.model_validate(edge)


def _walk(session: Session, asset_id: str, way: str, depth: int, caller: Caller) -> list[Edge]:
    near, far = (Edge.to_asset, Edge.from_asset) if way == "up" else (Edge.from_asset, Edge.to_asset)
    reached = select(cast(literal(asset_id), String).label("asset"), literal(0).label("steps")).cte(
        "reached", recursive=True
    )
    step = (
        select(far, reached.c.steps + 1)
        .join(reached, near == reached.c.asset)
        .where(Edge.valid_to.is_(None), reached.c.steps < depth - 1, visible(caller, far))
    )
    # UNION, not UNION ALL: a pair of asset and distance is walked from once, so a cycle ends at `depth`.
    reached = reached.union(step)
    statement = (
        select(Edge)
        .where(Edge.valid_to.is_(None), near.in_(select(reached.c.asset)), visible(caller, far))
        .order_by(Edge.id)
        .limit(MOST_EDGES)
    )
    return list(session.scalars(statement))
