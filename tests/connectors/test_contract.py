"""What every connector and every format must do, on the real thing."""

import datetime as dt
import gzip
import io
import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import fastavro
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from deltalake import write_deltalake
from mariadb_server import MyDatabase
from object_stores import Store
from pyarrow import orc
from pyiceberg.catalog.sql import SqlCatalog
from source_targets import Bucket, Database, Open, asset_of, cells_of, run_sqlite

from cluster.connectors.interface import Connector
from cluster.connectors.warehouse.dialects import DIALECTS
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable

ROWS = 3000
TARGET = 1 << 15
Row = dict[str, Any]


@cache
def _rows(count: int = ROWS) -> list[Row]:
    rng = random.Random(5)
    words = [
        "plain",
        "with, comma",
        'quote "here"',
        "two\nlines",
        "carriage\r\nreturn",
        "ünïcødé 🧭",
        '5" disk',
        "'x'",
        ";|\t",
    ]
    return [
        {
            "id": number,
            "name": f"{rng.choice(words)} {number}",
            "amount": round(rng.random() * 1000, 2),
            "born": dt.date(1950, 1, 1) + dt.timedelta(days=rng.randrange(20_000)),
            "note": rng.choice(words) * rng.randrange(1, 9) if rng.random() < 0.7 else None,
        }
        for number in range(count)
    ]


def _canonical(row: Row) -> tuple[str, ...]:
    """A row as texts, whatever types it came in."""
    return (
        str(int(row["id"])),
        row["name"],
        f"{float(row['amount']):.2f}",
        str(row["born"])[:10],
        row["note"] or "",
    )


@dataclass
class Target:
    """A source with an asset `main` of ROWS rows, an asset `empty`, and ways to change and remove `main`."""

    url: str
    main: str
    empty: str
    kind: str
    append: Callable[[], object]
    remove: Callable[[], object]
    nowhere: str
    splits: bool = True
    gaps: Mapping[str, str] = field(default_factory=dict)
    """What it does not do, by the name of the test, and why. A gap that closes fails the build."""


def _postgres(request: pytest.FixtureRequest) -> Target:
    database: Database = request.getfixturevalue("database")
    columns = "(id int, name text, amount numeric(8,2), born date, note text)"
    database.run("CREATE SCHEMA shop", f"CREATE TABLE shop.main {columns}", f"CREATE TABLE shop.empty {columns}")
    frame = pl.DataFrame(_rows(), schema_overrides={"note": pl.String})
    import psycopg

    with (
        psycopg.connect(database.url) as connection,
        connection.cursor().copy("COPY shop.main FROM STDIN (FORMAT csv)") as copy,
    ):
        copy.write(frame.write_csv(include_header=False, line_terminator="\n").encode())
    return Target(
        database.url, "shop.main", "shop.empty", "table",
        append=lambda: database.run("INSERT INTO shop.main VALUES (1, 'x', 1, '2000-01-01', NULL)"),
        remove=lambda: database.run("DROP TABLE shop.main"),
        nowhere=database.edited(port=1),
    )  # fmt: skip


def _avro(count: int) -> bytes:
    nullable = ["null", "string"]
    types = {"id": "long", "name": "string", "amount": "double", "born": {"type": "int", "logicalType": "date"},
             "note": nullable}  # fmt: skip
    schema = {"type": "record", "name": "r", "fields": [{"name": n, "type": t} for n, t in types.items()]}
    made = io.BytesIO()
    fastavro.writer(made, schema, _rows(count), sync_interval=1 << 13)
    return made.getvalue()


def _orc(count: int) -> bytes:
    made = io.BytesIO()
    writer = orc.ORCWriter(made, stripe_size=1 << 12, batch_size=100)
    for start in range(0, max(1, count), 200):
        writer.write(_arrow(count).slice(start, 200))
    writer.close()
    return made.getvalue()


