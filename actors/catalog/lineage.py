"""Lineage of a source as edges between its assets, from the definitions of its views."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from actors.catalog.inventory import identifiers
from cluster.naming import asset_id

if TYPE_CHECKING:
    from cluster.lineage.extract import Edge as ExtractedEdge
    from cluster.lineage.extract import Extraction

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
    reading = _Reading(source_id, source_kind, assets)
    for view in assets:
        if view.definition:
            found = reading.extracted(view.definition, _located(view.path)[0])
            yield {reading.edge(edge, view, "view") for edge in found.edges}


def derive_from_queries(
    source_id: str, source_kind: str, assets: Sequence[Described], queries: Iterable[str]
) -> Iterator[set[DerivedEdge]]:
    """Yields the edges by which each statement that ran on a source fills its tables; what it reads leaves none."""
    reading = _Reading(source_id, source_kind, assets)
    for query in queries:
        found: set[DerivedEdge] = set()
        for edge in reading.extracted(query, "public").edges:
            target = reading.located.get(edge.to_table[-2:])
            if target is not None:
                found.add(reading.edge(edge, target, "query"))
        yield found


class _Reading:
    """Extracts lineage with the tables of one source."""

    def __init__(self, source_id: str, source_kind: str, assets: Sequence[Described]) -> None:
        # The parser costs tens of megabytes, which an actor that never sees SQL does not pay.
        from cluster.lineage.naming import Schema

        self.source_id = source_id
        self.dialect = DIALECTS.get(source_kind, "")  # "" is SQL that every dialect shares
        self.located: dict[tuple[str, ...], Described] = {_located(asset.path): asset for asset in assets}
        self.schema = Schema({key: asset.columns for key, asset in self.located.items()})

    def extracted(self, sql: str, own: str) -> "Extraction":
        from cluster.lineage.extract import extract

        return extract(sql, self.dialect, self.schema, None, ("public", own), SECONDS)

    def edge(self, edge: "ExtractedEdge", target: Described, origin: str) -> DerivedEdge:
        """An edge into an asset; a table that is not in the catalog stands for an unknown asset."""
        name = ".".join(edge.from_table)
        start = self.located.get(edge.from_table[-2:]) or Described(asset_id(self.source_id, name), name, None, {})
        column = None if edge.from_column == "*" else edge.from_column
        into = None if edge.to_column == "*" else edge.to_column
        return DerivedEdge(
            start.id, start.path, column, target.id, target.path, into,
            edge.transformation, edge.subtype, edge.masking, edge.confidence, origin,
        )  # fmt: skip


def _located(path: str) -> tuple[str, str]:
    """Schema and name of a table by its path; a database in front of them is the source's own."""
    parts = identifiers(path)[-2:]
    return (parts[0], parts[1]) if len(parts) == 2 else ("public", parts[0] if parts else path)
