"""Reads a DuckDB database file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

import duckdb

from cluster.connectors.duckdb.database import DuckDbFile
from cluster.connectors.duckdb.tables import Table, quoted, table_at, tables_of
from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import (
    AssetInfo,
    ColumnInfo,
    Enumeration,
    ForeignKey,
    Partition,
    Problem,
    SourceAccess,
    SourceFacts,
    TestStep,
)
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.relation_paths import path_of
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceError, SourceObjectGone, SourceUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_ROWS = 256
_SAMPLED_ROWS = 1000
_KEYS = """
SELECT schema_name AS schema, table_name AS name, constraint_type AS type, constraint_column_names AS columns,
       referenced_table AS target, referenced_column_names AS targets
FROM duckdb_constraints() WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')
"""


class DuckDbConnector:
    """One file. Tables are cut by ranges of row numbers, whose rows DuckDB hashes to tell if they changed."""

    kind: ClassVar[str] = "duckdb"
    schemes: ClassVar[tuple[str, ...]] = ("duckdb",)

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._pacer, self._options = pacer or Pacer(), access.options
        self._file = DuckDbFile(Path(unquote(urlsplit(access.url).path)))

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, GetTables, GetViews, SampleRead."""
        local = "The file is on this machine or mounted by it; no connection of Sextant's own is made."
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", lambda: local),
                Check("GetTables", "capability", lambda: f"{len(self._tables(view=False))} tables."),
                Check("GetViews", "capability", lambda: f"{len(self._tables(view=True))} views."),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        with self._file.opened(self._file.name):
            found = SourceFacts(
                kind=self.kind,
                public_access=self._file.world_readable(),
                extra={"loopback": True, "storage": "local", "library": duckdb.__version__},
            )
        return with_declarations(found, self._options)

    def enumerate(self) -> Enumeration:
        problems: list[Problem] = []
        with self._file.opened(self._file.name) as connection:
            tables = tables_of(self._file, connection)
            keys = self._file.rows(connection, _KEYS)
        assets = [asset for table in tables if (asset := self._asset(table, keys, problems)) is not None]
        return Enumeration(assets=tuple(assets), complete=True, problems=tuple(problems))

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        self._pacer.query()
        with self._file.opened(asset.path) as connection:
            table = table_at(self._file, connection, asset.path)
            if table.view or not table.columns:
                return []
            (ends,) = self._file.rows(connection, f"SELECT max(rowid) AS last FROM {table.source}")  # noqa: S608
            if ends["last"] is None:
                return []
            step = _step(self._row_bytes(connection, table), target_bytes)
            spans = [(start, start + step) for start in range(0, ends["last"] + 1, step)]
            found: list[Partition] = []
            for first, end in spans:
                rows, mark = self._mark(connection, table, (first, None if end > ends["last"] else end))
                if rows:
                    last = None if end > ends["last"] else end
                    found.append(_partition(table, len(found), (first, last), rows, mark))
            return found

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        self._pacer.query()
        aim = self._pacer.batch_bytes(batch_bytes)
        return self._pacer.batches(self._read(partition, batch_rows, aim), aim)

    def ease(self) -> float:
        return 1.0

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        from cluster.connectors.batches import bounded, readable_text
        from cluster.formats.arrow_columns import plain
        from cluster.formats.long_texts import shortened

        spec, what = partition.spec, partition.asset
        with self._file.opened(what) as connection:
            table = table_at(self._file, connection, what)
            if table.shape != spec["shape"]:
                raise SourceObjectGone(f"{what} was changed after it was planned.", "Discover the source again.")
            columns = ", ".join(column.selected for column in table.columns)
            statement = f"SELECT {columns} FROM {table.source}{_within((spec['first'], spec['end']))}"  # noqa: S608
            names = [column.name for column in table.columns]
            for batch in connection.sql(statement).to_arrow_reader(max(1, min(batch_rows, spec["batch"]))):
                yield from shortened(bounded(readable_text(plain(batch, names)), batch_rows, batch_bytes))

    def _asset(self, table: Table, keys: list[dict[str, Any]], problems: list[Problem]) -> AssetInfo | None:
        mark = code = None
        try:
            if not table.view:
                with self._file.opened(table.path) as connection:
                    mark = digest(table.shape, duckdb.__version__, self._mark(connection, table, None))
        except (SourceUnreachable, SourceObjectGone):
            raise
        except SourceError as error:
            problems.append(Problem(path=table.path, code=error.code, detail=error.detail, remedy=error.remedy))
            code = error.code
        own = [key for key in keys if (key["schema"], key["name"]) == (table.schema, table.name)]
        primary = {name for key in own if key["type"] == "PRIMARY KEY" for name in key["columns"]}
        return AssetInfo(
            path=table.path,
            kind="view" if table.view else "table",
            columns=tuple(
                ColumnInfo(
                    name=column.name,
                    ordinal=place,
                    type=column.logical,
                    physical_type=column.type[:500],
                    nullable=column.nullable,
                    primary_key=column.name in primary,
                    comment=column.comment,
                )
                for place, column in enumerate(table.columns)
            ),
            rows_estimate=table.rows_estimate,
            fingerprint=mark,
            definition=table.definition,
            comment=table.comment,
            foreign_keys=tuple(
                ForeignKey(
                    columns=tuple(key["columns"]),
                    to_asset=path_of(table.schema, key["target"]),
                    to_columns=tuple(key["targets"]),
                )
                for key in own
                if key["type"] == "FOREIGN KEY"
            ),
            problem=code,
        )

    def _mark(self, connection: Any, table: Table, span: tuple[int, int | None] | None) -> tuple[int, str]:
        """Number of rows of a range, and the sum of their hashes (64 bits each)."""
        columns = ", ".join(quoted(column.name) for column in table.columns)
        statement = f"SELECT count(*) AS held, sum(hash({columns}))::VARCHAR AS mark FROM {table.source}{_within(span)}"  # noqa: S608
        (row,) = self._file.rows(connection, statement)
        return int(row["held"]), str(row["mark"])

    def _row_bytes(self, connection: Any, table: Table) -> int:
        columns = " + ".join(f"coalesce(length({quoted(c.name)}::VARCHAR), 0) + 8" for c in table.columns)
        sample = f"SELECT * FROM {table.source} LIMIT {_SAMPLED_ROWS}"  # noqa: S608 - names quoted
        (row,) = self._file.rows(connection, f"SELECT avg({columns}) AS size FROM ({sample})")  # noqa: S608
        return 8 + int(row["size"] or 0)

    def _tables(self, *, view: bool) -> list[Table]:
        with self._file.opened(self._file.name) as connection:
            return [table for table in tables_of(self._file, connection) if table.view is view]

    def _check_access(self) -> str:
        self._tables(view=False)
        return f"{self._file.name} is a DuckDB database."

    def _sample_read(self) -> str | Concern:
        tables = self._tables(view=False)
        if not tables:
            return Concern("There is no table to read.", "Check that the path names the right database.")
        with self._file.opened(tables[0].path) as connection:
            self._file.rows(connection, f"SELECT 1 FROM {tables[0].source} LIMIT 1")  # noqa: S608 - names quoted
        return "A table could be read."


def _step(row_bytes: int, target_bytes: int) -> int:
    """Rows of a range: a power of two, so that a table whose rows become a little longer keeps the ranges it had."""
    return max(_LEAST_ROWS, int(1 << (max(1, target_bytes // row_bytes).bit_length() - 1)))


def _within(span: tuple[int, int | None] | None) -> str:
    if span is None:
        return ""
    first, end = span
    return f" WHERE rowid >= {int(first)}" + ("" if end is None else f" AND rowid < {int(end)}")


def _partition(table: Table, number: int, span: tuple[int, int | None], rows: int, mark: str) -> Partition:
    return Partition(
        asset=table.path,
        number=number,
        kind="duckdb.range",
        spec={"first": span[0], "end": span[1], "shape": table.shape, "batch": _LEAST_ROWS * 8},
        columns=tuple(column.name for column in table.columns),
        rows_estimate=rows,
        fingerprint=digest(table.shape, duckdb.__version__, span[0], rows, mark),
    )