def _xlsx(count: int) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"default_date_format": "yyyy-mm-dd", "in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(_rows(1)[0]))
        for number, row in enumerate(_rows(count), 1):
            sheet.write_row(number, 0, list(row.values()))
    return made.getvalue()


_WRITERS: dict[str, Callable[[int], bytes]] = {".avro": _avro, ".orc": _orc, ".xlsx": _xlsx}
_TABLE = {".xlsx": "#Sheet1"}  # what a path ends in where a file holds several tables


@cache
def _data(suffix: str, count: int) -> bytes:
    types = {"id": pl.Int64, "name": pl.String, "amount": pl.Float64, "born": pl.Date, "note": pl.String}
    frame = pl.DataFrame(_rows(count), schema=types)
    if suffix == ".parquet":
        made = io.BytesIO()
        frame.write_parquet(made, row_group_size=500)
        return made.getvalue()
    if suffix in _WRITERS:
        return _WRITERS[suffix](count)
    lines = "".join(json.dumps(row, default=str) + "\n" for row in _rows(count))
    text = frame.write_csv() if suffix.startswith(".csv") else lines
    return gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode()


def _folder(suffix: str) -> Callable[[pytest.FixtureRequest], Target]:
    def make(request: pytest.FixtureRequest) -> Target:
        made: Path = request.getfixturevalue("tmp_path")
        folder, table = made / "source" / "deep", _TABLE.get(suffix, "")
        folder.mkdir(parents=True)
        (folder / f"main{suffix}").write_bytes(_data(suffix, ROWS))
        (folder / f"empty{suffix}").write_bytes(_data(suffix, 0))
        return Target(
            (made / "source").as_uri(), f"deep/main{suffix}{table}", f"deep/empty{suffix}{table}", "file",
            append=lambda: (folder / f"main{suffix}").write_bytes(_data(suffix, ROWS + 1)),
            remove=(folder / f"main{suffix}").unlink,
            nowhere=(made / "not there").as_uri(),
            splits=not suffix.endswith((".gz", ".xlsx")),
        )  # fmt: skip

    return make


def _store(name: str, suffix: str) -> Callable[[pytest.FixtureRequest], Target]:
    def make(request: pytest.FixtureRequest) -> Target:
        bucket: Store = request.getfixturevalue(name)
        table = _TABLE.get(suffix, "")
        bucket.put(f"lake/deep/main{suffix}", _data(suffix, ROWS))
        bucket.put(f"lake/deep/empty{suffix}", _data(suffix, 0))
        bucket.put(f"lakeside/other{suffix}", b"not under the prefix")
        return Target(
            bucket.url("lake"), f"deep/main{suffix}{table}", f"deep/empty{suffix}{table}", "file",
            append=lambda: bucket.put(f"lake/deep/main{suffix}", _data(suffix, ROWS + 1)),
            remove=lambda: bucket.delete(f"lake/deep/main{suffix}"),
            nowhere=bucket.nowhere,
            splits=not suffix.endswith((".gz", ".xlsx")),
        )  # fmt: skip

    return make


def _sqlite(request: pytest.FixtureRequest) -> Target:
    file: Path = request.getfixturevalue("tmp_path") / "shop.db"
    columns = "(id INT, name TEXT, amount NUMERIC(8,2), born DATE, note TEXT)"
    run_sqlite(file, f"CREATE TABLE main {columns}", f"CREATE TABLE empty {columns}")
    with closing(sqlite3.connect(file)) as connection, connection:
        rows = [{**row, "born": str(row["born"])} for row in _rows()]
        connection.executemany("INSERT INTO main VALUES (:id, :name, :amount, :born, :note)", rows)
    return Target(
        f"sqlite://{quote(str(file))}", "main", "empty", "table",
        append=lambda: run_sqlite(file, "INSERT INTO main VALUES (1, 'x', 1, '2000-01-01', NULL)"),
        remove=lambda: run_sqlite(file, "DROP TABLE main"),
        nowhere=f"sqlite://{quote(str(file))}.gone",
    )  # fmt: skip


