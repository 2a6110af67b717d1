"""Queries that are generated together with their lineage: the extractor must find exactly that."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.lineage.extract import extract

TABLES = {"t1": ["a", "b", "c"], "t2": ["d", "e"], "t3": ["f", "g", "h"], "t4": ["i"]}
SCHEMA = {table: dict.fromkeys(columns, "int") for table, columns in TABLES.items()}
DIALECTS = ["postgres", "snowflake", "bigquery", "duckdb", "spark", "trino", "mysql", "tsql", "redshift", "clickhouse"]
Origins = frozenset[str]


@dataclass(frozen=True)
class Query:
    """A query with the origins of each of its columns, in order."""

    sql: str
    columns: tuple[tuple[str, Origins], ...]


@st.composite
def expressions(draw: st.DrawFn, columns: tuple[tuple[str, Origins], ...], alias: str) -> tuple[str, Origins]:
    """An expression over some columns, and what its value comes from."""
    first, second = draw(st.sampled_from(columns)), draw(st.sampled_from(columns))
    one, two = f"{alias}.{first[0]}", f"{alias}.{second[0]}"
    shape = draw(st.integers(0, 6))
    both = first[1] | second[1]
    made: list[tuple[str, Origins]] = [
        (one, first[1]),
        (f"{one} + {two}", both),
        (f"CASE WHEN {one} > 1 THEN {two} ELSE 0 END", both),
        (f"COALESCE({one}, {two}, 3)", both),
        (f"ROW_NUMBER() OVER (PARTITION BY {one} ORDER BY {two})", frozenset()),
        (f"SUM({one}) OVER (PARTITION BY {two})", first[1]),
        ("7", frozenset()),
    ]
    return made[shape]


@st.composite
def sources(draw: st.DrawFn, depth: int) -> tuple[str, tuple[tuple[str, Origins], ...]]:
    """What may stand behind FROM, without its alias."""
    if depth > 0 and draw(st.booleans()):
        inner = draw(queries(depth - 1))
        return f"({inner.sql})", inner.columns
    table = draw(st.sampled_from(sorted(TABLES)))
    return table, tuple((name, frozenset({f"{table}.{name}"})) for name in TABLES[table])


@st.composite
def selects(draw: st.DrawFn, depth: int) -> Query:
    source, columns = draw(sources(depth))
    if draw(st.integers(0, 4)) == 0 and len({name for name, _ in columns}) == len(columns):
        return Query(f"SELECT * FROM {source} AS s", columns)
    items = draw(st.lists(expressions(columns, "s"), min_size=1, max_size=4))
    listed = ", ".join(f"{text} AS o{place}" for place, (text, _) in enumerate(items))
    sql = f"SELECT {listed} FROM {source} AS s"
    if draw(st.booleans()):
        other, others = draw(sources(0))
        sql += f" LEFT JOIN {other} AS j ON j.{others[0][0]} = s.{columns[0][0]}"
    if draw(st.booleans()):
        sql += f" WHERE s.{columns[-1][0]} > 2"
    return Query(sql, tuple((f"o{place}", origins) for place, (_, origins) in enumerate(items)))


@st.composite
def queries(draw: st.DrawFn, depth: int = 3) -> Query:
    """A SELECT, one over a common table expression, or a union of two of the same width."""
    first = draw(selects(depth))
    shape = draw(st.integers(0, 4))
    if shape == 0:
        second = draw(selects(depth))
        if len(first.columns) == len(second.columns):
            columns = tuple((n, o | p) for (n, o), (_, p) in zip(first.columns, second.columns, strict=True))
            return Query(f"{first.sql} UNION ALL {second.sql}", columns)
    if shape == 1 and len({name for name, _ in first.columns}) == len(first.columns):
        names = [f"k{place}" for place in range(len(first.columns))]
        listed = ", ".join(f"w.{name}" for name in names)
        renamed = tuple((name, origins) for name, (_, origins) in zip(names, first.columns, strict=True))
        inside = ", ".join(f"q.{old} AS {new}" for new, (old, _) in zip(names, first.columns, strict=True))
        return Query(f"WITH w AS (SELECT {inside} FROM ({first.sql}) AS q) SELECT {listed} FROM w", renamed)
    return first


def pairs(columns: tuple[tuple[str, Origins], ...], target: str) -> set[tuple[str, str]]:
    return {(origin, f"{target}.{name}") for name, origins in columns for origin in origins}


few = limits(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))


@few
@given(queries(), st.sampled_from(DIALECTS))
def test_a_query_has_the_lineage_that_it_was_made_with(query: Query, dialect: str) -> None:
    found = extract(query.sql, dialect, SCHEMA)
    assert not found.problems
    assert set(found.column_edges) == pairs(query.columns, "<query>")


@few
@given(queries(2), st.sampled_from(DIALECTS), st.integers(0, 2))
def test_lineage_goes_through_tables_that_a_script_makes_and_drops(query: Query, dialect: str, hops: int) -> None:
    names = [f"k{place}" for place in range(len(query.columns))]
    inside = ", ".join(f"q.{old} AS {new}" for new, (old, _) in zip(names, query.columns, strict=True))
    script = [f"CREATE TABLE m0 AS SELECT {inside} FROM ({query.sql}) AS q"]
    script += [f"CREATE TABLE m{hop + 1} AS SELECT * FROM m{hop}" for hop in range(hops)]
    script += [f"INSERT INTO final ({', '.join(names)}) SELECT {', '.join(names)} FROM m{hops}"]
    script += [f"DROP TABLE m{hop}" for hop in range(hops + 1)]
    renamed = tuple((name, origins) for name, (_, origins) in zip(names, query.columns, strict=True))
    found = extract(";\n".join(script), dialect, SCHEMA)
    assert not found.problems
    assert set(found.column_edges) == pairs(renamed, "final")
    assert found.tables_out == ("final",)
    assert not {table for table in found.tables_in if table.startswith("m")}


@few
@given(queries(2), st.sampled_from(["  ", "\n", "\t"]), st.booleans())
def test_layout_and_case_of_unquoted_names_change_nothing(query: Query, blank: str, upper: bool) -> None:
    text = query.sql.replace(" ", blank)
    text = text.upper() if upper else text
    assert set(extract(text, "postgres", SCHEMA).column_edges) == pairs(query.columns, "<query>")
