"""Column lineage of one SQL query, from its text and the columns of the tables it may read.

Pure: parses and resolves with sqlglot, which makes this module heavy; import it where it is used.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope, traverse_scope
from sqlglot.schema import MappingSchema

from actors.catalog.lineage_trace import DIRECT, Origin, Trace, table_name

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]

LONGEST = 1_000_000
UNPARSED = 0.3
_NAMED = re.compile(
    r'\b(?:from|join|into|using)\s+((?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+)){0,2})', re.I
)
_PART = re.compile(r'"((?:[^"]|"")+)"|([\w$]+)')


@dataclass(frozen=True)
class ColumnEdge:
    """One column (or table, where `from_column` is None) that an output column, or the output as a whole, depends on.

    `from_table` is (schema, name), or (name,) where no schema is known. `masking` is true if no path between the two
    with this subtype shows the value as it is.
    """

    from_table: tuple[str, ...]
    from_column: str | None
    to_column: str | None
    transformation: str
    subtype: str
    masking: bool
    confidence: float


class Tables:
    """The tables that queries may read, prepared once for many of them."""

    def __init__(self, schema: Schema, dialect: str = "postgres") -> None:
        self.schema = schema
        self.mapping = MappingSchema(dict(schema), dialect=dialect, normalize=False)
        self.columns: dict[tuple[str, ...], frozenset[str]] = {
            (name, table): frozenset(columns) for name, tables in schema.items() for table, columns in tables.items()
        }

    def schema_of(self, table: str, search_path: Sequence[str]) -> str | None:
        """The schema in which a query finds an unqualified table."""
        for name in search_path:
            if (name, table) in self.columns:
                return name
        having = [name for name, tables in self.schema.items() if table in tables]
        return having[0] if len(having) == 1 else None


def column_lineage(
    sql: str, dialect: str = "postgres", schema: Schema | Tables | None = None, search_path: Sequence[str] = ("public",)
) -> list[ColumnEdge]:
    """The edges into a query's output, sorted. `schema` maps schema, table and column to a type.

    Unqualified tables are looked for along `search_path`, then taken from the only schema that has them. What cannot be
    resolved has a confidence below 1: 0.5 for a column of a table whose columns are unknown, less where it may belong
    to several tables, 0.3 for tables that were only found by their names because the text could not be parsed.
    Never raises.
    """
    try:
        tables = schema if isinstance(schema, Tables) else Tables(schema or {}, dialect)
    except ValueError:  # a dialect that nobody knows
        return _by_name(sql[:LONGEST], Tables({}), search_path)
    if len(sql) > LONGEST:
        return _by_name(sql[:LONGEST], tables, search_path)
    try:
        edges = _resolved(sql, dialect, tables, search_path)
    except Exception:  # whatever a parser stumbles over, the tables it names are still worth telling
        return _by_name(sql, tables, search_path)
    return sorted(edges, key=_order)


def _resolved(sql: str, dialect: str, tables: Tables, search_path: Sequence[str]) -> list[ColumnEdge]:
    statement = next(parsed for parsed in sqlglot.parse(sql, read=dialect) if parsed is not None)
    query, names = _query_of(statement)
    if query is None:
        return []
    query = normalize_identifiers(query, dialect=dialect)
    _name_schemas(query, tables, search_path)
    query = qualify(
        query, dialect=dialect, schema=tables.mapping,
        validate_qualify_columns=False, quote_identifiers=False, allow_partial_qualification=True,
    )  # fmt: skip
    scope = build_scope(query)
    if scope is None:
        return []
    trace = Trace(tables.columns)
    pairs: list[tuple[str | None, Origin]] = []
    for position, (name, origins) in enumerate(trace.outputs(scope)):
        target = names[position] if position < len(names) else name
        pairs.extend((None if target == "*" else target, origin) for origin in origins)
    pairs.extend((None, origin) for origin in trace.influences(scope))
    return _merged(pairs, scope)


def _query_of(statement: exp.Expr) -> tuple[exp.Expr | None, list[str]]:
    """The query inside CREATE or INSERT, with the column names that the statement gives to its output."""
    if isinstance(statement, exp.Create | exp.Insert):
        target, query = statement.this, statement.expression
        names = [column.name for column in target.expressions] if isinstance(target, exp.Schema) else []
        return (query.unnest() if isinstance(query, exp.Query) else None), names
    return (statement.unnest() if isinstance(statement, exp.Query) else None), []


def _name_schemas(query: exp.Expr, tables: Tables, search_path: Sequence[str]) -> None:
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                source.set("catalog", None)
                found = None if source.db else tables.schema_of(source.name, search_path)
                if found is not None:
                    source.set("db", exp.to_identifier(found, quoted=True))


def _merged(pairs: list[tuple[str | None, Origin]], scope: Scope) -> list[ColumnEdge]:
    merged: dict[tuple[object, ...], ColumnEdge] = {}
    seen = {origin.table for _, origin in pairs}
    for table in scope.expression.find_all(exp.Table):
        if table.db and table_name(table) not in seen:  # read for its rows only
            pairs.append((None, Origin(table_name(table), None, "JOIN")))
    for target, origin in pairs:
        transformation = "DIRECT" if origin.subtype in DIRECT else "INDIRECT"
        key = (origin.table, origin.column, target, origin.subtype)
        known = merged.get(key)
        merged[key] = ColumnEdge(
            origin.table, origin.column, target, transformation, origin.subtype,
            origin.masking and (known is None or known.masking),
            max(origin.confidence, known.confidence if known else 0.0),
        )  # fmt: skip
    return list(merged.values())


def _by_name(sql: str, known: Tables, search_path: Sequence[str]) -> list[ColumnEdge]:
    """Tables that the text names behind FROM or JOIN, if it can be read no better."""
    tables: set[tuple[str, ...]] = set()
    for match in _NAMED.finditer(sql):
        parts = [quoted.replace('""', '"') or bare.lower() for quoted, bare in _PART.findall(match[1])][-2:]
        if len(parts) == 1:
            found = known.schema_of(parts[0], search_path)
            if found is None:
                continue  # a common table expression, a function, or a word of a comment
            parts = [found, *parts]
        tables.add(tuple(parts))
    return [ColumnEdge(table, None, None, "DIRECT", "TRANSFORMATION", False, UNPARSED) for table in sorted(tables)]


def _order(edge: ColumnEdge) -> tuple[str, ...]:
    return (edge.to_column or "", *edge.from_table, edge.from_column or "", edge.subtype)