def _run_duckdb(file: Path, *statements: str) -> None:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def _duckdb(request: pytest.FixtureRequest) -> Target:
    place: Path = request.getfixturevalue("tmp_path")
    file = place / "shop.duckdb"
    (place / "rows.parquet").write_bytes(_data(".parquet", ROWS))
    _run_duckdb(
        file,
        f"CREATE TABLE main AS SELECT * FROM '{place / 'rows.parquet'}'",
        "CREATE TABLE empty AS FROM main LIMIT 0",
    )
    return Target(
        f"duckdb://{quote(str(file))}", "main.main", "main.empty", "table",
        append=lambda: _run_duckdb(file, "INSERT INTO main VALUES (1, 'x', 1, '2000-01-01', NULL)"),
        remove=lambda: _run_duckdb(file, "DROP TABLE main"),
        nowhere=f"duckdb://{quote(str(file))}.gone",
    )  # fmt: skip


def _mysql(request: pytest.FixtureRequest) -> Target:
    database: MyDatabase = request.getfixturevalue("my_database")
    columns = "(id int PRIMARY KEY, name text, amount decimal(8,2), born date, note text)"
    database.run(f"CREATE TABLE main {columns}", f"CREATE TABLE empty {columns}")
    database.insert("main", [tuple(row.values()) for row in _rows()])
    return Target(
        database.url, f"{database.name}.main", f"{database.name}.empty", "table",
        append=lambda: database.run("INSERT INTO main VALUES (-1, 'x', 1, '2000-01-01', NULL)"),
        remove=lambda: database.run("DROP TABLE main"),
        nowhere=database.as_user("reader", "x", port=1),
    )  # fmt: skip


_NO_MARK = "A warehouse does not say alike and cheaply whether rows are the same: each scan reads them again."
_GAPS = dict.fromkeys(
    ("test_unchanged_content_keeps_its_plan_and_fingerprints", "test_a_write_changes_the_fingerprints"), _NO_MARK
)


def _warehouse(request: pytest.FixtureRequest) -> Target:
    """The code of the warehouses with the dialect of a server that can be had: theirs cannot."""
    if request.param.endswith("postgresql"):
        made, kind, port = _postgres(request), "redshift", 5432
        driver = replace(DIALECTS[kind], driver="postgresql+psycopg", module="psycopg", begin=())
        path = "shop"
    else:
        made, kind, port = _mysql(request), "trino", 3306
        hidden = ("information_schema", "mysql", "sys", "performance_schema")
        driver = replace(DIALECTS[kind], driver="mysql+pymysql", module="pymysql", hidden=hidden)
        path = made.main.partition(".")[0]
    request.getfixturevalue("monkeypatch").setitem(DIALECTS, kind, replace(driver, port=port))
    made = replace(made, url=made.url.partition("?")[0], nowhere=made.nowhere.partition("?")[0])
    scheme = made.url.partition(":")[0]
    return replace(
        made, url=made.url.replace(scheme, kind, 1), nowhere=made.nowhere.replace(scheme, kind, 1), gaps=_GAPS,
        main=f"{path}.main", empty=f"{path}.empty", splits="mariadb" in request.param,
    )  # fmt: skip


def _arrow(count: int) -> pa.Table:
    return pq.read_table(io.BytesIO(_data(".parquet", count)))


def _delta(request: pytest.FixtureRequest) -> Target:
    made: Path = request.getfixturevalue("tmp_path")
    folder = made / "source" / "deep"
    for part in range(0, ROWS, 1000):
        write_deltalake(folder / "main", _arrow(ROWS).slice(part, 1000), mode="append")
    write_deltalake(folder / "empty", _arrow(0))
    return Target(
        (made / "source").as_uri(), "deep/main", "deep/empty", "table",
        append=lambda: write_deltalake(folder / "main", _arrow(1), mode="append"),
        remove=lambda: shutil.rmtree(folder / "main"),
        nowhere=(made / "not there").as_uri(),
    )  # fmt: skip


