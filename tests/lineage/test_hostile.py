"""No text raises, none takes for ever, and what cannot be read says where it stands."""

import itertools
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.lineage.extract import extract
from cluster.lineage.literals import without_literals
from tests.lineage.corpus_files import cases

DIALECTS = ["postgres", "tsql", "snowflake", "bigquery", "oracle", "mysql", "hive", "clickhouse", ""]
TEXTS = [case.sql for case in cases()]
SOME, PLACE = st.sampled_from(TEXTS), st.integers(0, 400)
few = limits(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


@few
@given(
    st.sampled_from(TEXTS), st.sampled_from(DIALECTS), st.integers(0, 400), st.integers(0, 400), st.sampled_from(TEXTS)
)
def test_texts_cut_and_joined_anywhere_never_raise(first: str, dialect: str, cut: int, start: int, second: str) -> None:
    for edge in extract(first[: cut % (len(first) + 1)] + second[start % (len(second) + 1) :], dialect).edges:
        assert 0 < edge.confidence <= 1


@few
@given(st.text(max_size=200), st.sampled_from(DIALECTS))
def test_any_text_never_raises(text: str, dialect: str) -> None:
    extract(text, dialect)
    extract(f"SELECT a FROM t WHERE x = '{text}'; SELECT b FROM u", dialect)


@few
@given(st.text("abcxyz .;-$?", min_size=4, max_size=20), st.integers(1000, 10**12), st.sampled_from([*DIALECTS, None]))
def test_no_constant_and_no_comment_is_left_in_what_is_kept(value: str, number: int, dialect: str | None) -> None:
    text = f"SELECT a FROM t WHERE x = '{value}'' {value}' AND n > {number}.5 -- {number}\n AND m = {number} /*x*/"
    kept = without_literals(text, dialect)
    assert value not in kept
    assert str(number) not in kept
    assert kept.startswith("SELECT a FROM t WHERE x = '?'")


def test_of_a_text_without_an_end_and_of_names_that_may_be_values_nothing_is_left() -> None:
    assert without_literals("SELECT 'ann", "postgres") == ""
    assert without_literals('SELECT "a b" FROM t', "postgres") == 'SELECT "a b" FROM t'
    for dialect in ("mysql", None, "nobody's"):
        assert without_literals('SELECT "a b" FROM t', dialect) == "SELECT '?' FROM t"
    body = "CREATE FUNCTION f() RETURNS text AS $$ SELECT $1 || $x$ann$x$ || 'bob', 42 $$ LANGUAGE sql"
    masked = "CREATE FUNCTION f() RETURNS text AS $$ SELECT $1 || '?' || '?', 0 $$ LANGUAGE sql"
    assert without_literals(body, "postgres") == masked


@few
@given(st.text(st.characters(blacklist_characters='"\0', blacklist_categories=("Cs",)), min_size=1, max_size=1_000))
def test_a_name_in_quotes_comes_out_as_it_went_in(name: str) -> None:
    found = extract(f'SELECT "{name}" FROM "{name}" AS aliased', "postgres", seconds=20.0)
    (edge,) = found.edges
    assert (edge.from_table, edge.from_column, edge.to_column) == ((name,), name, name)


DEEP = {
    "parentheses": ("(", "a", ")"),
    "functions": ("f(", "a", ")"),
    "cases": ("CASE WHEN b THEN ", "a", " END"),
    "signs": ("- ", "a", ""),
    "lists": ("[", "a", "]"),
    "queries": ("(SELECT ", "a", " FROM t)"),
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [50, 3_000])
def test_deep_nesting_is_resolved_or_told(shape: str, depth: int) -> None:
    before, inner, behind = DEEP[shape]
    found = extract(f"SELECT {before * depth}{inner}{behind * depth} AS x FROM t; SELECT b FROM u", "duckdb")
    resolved = ("t.a", "<query>.x") in found.column_edges
    assert resolved or (depth > 50 and [problem.message for problem in found.problems] == ["nested too deeply"])
    assert ("u.b", "<query>.b") in found.column_edges


DOUBLING = {
    "types": ("bigquery", "SELECT {0} AS x FROM t", "STRUCT(", "a", ")"),
    "types without an end": ("bigquery", "SELECT {0} AS x FROM t", "STRUCT(", "a", ""),
    "dates": ("hive", "SELECT {0} AS x FROM t", "DATE(", "a", ")"),
    "sizes": ("postgres", "SELECT CAST(a AS {0}) AS x FROM t", "VARCHAR(", "3", ")"),
    "functions of tables": ("snowflake", "SELECT a FROM {0}", "INT(", "t", ")"),
    "columns": ("mysql", "CREATE TABLE t (a {0})", "INT(", "b", ")"),
    "brackets": ("duckdb", "SELECT {0} AS x FROM t", "INT[", "a", "]"),
    "conditions": ("bigquery", "SELECT {0} AS x FROM t", "IF[", "a", "]"),
    "sorted": ("spark", "SELECT {0} AS x FROM t", "SORT_ARRAY(b, ", "a", ")"),
    "zeros": ("snowflake", "SELECT {0} AS x FROM t", "ZEROIFNULL(", "a", ")"),
    "quotients": ("snowflake", "SELECT {0} AS x FROM t", "DIV0NULL(a, ", "a", ")"),
    "formulas": ("prql", "from t derive x0 = a {0}", "", "", ""),
}


@pytest.mark.parametrize("shape", DOUBLING)
def test_what_doubles_with_each_level_is_resolved_or_told(shape: str) -> None:
    dialect, text, before, inner, behind = DOUBLING[shape]
    nested = before * 60 + inner + behind * 60
    if shape == "formulas":
        nested = " ".join(f"derive x{number + 1} = x{number} + x{number}" for number in range(60))
    behind = "from u select b" if dialect == "prql" else "SELECT b FROM u"
    found = extract(f"{text.format(nested)}; {behind}", dialect)
    assert ("u.b", "<query>.b") in [(one.lower(), other.lower()) for one, other in found.column_edges]
    told = [problem.message for problem in found.problems]
    assert told in ([], ["nested too deeply"]) or shape == "types without an end"


STARS = {
    "unions": "SELECT * FROM {0} UNION ALL SELECT * FROM {0}",
    "twice": "SELECT *, * FROM {0}",
    "joins": "SELECT * FROM {0} AS one JOIN {0} AS other ON one.a = other.a",
}


@pytest.mark.parametrize("shape", STARS)
@pytest.mark.parametrize("first", ["SELECT a, b FROM t", "SELECT * FROM t"])
def test_stars_over_stars_do_not_double_for_ever(shape: str, first: str) -> None:
    steps = "".join(f", c{number + 1} AS ({STARS[shape].format(f'c{number}')})" for number in range(60))
    found = extract(f"WITH c0 AS ({first}){steps} SELECT a FROM c60; SELECT b FROM u", "postgres")
    assert ("u.b", "<query>.b") in found.column_edges
    wide = ["the statement could not be resolved (more than 50,000 columns)"]
    assert ("t.a", "<query>.a") in found.column_edges or [problem.message for problem in found.problems] == wide


def test_names_of_types_may_be_functions_and_literals_as_before() -> None:
    literals = "DATE '2020-01-01' AS e, TIMESTAMP(3) WITH TIME ZONE '2020-01-01' AS h"
    text = f"SELECT DATE(a) AS d, STRUCT(DATE(b) AS f) AS g, {literals} FROM t"
    found = extract(text, "bigquery")
    assert (found.column_edges, found.problems) == ([("t.a", "<query>.d"), ("t.b", "<query>.g")], ())


def test_long_chains_need_no_depth() -> None:
    union = " UNION ALL ".join(["SELECT a FROM t"] * 1_500)
    assert extract(union, "postgres").column_edges == [("t.a", "<query>.a")]
    condition = " OR ".join(f"a = {number}" for number in range(3_000))
    assert extract(f"SELECT b FROM t WHERE {condition}", "postgres").column_edges == [("t.b", "<query>.b")]


REPEATED = {
    "assignments": ("tsql", "UPDATE t SET a = b", ", @v = a = b"),
    "expectations": ("databricks", "CREATE TABLE t (", "CONSTRAINT c EXPECT "),
    "versions": ("mysql", "SELECT a FROM t ", "/*!"),
    "semicolons": ("postgres", "SELECT " + "(" * 4_000, ";)"),
    "texts": ("tsql", "SET @q = 'INSERT INTO t'", "; SET @q += 'xxxxxxxxxxxxxxxx'"),
}


@pytest.mark.parametrize("shape", REPEATED)
def test_clauses_that_are_taken_out_take_time_by_their_length(shape: str) -> None:
    dialect, text, again = REPEATED[shape]
    found = extract(text + again * 4_000, dialect)
    assert not any("time" in problem.message for problem in found.problems)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which each look at it takes a millisecond, whatever the machine does beside."""
    looks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(looks) / 1000)


@pytest.mark.usefixtures("hurried")
def test_ten_megabytes_end_in_time_and_say_where_they_ended() -> None:
    text = "INSERT INTO t SELECT a, b FROM s WHERE x = 'some text';\n" * 180_000
    assert len(text) > 10_000_000
    found = extract(text, "postgres", seconds=4.0)
    assert [problem.message for problem in found.problems] == [
        "not read from here on: the time for one text has run out"
    ]
    assert found.problems[0].line > 1
    assert ("s.a", "t.a") in found.column_edges


@pytest.mark.usefixtures("hurried")
def test_what_runs_out_of_time_keeps_what_it_has_read() -> None:
    text = "INSERT INTO t SELECT a FROM s;\n" + "SELECT b FROM u;\n" * 20_000
    found = extract(text, "postgres", seconds=3.0)
    assert ("s.a", "t.a") in found.column_edges
    assert [problem.line for problem in found.problems] > [1]


def test_a_statement_of_megabytes_is_passed_over_and_told() -> None:
    text = "SELECT a FROM t;\nINSERT INTO u VALUES " + "(1, 'x'),\n" * 250_000 + "(1, 'x');\nSELECT b FROM v"
    found = extract(text, "postgres", seconds=30.0)
    assert set(found.column_edges) == {("t.a", "<query>.a"), ("v.b", "<query>.b")}
    assert [(problem.line, problem.message[:21]) for problem in found.problems] == [(2, "a statement of more t")]


def test_open_quotes_spoil_one_statement_of_many() -> None:
    text = "SELECT a FROM t;\n" * 30 + "SELECT 'it FROM t;\n" + "SELECT b FROM u;\n" * 30
    found = extract(text, "postgres")
    assert set(found.column_edges) == {("t.a", "<query>.a"), ("u.b", "<query>.b")}
    assert [problem.line for problem in found.problems] == [31]
