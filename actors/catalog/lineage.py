"""Lineage of a source as edges between its assets, from the definitions of its views."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from actors.catalog.inventory import identifiers
from cluster.naming import asset_id

DIALECTS = {
    "postgres": "postgres", "postgresql": "postgres", "mssql": "tsql",
    **{name: name for name in ("mysql", "sqlite", "duckdb", "snowflake", "bigquery", "databricks", "redshift")},
    **{name: name for name in ("oracle", "trino")},
}  # fmt: skip
SECONDS: Final = 5.0


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
    from cluster.lineage.extract import extract
    from cluster.lineage.naming import Schema

    dialect = DIALECTS.get(source_kind, "")  # "" is SQL that every dialect shares
    located: dict[tuple[str, ...], Described] = {_located(asset.path): asset for asset in assets}
    schema = Schema({key: asset.columns for key, asset in located.items()})
    for view in assets:
        if not view.definition:
            continue
        own, _ = _located(view.path)
        found = extract(view.definition, dialect, schema, None, ("public", own), SECONDS)
        edges: set[DerivedEdge] = set()
        for edge in found.edges:
            origin = located.get(edge.from_table[-2:])
            name = ".".join(edge.from_table)
            origin = origin or Described(asset_id(source_id, name), name, None, {})
            column = None if edge.from_column == "*" else edge.from_column
            target = None if edge.to_column == "*" else edge.to_column
            edges.add(
                DerivedEdge(
                    origin.id, origin.path, column, view.id, view.path, target,
                    edge.transformation, edge.subtype, edge.masking, edge.confidence, "view",
                )
            )  # fmt: skip
        yield edges


def _located(path: str) -> tuple[str, str]:
    """Schema and name of a table by its path; a database in front of them is the source's own."""
    parts = identifiers(path)[-2:]
    return (parts[0], parts[1]) if len(parts) == 2 else ("public", parts[0] if parts else path)
