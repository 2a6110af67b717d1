"""Lineage as documents for other tools: OpenLineage events, and a graph of nodes and edges."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.contract import LineageEdge, LineageView
from actors.catalog.tables import Asset

PRODUCER: Final = "https://sextant.invalid/lineage"
EVENT: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent"
TOLD_OF_EDGES: Final = (
    "from_column", "to_column", "transformation", "masking", "confidence", "origin", "author",
)  # fmt: skip
FACET: Final = (
    "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
)


def as_openlineage(session: Session, view: LineageView, at: datetime) -> list[dict[str, Any]]:
    """One JobEvent for each asset that something flows into, with a columnLineage facet (1-2-0).

    Format: OpenLineage 2-0-2. Whole-asset edges that filter or join are the facet's `dataset`.
    """
    names = _datasets(session, view)
    into: dict[str, list[LineageEdge]] = defaultdict(list)
    for edge in view.edges:
        into[edge.to_asset].append(edge)
    return [_event(target, edges, names, at) for target, edges in sorted(into.items())]


def _datasets(session: Session, view: LineageView) -> dict[str, dict[str, str]]:
    rows = session.execute(
        select(Asset.id, Asset.namespace, Asset.dataset, Asset.path).where(Asset.id.in_(view.assets))
    )
    known = {row.id: {"namespace": row.namespace, "name": row.dataset or row.path} for row in rows}
    return {asset: known.get(asset, {"namespace": "unknown", "name": path}) for asset, path in view.assets.items()}


def _event(target: str, edges: list[LineageEdge], names: dict[str, dict[str, str]], at: datetime) -> dict[str, Any]:
    fields: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    whole: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for edge in edges:
        if edge.from_column is None:
            continue
        step = {"type": edge.transformation, "subtype": edge.subtype, "description": "", "masking": edge.masking}
        place = (edge.from_asset, edge.from_column)
        (whole[place] if edge.to_column is None else fields[edge.to_column][place]).append(step)
    facet = {
        "_producer": PRODUCER, "_schemaURL": FACET,
        "fields": {column: {"inputFields": _inputs(places, names)} for column, places in fields.items()},
        "dataset": _inputs(whole, names),
    }  # fmt: skip
    sources = sorted({edge.from_asset for edge in edges})
    return {
        "eventTime": at.isoformat(), "producer": PRODUCER, "schemaURL": EVENT,
        "job": {"namespace": "sextant", "name": names[target]["name"]},
        "inputs": [dict(names[source]) for source in sources],
        "outputs": [{**names[target], "facets": {"columnLineage": facet}}],
    }  # fmt: skip


def _inputs(
    places: dict[tuple[str, str], list[dict[str, Any]]], names: dict[str, dict[str, str]]
) -> list[dict[str, Any]]:
    return [{**names[asset], "field": column, "transformations": steps} for (asset, column), steps in places.items()]


def as_graph(view: LineageView) -> dict[str, Any]:
    """Nodes and edges in the manner of JSON Graph Format 2: nodes by id, edges with source and target."""
    nodes = {
        asset: {"label": path, "metadata": {"depth": view.depths.get(asset)}} for asset, path in view.assets.items()
    }
    return {"graph": {"directed": True, "type": "lineage", "nodes": nodes, "edges": list(_graph_edges(view.edges))}}


def _graph_edges(edges: Iterable[LineageEdge]) -> Iterable[dict[str, Any]]:
    for edge in edges:
        metadata = {name: getattr(edge, name) for name in
                    TOLD_OF_EDGES}  # fmt: skip
        yield {"source": edge.from_asset, "target": edge.to_asset, "relation": edge.subtype, "metadata": metadata}
