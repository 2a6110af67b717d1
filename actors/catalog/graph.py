"""Reading lineage: walks over edges, level by level, as of now or of an earlier time, never through what is hidden."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Row, String, any_, bindparam, or_, select
from sqlalchemy.orm import Session

from actors.catalog.assets import EVERYBODY, asset_row
from actors.catalog.contract import LineageEdge, LineageView
from actors.catalog.tables import Asset, AssetColumn, Edge
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.security.visibility import visible

DEEPEST: Final = 20
MOST_EDGES: Final = 10_000
Way = Literal["up", "down"]
Place = tuple[str, str | None]
Found = Row[Any]
_FIELDS: Final = tuple(LineageEdge.model_fields)
_COLUMNS: Final = [*(getattr(Edge, name) for name in _FIELDS), Edge.from_name, Edge.to_name]


class Reached(NamedTuple):
    """What a walk met: edges by id, the depth of each asset, and whether nothing was left out."""

    edges: dict[int, Found]
    depths: dict[str, int]
    complete: bool


def lineage(  # noqa: PLR0917 - the order of the door's parameters
    session: Session,
    asset_id: str,
    depth: int = 3,
    direction: Literal["up", "down", "both"] = "both",
    at: datetime | None = None,
    caller: Caller = EVERYBODY,
    column: str | None = None,
) -> LineageView:
    """What the asset is made from (up), and what is made from it (down), `depth` steps away at most (1 to 20).

    At most 10,000 edges. "both" is the union of the two walks: an asset that merely shares an origin is no relative.
    `at` asks for the edges that held at that time; `column` for what leads to and from that column alone, and what
    concerns the asset as a whole. Raises NotFound.
    """
    root = place_row(session, (asset_id, column), caller)
    ways: list[Way] = [way for way in ("up", "down") if direction in (way, "both")]
    walks = {way: walk(session, [asset_id], way, depth, at, caller) for way in ways}
    if column is not None:
        walks = {way: _of_column(reached, (asset_id, column), way, depth) for way, reached in walks.items()}
    names, depths = {asset_id: root.path}, {asset_id: 0}
    edges: dict[int, Found] = {}
    for way, reached in walks.items():
        edges |= reached.edges
        sign = -1 if way == "up" else 1
        for asset, steps in reached.depths.items():
            depths.setdefault(asset, sign * steps)
    for edge in edges.values():
        names |= {edge.from_asset: edge.from_name, edge.to_asset: edge.to_name}
    told = tuple(viewed(edge) for edge in sorted(edges.values(), key=_order))
    complete = all(reached.complete for reached in walks.values())
    return LineageView(root=asset_id, assets=names, edges=told, depths=depths, complete=complete)


def place_row(session: Session, place: Place, caller: Caller) -> Asset:
    """The asset of a place, whose column it has, or an edge told of one day. Raises NotFound.

    A mistyped column would otherwise look like one on which nothing depends.
    """
    asset, column = place
    row = asset_row(session, asset, caller)
    if column is None or session.get(AssetColumn, (asset, column)) is not None:
        return row
    starts = (Edge.from_asset == asset) & (Edge.from_column == column) & visible(caller, Edge.to_asset)
    ends = (Edge.to_asset == asset) & (Edge.to_column == column) & visible(caller, Edge.from_asset)
    if session.execute(select(Edge.id).where(starts | ends).limit(1)).first() is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    return row


def walk(  # noqa: PLR0917
    session: Session, roots: Sequence[str], way: Way, depth: int, at: datetime | None, caller: Caller
) -> Reached:
    """Walks from assets, one query a level. An asset is left once, at the depth where it is first met."""
    depths = dict.fromkeys(roots, 0)
    edges: dict[int, Found] = {}
    frontier = list(depths)
    for steps in range(1, max(1, min(depth, DEEPEST)) + 1):
        rows = beside(session, frontier, way, at, caller)
        if len(edges | {row.id: row for row in rows}) > MOST_EDGES:
            return Reached(edges | {row.id: row for row in rows[: MOST_EDGES - len(edges)]}, depths, False)
        edges |= {row.id: row for row in rows}
        far = {row.from_asset if way == "up" else row.to_asset for row in rows}
        frontier = sorted(asset for asset in far if asset not in depths)
        depths |= dict.fromkeys(frontier, steps)
        if not frontier:
            break
    return Reached(edges, depths, True)


def _of_column(reached: Reached, start: Place, way: Way, depth: int) -> Reached:
    """Of a walk what leads on from one column: every step of a way from it is among the edges that the walk met."""
    edges: dict[int, Found] = {}
    depths, seen, frontier = {start[0]: 0}, {start}, [start]
    for steps in range(1, max(1, min(depth, DEEPEST)) + 1):
        fresh: list[Place] = []
        for row in leading(reached.edges.values(), frontier, way):
            edges[row.id] = row
            place = (row.from_asset, row.from_column) if way == "up" else (row.to_asset, row.to_column)
            depths.setdefault(place[0], steps)
            if place not in seen:
                seen.add(place)
                fresh.append(place)
        frontier = fresh
        if not frontier:
            break
    return Reached(edges, depths, reached.complete)


def leading(rows: Iterable[Found], places: Iterable[Place], way: Way) -> list[Found]:
    """The edges that lead on from columns: those of the column, and those of the asset as a whole."""
    columns: dict[str, set[str | None]] = {}
    for asset, column in places:
        columns.setdefault(asset, set()).add(column)
    found = []
    for row in rows:
        asset, column = (row.to_asset, row.to_column) if way == "up" else (row.from_asset, row.from_column)
        wanted = columns.get(asset)
        if wanted is not None and (column is None or column in wanted or None in wanted):
            found.append(row)
    return found


def beside(session: Session, assets: Iterable[str], way: Way, at: datetime | None, caller: Caller) -> list[Found]:
    """The edges into (up) or out of (down) some assets that the caller may see, one more than a walk may have."""
    near = Edge.to_asset if way == "up" else Edge.from_asset
    which = bindparam("assets", list(assets), ARRAY(String))
    seen = visible(caller, Edge.from_asset) & visible(caller, Edge.to_asset)
    statement = select(*_COLUMNS).where(near == any_(which), held(at), seen).limit(MOST_EDGES + 1)
    return sorted(session.execute(statement), key=lambda row: row.id)


def held(at: datetime | None) -> ColumnElement[bool]:
    """The condition that an edge holds now, or held at a time."""
    if at is None:
        return Edge.valid_to.is_(None)
    return (Edge.valid_from <= at) & or_(Edge.valid_to.is_(None), Edge.valid_to > at)


def viewed(edge: Found) -> LineageEdge:
    """A row of `beside` as others see it. It comes from the database, which needs no second look."""
    return LineageEdge.model_construct(None, **dict(zip(_FIELDS, edge, strict=False)))


def edges_of_source(session: Session, source_id: str) -> Iterator[LineageEdge]:
    """The edges that hold now into assets of a source, oldest first."""
    statement = select(Edge).where(Edge.source_id == source_id, Edge.valid_to.is_(None)).order_by(Edge.id)
    for edge in session.scalars(statement.execution_options(yield_per=500)):
        yield LineageEdge.model_validate(edge)


def _order(edge: Found) -> tuple[Any, ...]:
    return (edge.from_asset, edge.from_column or "", edge.to_asset, edge.to_column or "", edge.subtype, edge.id)
