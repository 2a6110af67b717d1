"""What the contract suite is run against: each connector and format, on the real thing, with rows of its own."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl
import pyarrow as pa
from contract_rows import ROWS, file_of_rows, rows_of_main, table_of_rows
from deltalake import write_deltalake
from mariadb_server import MyDatabase
from object_stores import Store
from places import Places
from pyiceberg.catalog.sql import SqlCatalog
from source_targets import Bucket, Database, run_sqlite

from cluster.connectors.warehouse.dialects import DIALECTS

TARGET = 1 << 15


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


def _postgres(places: Places) -> Target:
    database: Database = places.database()
    columns = "(id int, name text, amount numeric(8,2), born date, note text)"
    database.run("CREATE SCHEMA shop", f"CREATE TABLE shop.main {columns}", f"CREATE TABLE shop.empty {columns}")
    frame = pl.DataFrame(rows_of_main(), schema_overrides={"note": pl.String})
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


_TABLE = {".xlsx": "#Sheet1"}  # what a path ends in where a file holds several tables


def _folder(suffix: str) -> Callable[[Places], Target]:
    def make(places: Places) -> Target:
        made: Path = places.folder()
        folder, table = made / "source" / "deep", _TABLE.get(suffix, "")
        folder.mkdir(parents=True)
        (folder / f"main{suffix}").write_bytes(file_of_rows(suffix, ROWS))
        (folder / f"empty{suffix}").write_bytes(file_of_rows(suffix, 0))
        return Target(
            (made / "source").as_uri(), f"deep/main{suffix}{table}", f"deep/empty{suffix}{table}", "file",
            append=lambda: (folder / f"main{suffix}").write_bytes(file_of_rows(suffix, ROWS + 1)),
            remove=(folder / f"main{suffix}").unlink,
            nowhere=(made / "not there").as_uri(),
            splits=not suffix.endswith((".gz", ".xlsx")),
        )  # fmt: skip

    return make


def _store(name: str, suffix: str) -> Callable[[Places], Target]:
    def make(places: Places) -> Target:
        bucket: Store = getattr(places, name)()
        table = _TABLE.get(suffix, "")
        bucket.put(f"lake/deep/main{suffix}", file_of_rows(suffix, ROWS))
        bucket.put(f"lake/deep/empty{suffix}", file_of_rows(suffix, 0))
        bucket.put(f"lakeside/other{suffix}", b"not under the prefix")
        return Target(
            bucket.url("lake"), f"deep/main{suffix}{table}", f"deep/empty{suffix}{table}", "file",
            append=lambda: bucket.put(f"lake/deep/main{suffix}", file_of_rows(suffix, ROWS + 1)),
            remove=lambda: bucket.delete(f"lake/deep/main{suffix}"),
            nowhere=bucket.nowhere,
            splits=not suffix.endswith((".gz", ".xlsx")),
        )  # fmt: skip

    return make


def _sqlite(places: Places) -> Target:
    file: Path = places.folder() / "shop.db"
    columns = "(id INT, name TEXT, amount NUMERIC(8,2), born DATE, note TEXT)"
    run_sqlite(file, f"CREATE TABLE main {columns}", f"CREATE TABLE empty {columns}")
    with closing(sqlite3.connect(file)) as connection, connection:
        rows = [{**row, "born": str(row["born"])} for row in rows_of_main()]
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


def _duckdb(places: Places) -> Target:
    place: Path = places.folder()
    file = place / "shop.duckdb"
    (place / "rows.parquet").write_bytes(file_of_rows(".parquet", ROWS))
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


def _mysql(places: Places) -> Target:
    database: MyDatabase = places.my_database()
    columns = "(id int PRIMARY KEY, name text, amount decimal(8,2), born date, note text)"
    database.run(f"CREATE TABLE main {columns}", f"CREATE TABLE empty {columns}")
    database.insert("main", [tuple(row.values()) for row in rows_of_main()])
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


def _warehouse(places: Places, *, mariadb: bool) -> Target:
    """The code of the warehouses with the dialect of a server that can be had: theirs cannot."""
    if not mariadb:
        made, kind, port = _postgres(places), "redshift", 5432
        driver = replace(DIALECTS[kind], driver="postgresql+psycopg", module="psycopg", begin=())
        path = "shop"
    else:
        made, kind, port = _mysql(places), "trino", 3306
        hidden = ("information_schema", "mysql", "sys", "performance_schema")
        driver = replace(DIALECTS[kind], driver="mysql+pymysql", module="pymysql", hidden=hidden)
        path = made.main.partition(".")[0]
    places.patch.setitem(DIALECTS, kind, replace(driver, port=port))
    made = replace(made, url=made.url.partition("?")[0], nowhere=made.nowhere.partition("?")[0])
    scheme = made.url.partition(":")[0]
    return replace(
        made, url=made.url.replace(scheme, kind, 1), nowhere=made.nowhere.replace(scheme, kind, 1), gaps=_GAPS,
        main=f"{path}.main", empty=f"{path}.empty", splits=mariadb,
    )  # fmt: skip


def _delta(places: Places) -> Target:
    made: Path = places.folder()
    folder = made / "source" / "deep"
    for part in range(0, ROWS, 1000):
        write_deltalake(folder / "main", table_of_rows(ROWS).slice(part, 1000), mode="append")
    write_deltalake(folder / "empty", table_of_rows(0))
    return Target(
        (made / "source").as_uri(), "deep/main", "deep/empty", "table",
        append=lambda: write_deltalake(folder / "main", table_of_rows(1), mode="append"),
        remove=lambda: shutil.rmtree(folder / "main"),
        nowhere=(made / "not there").as_uri(),
    )  # fmt: skip


def _s3_delta(places: Places) -> Target:
    bucket: Bucket = places.bucket()
    options = bucket.delta_options()

    def write(name: str, table: pa.Table) -> None:
        write_deltalake(f"s3://{bucket.name}/lake/deep/{name}", table, mode="append", storage_options=options)

    for part in range(0, ROWS, 1000):
        write("main", table_of_rows(ROWS).slice(part, 1000))
    write("empty", table_of_rows(0))
    return Target(
        bucket.url("lake"), "deep/main", "deep/empty", "table",
        append=lambda: write("main", table_of_rows(1)),
        remove=lambda: bucket.clear("lake/deep/main/"),
        nowhere=f"s3://key:secret@{bucket.name}/?endpoint=http://127.0.0.1:1",
    )  # fmt: skip


def _iceberg(places: Places) -> Target:
    made: Path = places.folder()
    (made / "source").mkdir()
    catalog = SqlCatalog("c", uri=f"sqlite:///{made}/catalog.db", warehouse=(made / "source").as_uri())
    catalog.create_namespace("deep")
    main, empty = (catalog.create_table(f"deep.{name}", schema=table_of_rows(0).schema) for name in ("main", "empty"))
    for part in range(0, ROWS, 1000):
        main.append(table_of_rows(ROWS).slice(part, 1000))
    empty.append(table_of_rows(0))
    return Target(
        (made / "source").as_uri(), "deep/main", "deep/empty", "table",
        append=lambda: main.append(table_of_rows(1)),
        remove=lambda: shutil.rmtree(made / "source" / "deep" / "main"),
        nowhere=(made / "not there").as_uri(),
    )  # fmt: skip


SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl", ".avro", ".orc", ".xlsx")
TARGETS: dict[str, Callable[[Places], Target]] = {
    "postgresql": _postgres,
    "mysql": _mysql,
    "duckdb": _duckdb,
    "warehouse.postgresql": partial(_warehouse, mariadb=False),
    "warehouse.mariadb": partial(_warehouse, mariadb=True),
    "sqlite": _sqlite,
    "folder.delta": _delta,
    "s3.delta": _s3_delta,
    "folder.iceberg": _iceberg,
    **{f"folder{suffix}": _folder(suffix) for suffix in (*SUFFIXES, ".jsonl.gz")},
    **{f"s3{suffix}": _store("bucket", suffix) for suffix in SUFFIXES},
    **{f"azure{suffix}": _store("container", suffix) for suffix in (".parquet", ".csv")},
    **{f"gcs{suffix}": _store("gcs_bucket", suffix) for suffix in (".parquet", ".csv")},
}
