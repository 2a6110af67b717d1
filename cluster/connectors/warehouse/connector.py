"""Reads a warehouse by SQLAlchemy."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import sqlalchemy as sa

from cluster.connectors.interface import AssetInfo, Enumeration, Partition, SourceAccess, SourceFacts, TestStep
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.connectors.warehouse.catalog import enumerate_warehouse, schemas_of
from cluster.connectors.warehouse.dialects import DIALECTS, Dialect
from cluster.connectors.warehouse.session import Session

if TYPE_CHECKING:
    import pyarrow as pa


class WarehouseConnector:
    """One database (catalog, project) of a warehouse. Nothing but SELECT is sent."""

    kind: ClassVar[str] = "warehouse"
    schemes: ClassVar[tuple[str, ...]] = tuple(DIALECTS)

    def __init__(
        self,
        access: SourceAccess,
        credential: Mapping[str, str],
        pacer: Pacer | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self._kind = urlsplit(access.url).scheme
        self._options = access.options
        self._session = Session(dialect or DIALECTS[self._kind], access, credential, pacer)

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, GetSchemas, GetTables, SampleRead."""
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", self._check_tls),
                Check("GetSchemas", "capability", lambda: f"{len(self._schemas())} schemas."),
                Check("GetTables", "capability", lambda: f"{len(self._tables())} tables."),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        with self._session.connection(self._session.database) as connection:
            version = connection.dialect.server_version_info
        return with_declarations(
            SourceFacts(
                kind=self._kind,
                server_version=".".join(map(str, version)) if version else None,
                authenticated=True,
                extra={"loopback": self._session.loopback(), "database": self._session.database},
            ),
            self._options,
        )

    def enumerate(self) -> Enumeration:
        return enumerate_warehouse(self._session)

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        from cluster.connectors.warehouse.reading import plan_table

        return plan_table(self._session, asset.path, asset.kind == "view", target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        from cluster.connectors.warehouse.reading import read_table

        aim = self._session.pacer.batch_bytes(batch_bytes)
        return self._session.pacer.batches(read_table(self._session, partition, batch_rows, aim), aim)

    def ease(self) -> float:
        return 1.0

    def close(self) -> None:
        self._session.close()

    def _check_access(self) -> str:
        self._session.reach()
        self._schemas()
        return f"Signed in to {self._session.host}, {self._session.dialect.title}."

    def _check_tls(self) -> str | Concern:
        if self._session.loopback():
            return "The connection does not leave this machine."
        if self._session.dialect.port is None:
            return "The vendor's service is reached by https only."
        return Concern("Whether the connection is encrypted is not known.", "Have the server require TLS.")

    def _schemas(self) -> list[str]:
        with self._session.connection(self._session.database) as connection:
            return schemas_of(self._session, connection)

    def _tables(self) -> list[tuple[str, str]]:
        with self._session.connection(self._session.database) as connection:
            inspected = sa.inspect(connection)
            schemas = schemas_of(self._session, connection)
            return [(schema, name) for schema in schemas for name in inspected.get_table_names(schema)]

    def _sample_read(self) -> str | Concern:
        tables = self._tables()
        if not tables:
            return Concern("There is no table to read.", "Check that the URL names the right database.")
        schema, name = tables[0]
        with self._session.connection(name) as connection:
            connection.execute(sa.select(sa.literal(1)).select_from(sa.table(name, schema=schema)).limit(1)).first()
        return "A table could be read."
