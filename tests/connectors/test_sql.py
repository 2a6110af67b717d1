"""SQLite files as they are found: keys, types and names of every kind, writers at work, damage."""

import hashlib
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from source_targets import Open, asset_of, cells_of, run_sqlite

from cluster.connectors import open_connector
from cluster.connectors.interface import Connector, SourceAccess
from cluster.connectors.key_range import KeyRange, ranges
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable

TARGET = 1 << 16
KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 300)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a shop.db"


def _url(file: Path) -> str:
    return f"sqlite://{quote(str(file))}"


def _cut(keys: list[int], most: int) -> list[KeyRange]:
    def count(low: int, high: int, width: int) -> Mapping[int, int]:
        assert -(2**63) <= low <= high < 2**63
        return Counter((key - low) // width for key in keys if low <= key <= high)

    return ranges(min(keys, default=None), max(keys, default=None), most, count)


def _within(key: int, span: KeyRange) -> bool:
    return (span.first is None or key >= span.first) and (span.end is None or key < span.end)


@settings(deadline=None, max_examples=150)
@given(keys=st.sets(KEYS, max_size=200), most=st.integers(1, 40), later=KEYS)
def test_ranges_hold_each_key_once_now_and_later(keys: set[int], most: int, later: int) -> None:
    spans = _cut(sorted(keys), most)
    for key in {*keys, later}:
        assert sum(_within(key, span) for span in spans) == 1
    for span in spans:
        inside = sum(_within(key, span) for key in keys)
        assert inside == (span.rows or 0) <= most
    assert (spans[0].first, spans[-1].end) == (None, None)


@settings(deadline=None, max_examples=100)
@given(keys=st.sets(KEYS, min_size=2, max_size=200), most=st.integers(2, 40))
def test_a_key_that_goes_changes_the_ranges_around_it_only(keys: set[int], most: int) -> None:
    ordered = sorted(keys)
    gone = ordered.pop(len(ordered) // 2)
    before, after = _cut(sorted(keys), most), _cut(ordered, most)
    kept = {(span.first, span.node) for span in before} & {(span.first, span.node) for span in after}
    near = {(span.first, span.node) for span in before if _within(gone, span)}
    # The range of the key may join its neighbours, and the first and last ones may become others.
    joined = [s for s in before if (s.first, s.node) not in kept | near and (s.first or 0) // most != gone // most]
    assert sum(span.rows or 0 for span in joined) <= 2 * most


def test_the_conditions_of_ranges_take_null_and_other_values_too() -> None:
    engine = sa.create_engine("sqlite://")
    key: sa.ColumnElement[int] = sa.column("k", sa.BigInteger)
    values = [None, -5, 0, 3, 4, 9, "text", b"blob", 2.5]
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (k)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", [(value,) for value in values])
        for spans in ([KeyRange()], _cut([-5, 0, 3, 4, 9], 2)):
            found = [
                row[0] for span in spans for row in connection.execute(
                    sa.select(sa.column("k")).select_from(sa.table("t")).where(*span.where(key))
                )
            ]  # fmt: skip
            assert Counter(map(repr, found)) == Counter(map(repr, values))


SHAPES = {
    "rowid": "CREATE TABLE t (id INTEGER, v TEXT)",
    "alias": "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
    "without rowid": "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) WITHOUT ROWID",
    "descending": "CREATE TABLE t (id INT, v TEXT, PRIMARY KEY (id DESC)) WITHOUT ROWID",
    "text key": "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID",
    "shadowed": "CREATE TABLE t (id INT, v TEXT, rowid TEXT, oid TEXT, _rowid_ TEXT)",
    "half shadowed": "CREATE TABLE t (id INT, v TEXT, Rowid TEXT)",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_every_row_once_and_a_write_makes_new_what_it_touched(
    file: Path, opened: Open, shape: str, journal: str
) -> None:
    keys = [*range(-3000, 3000, 3), 2**62, 2**63 - 1, -(2**63)]
    with closing(sqlite3.connect(file)) as writer:
        writer.execute(f"PRAGMA journal_mode={journal}")
        writer.execute(SHAPES[shape])
        with writer:
            writer.executemany("INSERT INTO t (id, v) VALUES (?, ?)", [(key, "v" * (key % 900)) for key in keys])
            writer.execute("UPDATE t SET v = ? WHERE id = 1503", ["long" * 5000])
        logged = (file.parent / f"{file.name}-wal").exists()
        assert logged is (journal == "wal")
        connector = opened(_url(file))
        before = connector.plan(asset_of(connector, "t"), TARGET)
        rows = cells_of(connector, before)
        assert Counter(int(row["id"]) for row in rows) == Counter(keys)
        assert {len(row["v"]) for row in rows if int(row["id"]) == 1503} == {20_000}
        assert (len(before) > 5) is (shape not in ("descending", "text key", "shadowed"))
        with writer:
            writer.execute(
                "UPDATE t SET v = ? WHERE id = 1503", ["long" * 4999 + "last"]
            )  # the end of the last overflow page
        after = opened(_url(file)).plan(asset_of(connector, "t"), TARGET)
        new = {partition.fingerprint for partition in after} - {partition.fingerprint for partition in before}
        assert len(new) == (len(before) if logged else 1)


@settings(deadline=None, max_examples=12)
@given(
    script=st.lists(
        st.tuples(st.sampled_from(["insert", "update", "delete", "grow"]), st.integers(-500, 2000)), max_size=8
    ),
    without=st.booleans(),
)
def test_equal_fingerprints_are_equal_rows(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]], without: bool
) -> None:
    file = tmp_path_factory.mktemp("edits") / "t.db"
    shape = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)" + (" WITHOUT ROWID" if without else "")
    statements = {
        "insert": "INSERT OR REPLACE INTO t VALUES (?, 'new')",
        "update": "UPDATE t SET v = v || 'x' WHERE id = ?",
        "delete": "DELETE FROM t WHERE id = ?",
        "grow": "UPDATE t SET v = zeroblob(9000) WHERE id BETWEEN ?1 AND ?1 + 3",
    }
    seen: dict[str, str] = {}
    with closing(sqlite3.connect(file)) as writer:
        with writer:
            writer.execute(shape)
            writer.executemany("INSERT INTO t VALUES (?, ?)", [(key, "some text " * (key % 9)) for key in range(1500)])
        for edit in [None, *script]:
            if edit:
                with writer:
                    writer.execute(statements[edit[0]], [edit[1]])
            connector = open_connector(SourceAccess(source_id="s", url=_url(file)), {})
            for partition in connector.plan(asset_of(connector, "t"), TARGET):
                content = hashlib.sha256(repr(cells_of(connector, [partition])).encode()).hexdigest()
                assert seen.setdefault(partition.fingerprint, content) == content
            connector.close()


def test_each_of_many_changes_in_place_is_seen(file: Path, opened: Open) -> None:
    """Bytes that change where they are, without a page or a size becoming another."""
    _numbers(file, 3000)
    seen = set()
    for row in range(0, 3000, 150):
        run_sqlite(file, f"UPDATE t SET v = 'V' || substr(v, 2) WHERE id = {row}")
        connector = opened(_url(file))
        seen.add(connector.plan(asset_of(connector, "t"), 1 << 30)[0].fingerprint)
        connector.close()
    assert len(seen) == 20


def test_values_of_other_types_than_declared_arrive_as_text(file: Path, opened: Open) -> None:
    run_sqlite(
        file,
        "CREATE TABLE t (n INTEGER, m INTEGER, w NUMERIC, big NUMERIC, x, b BLOB, s TEXT, d DATE, only BLOB)",
        "INSERT INTO t VALUES (1, 1, 1, 9007199254740993, 1, X'00ff', X'c3a9', 20000, X'01')",
        "INSERT INTO t VALUES (2, 'two', 2.5, 0.5, 'x', 'text', CAST(X'ff41' AS TEXT), '2020-01-01', NULL)",
        "INSERT INTO t VALUES (NULL, 3, NULL, NULL, X'41', NULL, 'ok', NULL, NULL)",
    )
    connector = opened(_url(file))
    rows = cells_of(connector, connector.plan(asset_of(connector, "t"), TARGET), batch_rows=1)
    assert [row["n"] for row in rows] == [1, 2, None]
    assert [row["m"] for row in rows] == ["1", "two", "3"]
    assert [row["w"] for row in rows] == [1.0, 2.5, None]
    assert [row["big"] for row in rows] == ["9007199254740993", "0.5", None]
    assert [row["x"] for row in rows] == ["1", "x", "A"]
    assert [row["b"] for row in rows] == ["\x00ÿ", "text", None]
    assert [row["s"] for row in rows] == ["é", "ÿA", "ok"]
    assert [row["d"] for row in rows] == ["20000", "2020-01-01", None]
    assert [row["only"] for row in rows] == [b"\x01", None, None]


def test_text_that_is_not_utf8_is_mended_and_no_row_is_lost(file: Path, opened: Open) -> None:
    _numbers(file, 5000)
    run_sqlite(file, "UPDATE t SET v = CAST(X'fc62' AS TEXT) WHERE id IN (1700, 4999)")
    connector = opened(_url(file))
    rows = cells_of(connector, _whole(connector, "t"), batch_rows=300)
    assert [row["id"] for row in rows] == list(range(5000))
    assert [row["id"] for row in rows if row["v"] == "üb"] == [1700, 4999]
    assert rows[1701]["v"] == "value 1701"


def test_tables_views_and_keys_are_described(file: Path, opened: Open) -> None:
    run_sqlite(
        file,
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)",
        'CREATE TABLE "the ""orders""; DROP TABLE customer" '
        '("select" INT, "a b" INT REFERENCES customer, "%s:x ?" INT)',
        'INSERT INTO "the ""orders""; DROP TABLE customer" VALUES (1, 2, 3)',
        "CREATE VIEW named AS SELECT name FROM customer",
        "CREATE VIEW broken AS SELECT * FROM missing",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "INSERT INTO words VALUES ('hello')",
    )
    connector = opened(_url(file))
    found = connector.enumerate()
    assets = {asset.path: asset for asset in found.assets}
    odd = '"the ""orders""; DROP TABLE customer"'
    assert set(assets) == {"customer", odd, "named", "broken", "words"}
    assert [(c.name, c.nullable, c.primary_key) for c in assets["customer"].columns] == [
        ("id", False, True), ("name", False, False),
    ]  # fmt: skip
    (key,) = assets[odd].foreign_keys
    assert (key.columns, key.to_asset, key.to_columns) == (("a b",), "customer", ("id",))
    assert (assets["named"].kind, assets["named"].definition) == (
        "view",
        "CREATE VIEW named AS SELECT name FROM customer",
    )
    assert [(problem.path, problem.code) for problem in found.problems] == [("broken", SourceObjectGone.code)]
    assert assets["broken"].problem
    assert found.complete
    assert cells_of(connector, connector.plan(assets[odd], TARGET)) == [{"select": 1, "a b": 2, "%s:x ?": 3}]
    assert cells_of(connector, connector.plan(assets["words"], TARGET)) == [{"body": "hello"}]
    assert connector.plan(assets["named"], TARGET) == []


