"""The door: column lineage of a text, as values that cross any boundary."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cluster.lineage.naming import Names, Schema, known_dialect
from cluster.lineage.origins import (
    AGGREGATION,
    GUESSED,
    IDENTITY,
    KINDS,
    NOBODY,
    TRANSFORMATION,
    Origin,
    Parts,
)
from cluster.lineage.results import Problem, Result
from cluster.lineage.script import Script

# Parsers descend as deep as a text nests. Frames of Python functions take memory and no C stack: more do no harm.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 12_000))

LONGEST: Final = 16_000_000
SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A column that a column of a written table depends on. None: the table as a whole.

    `transformation` DIRECT or INDIRECT, `subtype` as in OpenLineage's column lineage facet. `masking`: no path between
    the two with this subtype shows the value as it is. `path` leads into the column read. `statement` counts from 0.
    """

    from_table: Parts
    from_column: str | None
    to_table: Parts
    to_column: str | None
    transformation: str
    subtype: str
    masking: bool
    confidence: float
    path: str
    statement: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a text does to tables. Names are dotted; a part is never in quotes."""

    tables_in: tuple[str, ...]
    tables_out: tuple[str, ...]
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...]
    statements: int

    @property
    def column_edges(self) -> list[tuple[str, str]]:
        """Pairs of columns where the first is part of what the second's value is computed from.

        That is all that is DIRECT, and conditions: what CASE tests decides the value itself. What only decides which
        rows there are, in which order and in which group (join, filter, grouping, sorting, windows) is in `edges`.
        """
        pairs = {
            (_dotted(edge.from_table, edge.from_column), _dotted(edge.to_table, edge.to_column)): None
            for edge in self.edges
            if edge.from_column is not None
            and edge.to_column is not None
            and NOBODY not in (edge.from_table, edge.to_table)
            and (edge.transformation == "DIRECT" or edge.subtype == "CONDITIONAL")
        }
        return list(pairs)

    def as_dict(self) -> dict[str, Any]:
        """The answer of `POST /api/v1/lineage/extract`."""
        return {
            "tables_in": list(self.tables_in),
            "tables_out": list(self.tables_out),
            "column_edges": [list(pair) for pair in self.column_edges],
            "edges": [asdict(edge) | {"from_table": ".".join(edge.from_table), "to_table": ".".join(edge.to_table)}
                      for edge in self.edges],
            "errors": [asdict(problem) for problem in self.problems],
            "statements": self.statements,
        }  # fmt: skip


def extract(  # noqa: PLR0917 - the order of the endpoint's fields
    sql: str,
    dialect: str | None = None,
    schema: Mapping[str, Mapping[str, str]] | Schema | None = None,
    default_db: str | None = None,
    default_schema: str | Sequence[str] | None = None,
    seconds: float = SECONDS,
) -> Extraction:
    """The column lineage of a script of any length up to 16 MB.

    `schema` maps names of tables ("table", "schema.table" or "db.schema.table") to their columns and types. What cannot
    be read is a located problem, and the statements behind it are read. After `seconds` the rest is left out, which is
    a problem too. Raises ValueError for a dialect that nobody knows, and nothing else.
    """
    tables = schema if isinstance(schema, Schema) else Schema(schema or {})
    path = [default_schema] if isinstance(default_schema, str) else default_schema or []
    names = Names(known_dialect(dialect), tables, default_db, path)
    deadline = time.monotonic() + seconds
    script = Script(names, deadline)
    result = script.read(sql[:LONGEST])
    if len(sql) > LONGEST:
        line = sql.count("\n", 0, LONGEST) + 1
        result.problems.append(
            Problem(f"not read from here on: longer than {LONGEST:,} characters", line, 1, result.statements)
        )
    return _extraction(result)


def _extraction(result: Result) -> Extraction:
    merged: dict[tuple[Any, ...], Edge] = {}
    written: dict[Parts, None] = {}
    for number, write in result.writes:
        written[write.table] = None
        for name, origins in write.columns:
            for origin in sorted(origins, key=_order):
                _merge(merged, number, origin, write.table, name)
        for origin in sorted(write.influences, key=_order):
            _merge(merged, number, origin, write.table, None)
    for number, source, target in result.guesses:
        _merge(merged, number, Origin(source, None, TRANSFORMATION, False, GUESSED), target, None)
    return Extraction(
        tuple(".".join(table) for table in result.reads),
        tuple(".".join(table) for table in written if table != NOBODY),
        tuple(merged.values()),
        tuple(result.problems),
        result.statements,
    )


def _merge(merged: dict[tuple[Any, ...], Edge], number: int, origin: Origin, table: Parts, column: str | None) -> None:
    if origin.at and origin.kind == IDENTITY:  # a part of a value is not the value
        origin = origin._replace(kind=TRANSFORMATION)
    key = (number, origin.table, origin.column, table, column, origin.kind, origin.path)
    known = merged.get(key)
    merged[key] = Edge(
        origin.table, origin.column, table, column,
        "DIRECT" if origin.kind in (IDENTITY, TRANSFORMATION, AGGREGATION) else "INDIRECT", KINDS[origin.kind],
        origin.masking and (known is None or known.masking),
        max(origin.confidence, known.confidence if known else 0.0), origin.path, number,
    )  # fmt: skip


def _order(origin: Origin) -> tuple[Any, ...]:
    return (origin.table, origin.column or "", origin.kind, origin.path, origin.masking, origin.confidence)


def _dotted(table: Parts, column: str | None) -> str:
    return ".".join((*table, column or "*"))