def _s3_delta(request: pytest.FixtureRequest) -> Target:
    bucket: Bucket = request.getfixturevalue("bucket")
    options = bucket.delta_options()

    def write(name: str, table: pa.Table) -> None:
        write_deltalake(f"s3://{bucket.name}/lake/deep/{name}", table, mode="append", storage_options=options)

    for part in range(0, ROWS, 1000):
        write("main", _arrow(ROWS).slice(part, 1000))
    write("empty", _arrow(0))
    return Target(
        bucket.url("lake"), "deep/main", "deep/empty", "table",
        append=lambda: write("main", _arrow(1)),
        remove=lambda: bucket.clear("lake/deep/main/"),
        nowhere=f"s3://key:secret@{bucket.name}/?endpoint=http://127.0.0.1:1",
    )  # fmt: skip


def _iceberg(request: pytest.FixtureRequest) -> Target:
    made: Path = request.getfixturevalue("tmp_path")
    (made / "source").mkdir()
    catalog = SqlCatalog("c", uri=f"sqlite:///{made}/catalog.db", warehouse=(made / "source").as_uri())
    catalog.create_namespace("deep")
    main, empty = (catalog.create_table(f"deep.{name}", schema=_arrow(0).schema) for name in ("main", "empty"))
    for part in range(0, ROWS, 1000):
        main.append(_arrow(ROWS).slice(part, 1000))
    empty.append(_arrow(0))
    return Target(
        (made / "source").as_uri(), "deep/main", "deep/empty", "table",
        append=lambda: main.append(_arrow(1)),
        remove=lambda: shutil.rmtree(made / "source" / "deep" / "main"),
        nowhere=(made / "not there").as_uri(),
    )  # fmt: skip


SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl", ".avro", ".orc", ".xlsx")
TARGETS: dict[str, Callable[[pytest.FixtureRequest], Target]] = {
    "postgresql": _postgres,
    "mysql": _mysql,
    "duckdb": _duckdb,
    "warehouse.postgresql": _warehouse,
    "warehouse.mariadb": _warehouse,
    "sqlite": _sqlite,
    "folder.delta": _delta,
    "s3.delta": _s3_delta,
    "folder.iceberg": _iceberg,
    **{f"folder{suffix}": _folder(suffix) for suffix in (*SUFFIXES, ".jsonl.gz")},
    **{f"s3{suffix}": _store("bucket", suffix) for suffix in SUFFIXES},
    **{f"azure{suffix}": _store("container", suffix) for suffix in (".parquet", ".csv")},
    **{f"gcs{suffix}": _store("gcs_bucket", suffix) for suffix in (".parquet", ".csv")},
}


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Target:
    found = TARGETS[request.param](request)
    if (reason := found.gaps.get(request.node.originalname)) is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return found


@pytest.fixture
def connector(target: Target, opened: Open) -> Connector:
    return opened(target.url)


def test_enumeration_lists_all_with_columns_and_is_complete(connector: Connector, target: Target) -> None:
    found = connector.enumerate()
    assert found.complete
    assert not found.problems
    assert {asset.path: asset.kind for asset in found.assets} == dict.fromkeys((target.main, target.empty), target.kind)
    main = asset_of(connector, target.main)
    assert [column.name for column in main.columns] == ["id", "name", "amount", "born", "note"]
    assert [column.type for column in main.columns] == ["integer", "string", "number", "date", "string"]
    assert [column.ordinal for column in main.columns] == [0, 1, 2, 3, 4]


def test_each_row_is_read_exactly_once(connector: Connector, target: Target) -> None:
    partitions = connector.plan(asset_of(connector, target.main), TARGET)
    assert (len(partitions) > 2) is target.splits
    assert [partition.number for partition in partitions] == list(range(len(partitions)))
    rows = cells_of(connector, partitions)
    assert Counter(map(_canonical, rows)) == Counter(map(_canonical, _rows()))


