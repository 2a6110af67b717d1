"""SQLite files as they are found: keys, types and names of every kind, and writers at work."""

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_targets import Open, asset_of, cells_of, run_sqlite, sqlite_numbers, sqlite_url, whole_plan

from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.errors import SourceObjectGone

TARGET = 1 << 16


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a shop.db"


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
        connector = opened(sqlite_url(file))
        before = connector.plan(asset_of(connector, "t"), TARGET)
        rows = cells_of(connector, before)
        assert Counter(int(row["id"]) for row in rows) == Counter(keys)
        assert {len(row["v"]) for row in rows if int(row["id"]) == 1503} == {20_000}
        assert (len(before) > 5) is (shape not in ("descending", "text key", "shadowed"))
        with writer:
            writer.execute(
                "UPDATE t SET v = ? WHERE id = 1503", ["long" * 4999 + "last"]
            )  # the end of the last overflow page
        after = opened(sqlite_url(file)).plan(asset_of(connector, "t"), TARGET)
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
            connector = open_connector(SourceAccess(source_id="s", url=sqlite_url(file)), {})
            for partition in connector.plan(asset_of(connector, "t"), TARGET):
                content = hashlib.sha256(repr(cells_of(connector, [partition])).encode()).hexdigest()
                assert seen.setdefault(partition.fingerprint, content) == content
            connector.close()


def test_each_of_many_changes_in_place_is_seen(file: Path, opened: Open) -> None:
    """Bytes that change where they are, without a page or a size becoming another."""
    sqlite_numbers(file, 3000)
    seen = set()
    for row in range(0, 3000, 150):
        run_sqlite(file, f"UPDATE t SET v = 'V' || substr(v, 2) WHERE id = {row}")
        connector = opened(sqlite_url(file))
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
    connector = opened(sqlite_url(file))
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
    sqlite_numbers(file, 5000)
    run_sqlite(file, "UPDATE t SET v = CAST(X'fc62' AS TEXT) WHERE id IN (1700, 4999)")
    connector = opened(sqlite_url(file))
    rows = cells_of(connector, whole_plan(connector, "t"), batch_rows=300)
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
    connector = opened(sqlite_url(file))
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


def test_what_was_written_after_planning_is_gone_and_the_rest_is_read(file: Path, opened: Open) -> None:
    sqlite_numbers(file)
    connector = opened(sqlite_url(file))
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
            connector = opened(sqlite_url(file))
            asset = asset_of(connector, "t")
            (partition,) = connector.plan(asset, TARGET)
            assert asset.rows_estimate == len(cells_of(connector, [partition])) == number + 1
            seen |= {asset.fingerprint, partition.fingerprint}
            assert asset_of(opened(sqlite_url(file)), "t").fingerprint == asset.fingerprint
        assert len(seen) == 10


def test_nothing_is_written_and_no_other_file_is_made(file: Path, opened: Open) -> None:
    sqlite_numbers(file, 500)
    before = (file.read_bytes(), file.stat().st_mtime_ns, sorted(file.parent.iterdir()))
    connector = opened(sqlite_url(file))
    assert len(cells_of(connector, connector.plan(asset_of(connector, "t"), TARGET))) == 500
    assert [step.status for step in connector.test()] == ["passed"] * 5
    assert connector.facts().extra["journal_mode"] == "delete"
    connector.close()
    assert (file.read_bytes(), file.stat().st_mtime_ns, sorted(file.parent.iterdir())) == before
