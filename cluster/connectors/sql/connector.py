"""Reads a SQL database by SQLAlchemy. SQLite is the one there is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

from cluster.connectors.interface import AssetInfo, Enumeration, Partition, SourceAccess, SourceFacts, TestStep
from cluster.connectors.options import seconds, with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.sql.catalog import enumerate_database
from cluster.connectors.sql.planning import plan_table
from cluster.connectors.sql.sqlite import SqliteDatabase
from cluster.connectors.steps import Check, Concern, run_steps

if TYPE_CHECKING:
    import pyarrow as pa


class SqliteConnector:
    """One database file. Reads only, each partition in one read transaction; waits for writers `connect_timeout`."""

    kind: ClassVar[str] = "sqlite"
    schemes: ClassVar[tuple[str, ...]] = ("sqlite",)

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._pacer = pacer or Pacer()
        self._options = access.options
        place = Path(unquote(urlsplit(access.url).path))
        self._database = SqliteDatabase(place, seconds(access.options, "connect_timeout", 10))

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, GetTables, GetViews, SampleRead."""
        local = "The file is on this machine or mounted by it; no connection of Sextant's own is made."
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", lambda: local),
                Check("GetTables", "capability", lambda: f"{len(self._names('table'))} tables."),
                Check("GetViews", "capability", lambda: f"{len(self._names('view'))} views."),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        return with_declarations(self._database.facts(), self._options)

    def enumerate(self) -> Enumeration:
        return enumerate_database(self._database)

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        self._pacer.query()
        return plan_table(self._database, asset.path, target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        from cluster.connectors.sql.reading import read_range

        aim = self._pacer.batch_bytes(batch_bytes)
        self._pacer.query()
        return self._pacer.batches(read_range(self._database, partition, batch_rows, aim), aim)

    def ease(self) -> float:
        return 1.0

    def close(self) -> None:
        self._database.close()

    def _names(self, kind: str) -> list[str]:
        with self._database.transaction(self._database.name) as connection:
            return [relation.name for relation in self._database.relations(connection) if relation.kind == kind]

    def _check_access(self) -> str:
        self._names("table")
        return f"{self._database.name} is a SQLite database."

    def _sample_read(self) -> str | Concern:
        tables = self._names("table")
        if not tables:
            return Concern("There is no table to read.", "Check that the path names the right database.")
        with self._database.transaction(tables[0]) as connection:
            connection.execute(sa.select(sa.literal(1)).select_from(sa.table(tables[0])).limit(1)).first()
        return "A table could be read."