def test_partitions_can_be_read_alone_in_any_order_and_by_another_connector(
    connector: Connector, target: Target, opened: Open
) -> None:
    partitions = connector.plan(asset_of(connector, target.main), TARGET)
    other = opened(target.url)
    rows = cells_of(other, [type(p).model_validate_json(p.model_dump_json()) for p in reversed(partitions)])
    assert Counter(map(_canonical, rows)) == Counter(map(_canonical, _rows()))


def test_batches_are_bounded_in_rows_and_bytes(connector: Connector, target: Target) -> None:
    for partition in connector.plan(asset_of(connector, target.main), TARGET):
        for batch in connector.read(partition, 100, 1 << 20):
            assert 0 < batch.num_rows <= 100
            assert batch.schema.names == list(partition.columns)
        for batch in connector.read(partition, 100_000, 1 << 16):
            assert batch.nbytes <= 1 << 16


def test_an_asset_without_rows_has_no_partitions(connector: Connector, target: Target) -> None:
    assert not cells_of(connector, connector.plan(asset_of(connector, target.empty), TARGET))


def test_unchanged_content_keeps_its_plan_and_fingerprints(connector: Connector, target: Target, opened: Open) -> None:
    before = asset_of(connector, target.main)
    again = asset_of(opened(target.url), target.main)
    assert before == again
    assert before.fingerprint
    first, second = connector.plan(before, TARGET), opened(target.url).plan(again, TARGET)
    assert first == second
    assert len({partition.fingerprint for partition in first}) == len(first)


def test_a_write_changes_the_fingerprints(connector: Connector, target: Target) -> None:
    before = asset_of(connector, target.main)
    planned = connector.plan(before, TARGET)
    target.append()
    after = asset_of(connector, target.main)
    assert after.fingerprint != before.fingerprint
    again = connector.plan(after, TARGET)
    assert {p.fingerprint for p in planned} != {p.fingerprint for p in again}
    assert len(cells_of(connector, again)) == ROWS + 1


def test_what_is_removed_after_it_was_planned_is_gone(connector: Connector, target: Target) -> None:
    asset = asset_of(connector, target.main)
    partition = connector.plan(asset, TARGET)[0]
    target.remove()
    with pytest.raises(SourceObjectGone):
        list(connector.read(partition, 1000, 1 << 20))
    with pytest.raises(SourceObjectGone):
        connector.plan(asset, TARGET)
    assert target.main not in {found.path for found in connector.enumerate().assets}


def test_the_connection_test_passes_its_steps(connector: Connector) -> None:
    steps = list(connector.test())
    assert steps[0].name == "CheckAccess"
    assert steps[0].category == "gate"
    assert steps[-1].name == "SampleRead"
    assert not [step for step in steps if step.status in ("failed", "skipped")]


def test_a_place_that_is_not_there_fails_the_gate_and_says_what_to_do(target: Target, opened: Open) -> None:
    connector = opened(target.nowhere)
    first, *rest = connector.test()
    assert (first.name, first.status, first.code) == ("CheckAccess", "failed", SourceUnreachable.code)
    assert first.remedy
    assert {step.status for step in rest} == {"skipped"}
    with pytest.raises(SourceError):
        connector.enumerate()


def test_facts_hold_what_is_declared_and_nothing_that_is_not_known(target: Target, opened: Open) -> None:
    plain = opened(target.url).facts()
    assert plain.encrypted_at_rest is None
    assert plain.environment is None
    joint = "&" if "?" in target.url else "?"
    told = opened(f"{target.url}{joint}encrypted_at_rest=true&environment=production&region=eu-west-1").facts()
    assert (told.encrypted_at_rest, told.environment, told.region) == (True, "production", "eu-west-1")
    assert "encrypted_at_rest" in told.extra["declared"]
