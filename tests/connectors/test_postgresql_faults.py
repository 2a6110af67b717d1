"""What goes wrong between plan and read, or before a session, is said in one line of Sextant's own words."""

import psycopg
import pytest
from psycopg import errors
from source_targets import Database, Open, asset_of, cells_of

from cluster.connectors.postgres.faults import fault
from cluster.connectors.steps import OF_ONE, diagnosis_of
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable


@pytest.mark.parametrize("change", ["ALTER TABLE t DROP COLUMN name", "ALTER TABLE t RENAME COLUMN name TO title"])
def test_a_column_that_is_gone_when_it_is_read_is_gone(database: Database, opened: Open, change: str) -> None:
    database.run("CREATE TABLE t (id int, name text)", "INSERT INTO t VALUES (1, 'a')")
    connector = opened(database.url)
    partitions = connector.plan(asset_of(connector, "public.t"), 1 << 15)
    database.run(change)
    with pytest.raises(SourceObjectGone, match=r"public\.t"):
        cells_of(connector, partitions)


@pytest.mark.parametrize(("part", "words"), [("database", "no database 'nowhere'"), ("username", "user or password")])
def test_a_refusal_is_one_line_without_the_words_of_the_server(
    database: Database, opened: Open, part: str, words: str
) -> None:
    password = {"password": "Not-The-One-4711"} if part == "username" else {}
    connector = opened(database.edited(**{part: "nowhere"}, **password))
    with pytest.raises(SourceError) as caught:
        connector.enumerate()
    assert words in caught.value.detail
    assert "\n" not in caught.value.detail
    assert "FATAL" not in caught.value.detail
    assert "4711" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("error", "of_one"),
    [(errors.LockNotAvailable, True), (errors.QueryCanceled, True), (errors.AdminShutdown, False)],
)
def test_a_locked_table_and_a_late_statement_are_told_from_a_server_that_is_away(
    error: type[psycopg.Error], of_one: bool
) -> None:
    found = fault(error(), "public.t")
    assert isinstance(found, SourceUnreachable)
    assert (diagnosis_of(found) in OF_ONE) is of_one