def _numbers(file: Path, rows: int = 20_000) -> None:
    run_sqlite(
        file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1}) "
        "INSERT INTO t SELECT i, 'value ' || i FROM n",
    )


def test_what_was_written_after_planning_is_gone_and_the_rest_is_read(file: Path, opened: Open) -> None:
    _numbers(file)
    connector = opened(_url(file))
    partitions = connector.plan(asset_of(connector, "t"), TARGET)
    run_sqlite(file, "UPDATE t SET v = 'other' WHERE id = 10000")
    failed = []
    for partition in partitions:
        try:
            cells_of(connector, [partition])
        except SourceObjectGone:
            failed.append(partition.spec["first"])
    assert failed == [max(p.spec["first"] or 0 for p in partitions if (p.spec["first"] or 0) <= 10_000)]
    run_sqlite(file, "ALTER TABLE t RENAME COLUMN v TO w")
    with pytest.raises(SourceObjectGone):
        cells_of(connector, partitions[:1])


def test_rows_in_a_write_ahead_log_are_read_and_told_apart(file: Path, opened: Open) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=wal")
        writer.execute("CREATE TABLE t (a INT)")
        seen = set()
        for number in range(5):
            writer.execute("INSERT INTO t VALUES (?)", [number])
            connector = opened(_url(file))
            asset = asset_of(connector, "t")
            (partition,) = connector.plan(asset, TARGET)
            assert asset.rows_estimate == len(cells_of(connector, [partition])) == number + 1
            seen |= {asset.fingerprint, partition.fingerprint}
            assert asset_of(opened(_url(file)), "t").fingerprint == asset.fingerprint
        assert len(seen) == 10


