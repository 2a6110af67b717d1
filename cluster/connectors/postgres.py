"""PostgreSQL: metadata by psycopg, rows by ADBC as Arrow batches.

A table is cut into ranges of ctid (block numbers), so partitions need no key and together hold each row once. The
fingerprint of a range is a hash over (ctid, xmin) of its rows, computed by the server: every insert, update and
delete changes it, and no value leaves the server for it (PostgreSQL documentation, 5.6 "System Columns").
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import psycopg
import pyarrow as pa
from psycopg.rows import dict_row

from cluster.connectors.declared import declared_facts
from cluster.connectors.interface import AssetInfo, Enumeration, Partition, Problem, SourceAccess, SourceFacts, TestStep
from cluster.connectors.postgres_catalog import read_assets
from cluster.connectors.postgres_errors import translating
from cluster.connectors.postgres_read import plan_relation, read_range
from cluster.connectors.steps import run_steps
from cluster.errors import SourceDenied

_SETTINGS = (
    "-c default_transaction_read_only=on -c statement_timeout=1800000 -c idle_in_transaction_session_timeout=600000"
)
_PASSED_ON = ("sslmode", "sslrootcert", "target_session_attrs", "gssencmode", "channel_binding")
_FACTS = """
SELECT current_setting('server_version') AS version,
       (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       current_setting('log_statement') AS log_statement,
       current_setting('shared_preload_libraries', true) AS libraries,
       current_setting('password_encryption') AS password_encryption,
       current_setting('data_checksums') AS data_checksums,
       coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() <<= '::1', true) AS loopback
"""


class PostgresConnector:
    """Reads one database. Connections are read-only on the server's word."""

    kind: ClassVar[str] = "postgresql"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str]) -> None:
        self._access, self._credential = access, credential
        self._open: psycopg.Connection[dict[str, Any]] | None = None

    def test(self) -> Iterator[TestStep]:
        yield from run_steps(
            [
                ("CheckAccess", "gate", lambda: f"PostgreSQL {self._one('SHOW server_version')}"),
                ("CheckTLS", "capability", self._check_tls),
                ("GetSchemas", "gate", lambda: self._count("SELECT count(*) FROM pg_namespace", "schemas")),
                ("GetTables", "capability", lambda: f"{sum(a.kind != 'view' for a in self._assets())} tables"),
                ("GetViews", "capability", lambda: f"{sum(a.kind == 'view' for a in self._assets())} views"),
                ("CheckPrivileges", "capability", self._check_privileges),
                ("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        with translating():
            row = self._connection().execute(_FACTS).fetchone() or {}
        audited = row["log_statement"] in ("mod", "all") or "pgaudit" in (row["libraries"] or "")
        facts = SourceFacts(
            kind=self.kind,
            server_version=row["version"],
            tls=row["tls"],
            superuser=row["superuser"],
            audit_logging=audited,
            authenticated=True if self._credential.get("password") else None,
            extra={name: row[name] for name in ("loopback", "password_encryption", "data_checksums", "log_statement")},
        )
        return declared_facts(facts, self._access.options)

    def enumerate(self) -> Enumeration:
        assets = self._assets()
        denied = tuple(
            Problem(
                path=asset.path,
                code=SourceDenied.code,
                detail="The user may not read this table.",
                remedy="Grant SELECT on it, and USAGE on its schema.",
            )
            for asset in assets
            if asset.problem
        )
        # A table that may be listed but not read is there: the list is complete all the same.
        return Enumeration(assets=tuple(assets), complete=True, problems=denied)

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        if asset.kind == "view":
            return []
        with translating(asset.path):
            return plan_relation(self._connection(), asset, target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
        with translating(partition.asset):
            yield from read_range(self._connection(), self._uri(), partition, batch_rows, batch_bytes)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        if self._open is None or self._open.closed:
            self._open = psycopg.connect(self._uri(), autocommit=True, row_factory=dict_row)
        return self._open

    def _uri(self) -> str:
        parts = urlsplit(self._access.url)
        user = quote(self._credential.get("username", ""), safe="")
        password = quote(self._credential.get("password", ""), safe="")
        login = f"{user}:{password}@" if password else f"{user}@" if user else ""
        query = {name: value for name, value in self._access.options.items() if name in _PASSED_ON}
        query |= {"connect_timeout": "10", "application_name": "sextant", "options": _SETTINGS}
        query |= {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
        database = quote(unquote(parts.path.strip("/")), safe="")
        return f"postgresql://{login}{parts.netloc}/{database}?{urlencode(query, quote_via=quote)}"

    def _assets(self) -> list[AssetInfo]:
        with translating():
            return read_assets(self._connection())

    def _one(self, statement: str) -> Any:
        with translating():
            row = self._connection().execute(statement).fetchone() or {}
        return next(iter(row.values()), None)

    def _count(self, statement: str, noun: str) -> str:
        return f"{self._one(statement)} {noun}"

    def _check_tls(self) -> str | tuple[str, str]:
        if self._one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"):
            return "The connection is encrypted"
        return "The connection is not encrypted.", "Turn on ssl at the server and set the option sslmode=require."

    def _check_privileges(self) -> str | tuple[str, str]:
        assets = self._assets()
        denied = [asset.path for asset in assets if asset.problem]
        if denied:
            return f"{len(denied)} of {len(assets)} tables may not be read.", "Grant SELECT on them to this user."
        if self._one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            return "The user is a superuser.", "Use a role that may only read what is to be governed."
        return f"All {len(assets)} tables and views may be read"

    def _sample_read(self) -> str:
        asset = next((a for a in self._assets() if a.kind == "table" and not a.problem), None)
        if asset is None:
            return "There is no table to read from"
        started = time.perf_counter()
        partitions = self.plan(asset, 1 << 20)
        rows = next((batch.num_rows for part in partitions[:1] for batch in self.read(part, 1000, 1 << 20)), 0)
        return f"{rows} rows of {asset.path} in {(time.perf_counter() - started) * 1000:.0f} ms"
