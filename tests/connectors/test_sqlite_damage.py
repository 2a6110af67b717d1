"""SQLite files that are locked, damaged, empty, replaced, or larger than is good."""

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_targets import Open, asset_of, cells_of, run_sqlite, sqlite_numbers, sqlite_url, whole_plan

from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable

TARGET = 1 << 16


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a shop.db"


def test_a_reader_keeps_its_lock_while_another_connector_comes_and_goes(file: Path, opened: Open) -> None:
    """Closing a handle of a file gives up every lock that the process has on it."""
    sqlite_numbers(file, 5000)
    reader = opened(sqlite_url(file))
    batches = reader.read(reader.plan(asset_of(reader, "t"), 1 << 30)[0], 100, 1 << 20)
    next(batches)
    other = opened(sqlite_url(file))
    other.enumerate()
    other.close()
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).executescript('UPDATE t SET v = 0')"
    tried = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert "locked" in tried.stderr
    assert sum(batch.num_rows for batch in batches) == 4900


def test_a_database_that_a_writer_has_locked_can_be_tried_again(file: Path, opened: Open) -> None:
    sqlite_numbers(file, 10)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        connector = opened(f"{sqlite_url(file)}?connect_timeout=1")
        with pytest.raises(SourceUnreachable):
            connector.enumerate()
    assert len(connector.enumerate().assets) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "root", "inner"])
def test_a_damaged_file_is_unreadable_and_never_quoted(file: Path, opened: Open, damage: str) -> None:
    sqlite_numbers(file)
    data = bytearray(file.read_bytes())
    if damage == "text":
        data = bytearray(b"secret text, no database at all" * 100)
    elif damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "root":
        data[4096:4200] = b"secret" * 20
    else:
        data[4096 * 40 : 4096 * 41] = b"\xff" * 4096
    file.write_bytes(data)
    connector = opened(sqlite_url(file))

    def everything() -> None:
        found = connector.enumerate()
        for problem in found.problems:
            raise SourceUnreadable(problem.detail)
        cells_of(connector, connector.plan(found.assets[0], TARGET))

    with pytest.raises(SourceUnreadable) as raised:
        everything()
    assert "secret" not in str(raised.value)
    if damage == "text":
        first, *rest = connector.test()
        assert (first.status, first.code) == ("failed", SourceUnreadable.code)
        assert {step.status for step in rest} == {"skipped"}


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_damage_anywhere_is_an_error_of_the_source_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("damage") / "t.db"
    sqlite_numbers(file, 3000)
    run_sqlite(file, "CREATE TABLE w (k INT PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO w SELECT id, v FROM t")
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(100, len(content) - 1))
        if data.draw(st.booleans()):  # where a page says what it is
            place = place // 4096 * 4096 + data.draw(st.integers(0, 40))
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    connector = open_connector(SourceAccess(source_id="s", url=sqlite_url(file)), {})
    try:
        for asset in connector.enumerate().assets:
            with suppress(SourceError):
                cells_of(connector, connector.plan(asset, TARGET))
    except SourceError:
        pass
    finally:
        connector.close()


def test_an_empty_file_is_a_database_without_tables(file: Path, opened: Open) -> None:
    file.write_bytes(b"")
    connector = opened(sqlite_url(file))
    assert connector.enumerate().assets == ()
    assert [step.status for step in connector.test()][-1] == "warning"


def test_wide_tables_and_long_rows_are_bounded(file: Path, opened: Open) -> None:
    names = [f"c{place}" for place in range(1500)]
    run_sqlite(
        file,
        f"CREATE TABLE wide ({', '.join(f'{name} INT' for name in names)})",
        f"INSERT INTO wide ({names[0]}, {names[-1]}) VALUES (1, 2)",
        "CREATE TABLE long (v BLOB)",
        *["INSERT INTO long VALUES (zeroblob(300000))"] * 20,
    )
    connector = opened(sqlite_url(file))
    (row,) = cells_of(connector, connector.plan(asset_of(connector, "wide"), TARGET))
    assert (len(row), row["c0"], row["c1499"]) == (1500, 1, 2)
    (partition,) = whole_plan(connector, "long")
    sizes = [batch.nbytes for batch in connector.read(partition, 1000, 1 << 20)]
    assert len(sizes) > 5
    assert max(sizes) <= 1 << 20


def test_a_file_in_the_place_of_another_is_another_database(file: Path, opened: Open) -> None:
    sqlite_numbers(file, 10)
    connector = opened(sqlite_url(file))
    partitions = whole_plan(connector, "t")
    other = file.with_name("other")
    run_sqlite(other, "CREATE TABLE u (a INT)")
    other.rename(file)
    with pytest.raises(SourceObjectGone):
        cells_of(connector, partitions)
    assert [asset.path for asset in connector.enumerate().assets] == ["u"]