def test_nothing_is_written_and_no_other_file_is_made(file: Path, opened: Open) -> None:
    _numbers(file, 500)
    before = (file.read_bytes(), file.stat().st_mtime_ns, sorted(file.parent.iterdir()))
    connector = opened(_url(file))
    assert len(cells_of(connector, connector.plan(asset_of(connector, "t"), TARGET))) == 500
    assert [step.status for step in connector.test()] == ["passed"] * 5
    assert connector.facts().extra["journal_mode"] == "delete"
    connector.close()
    assert (file.read_bytes(), file.stat().st_mtime_ns, sorted(file.parent.iterdir())) == before


def test_a_reader_keeps_its_lock_while_another_connector_comes_and_goes(file: Path, opened: Open) -> None:
    """Closing a handle of a file gives up every lock that the process has on it."""
    _numbers(file, 5000)
    reader = opened(_url(file))
    batches = reader.read(reader.plan(asset_of(reader, "t"), 1 << 30)[0], 100, 1 << 20)
    next(batches)
    other = opened(_url(file))
    other.enumerate()
    other.close()
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).executescript('UPDATE t SET v = 0')"
    tried = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert "locked" in tried.stderr
    assert sum(batch.num_rows for batch in batches) == 4900


def test_a_database_that_a_writer_has_locked_can_be_tried_again(file: Path, opened: Open) -> None:
    _numbers(file, 10)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        connector = opened(f"{_url(file)}?connect_timeout=1")
        with pytest.raises(SourceUnreachable):
            connector.enumerate()
    assert len(connector.enumerate().assets) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "root", "inner"])
