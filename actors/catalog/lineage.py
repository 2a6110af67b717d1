"""Lineage of a source as edges between its assets, from the definitions of its views."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from actors.catalog.inventory import identifiers
from cluster.naming import asset_id

DIALECTS = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}


class Described(NamedTuple):
    """An asset as lineage needs it; `columns` maps names to physical types."""

    id: str
    path: str
    definition: str | None
    columns: Mapping[str, str]


class DerivedEdge(NamedTuple):
    """An edge without the times of its validity: two equal ones are the same edge."""

    from_asset: str
    from_name: str
    from_column: str | None
    to_asset: str
    to_name: str
    to_column: str | None
    transformation: str
    subtype: str
    masking: bool
    confidence: float
    origin: str


def derive(source_id: str, source_kind: str, assets: Sequence[Described]) -> Iterator[set[DerivedEdge]]:
    """Yields the edges into each asset that has a definition. A name not in the catalog stands for an unknown asset."""
    if not any(asset.definition for asset in assets):
        return
    # The parser costs tens of megabytes, which an actor that never sees a view does not pay.
    from actors.catalog.lineage_sql import Tables, column_lineage

    dialect = DIALECTS.get(source_kind, "")  # "" is SQL that every dialect shares
    schema, located = _schema(assets)
    tables = Tables(schema, dialect)
    for view in assets:
        if not view.definition:
            continue
        search_path = ("public", _located(view.path)[0])
        edges: set[DerivedEdge] = set()
        for edge in column_lineage(view.definition, dialect, tables, search_path):
            name = ".".join(edge.from_table)
            origin = located.get(edge.from_table) or Described(asset_id(source_id, name), name, None, {})
            edges.add(
                DerivedEdge(
                    origin.id,
                    origin.path,
                    edge.from_column,
                    view.id,
                    view.path,
                    edge.to_column,
                    edge.transformation,
                    edge.subtype,
                    edge.masking,
                    edge.confidence,
                    "view",
                )
            )
        yield edges


def _schema(assets: Sequence[Described]) -> tuple[dict[str, Any], dict[tuple[str, ...], Described]]:
    schema: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    located: dict[tuple[str, ...], Described] = {}
    for asset in assets:
        key = _located(asset.path)
        schema[key[0]][key[1]] = dict(asset.columns)
        located[key] = asset
    return dict(schema), located


def _located(path: str) -> tuple[str, str]:
    """Schema and name of a table by its path; a database in front of them is the source's own."""
    parts = identifiers(path)[-2:]
    return (parts[0], parts[1]) if len(parts) == 2 else ("public", parts[0] if parts else path)