def test_a_damaged_file_is_unreadable_and_never_quoted(file: Path, opened: Open, damage: str) -> None:
    _numbers(file)
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
    connector = opened(_url(file))

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
    _numbers(file, 3000)
    run_sqlite(file, "CREATE TABLE w (k INT PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO w SELECT id, v FROM t")
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(100, len(content) - 1))
        if data.draw(st.booleans()):  # where a page says what it is
            place = place // 4096 * 4096 + data.draw(st.integers(0, 40))
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    connector = open_connector(SourceAccess(source_id="s", url=_url(file)), {})
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
    connector = opened(_url(file))
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
    connector = opened(_url(file))
    (row,) = cells_of(connector, connector.plan(asset_of(connector, "wide"), TARGET))
    assert (len(row), row["c0"], row["c1499"]) == (1500, 1, 2)
    (partition,) = _whole(connector, "long")
    sizes = [batch.nbytes for batch in connector.read(partition, 1000, 1 << 20)]
    assert len(sizes) > 5
    assert max(sizes) <= 1 << 20


def _whole(connector: Connector, path: str) -> list[Any]:
    return connector.plan(asset_of(connector, path), 1 << 30)


def test_a_file_in_the_place_of_another_is_another_database(file: Path, opened: Open) -> None:
    _numbers(file, 10)
    connector = opened(_url(file))
    partitions = _whole(connector, "t")
    other = file.with_name("other")
    run_sqlite(other, "CREATE TABLE u (a INT)")
    other.rename(file)
    with pytest.raises(SourceObjectGone):
        cells_of(connector, partitions)
    assert [asset.path for asset in connector.enumerate().assets] == ["u"]
