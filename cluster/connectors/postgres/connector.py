"""Reads a PostgreSQL database (10 or newer; 14 or newer to cut large tables into parts)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from psycopg import sql

from cluster.connectors.interface import AssetInfo, Enumeration, Partition, SourceAccess, SourceFacts, TestStep
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import EASED_SHARE, Pacer
from cluster.connectors.postgres.catalog import enumerate_database
from cluster.connectors.postgres.history import QueryHistory, query_history
from cluster.connectors.postgres.neighbours import Neighbours
from cluster.connectors.postgres.planning import plan_table
from cluster.connectors.postgres.session import Session
from cluster.connectors.relation_paths import parts_of
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceDenied

if TYPE_CHECKING:
    import pyarrow as pa

_OWN = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
_COUNTS = f"""
SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p', 'f')) AS tables,
       count(*) FILTER (WHERE c.relkind IN ('v', 'm')) AS views,
       count(*) FILTER (WHERE NOT has_any_column_privilege(c.oid, 'SELECT')
                        OR NOT has_schema_privilege(n.oid, 'USAGE')) AS closed
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND c.relpersistence <> 't' AND {_OWN}
"""  # noqa: S608 - a constant of this module
_READABLE = f"""
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {_OWN}
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY c.relpages > 0 DESC, n.nspname, c.relname LIMIT 1
"""  # noqa: S608 - a constant of this module
_LAG = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
            WHEN EXISTS (SELECT FROM pg_stat_wal_receiver)
             AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END AS lag
"""
_SETTINGS = (
    "server_version", "log_statement", "pgaudit.log", "log_connections", "log_disconnections", "password_encryption",
    "data_checksums", "ssl", "server_encoding", "is_superuser", "in_hot_standby",
)  # fmt: skip
_WIDE_ROLES = ("pg_write_all_data", "pg_execute_server_program", "pg_write_server_files", "pg_read_server_files")


class PostgresConnector:
    """One database. Reads only: every session is read only, and has time-outs for connecting, locks and statements."""

    kind: ClassVar[str] = "postgresql"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._options, self._session = access.options, Session(access, credential, pacer)
        self._neighbours: Neighbours | None = None

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, CheckPrivileges, GetSchemas, GetTables, GetViews, SampleRead."""
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", self._check_tls),
                Check("CheckPrivileges", "capability", self._check_privileges),
                Check("GetSchemas", "capability", self._get_schemas),
                Check("GetTables", "capability", lambda: f"{self._one(_COUNTS)['tables']} tables."),
                Check("GetViews", "capability", lambda: f"{self._one(_COUNTS)['views']} views."),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        settings = {row["name"]: row["setting"] for row in self._settings()}
        tls = bool(self._one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")["ssl"])
        return with_declarations(
            SourceFacts(
                kind=self.kind,
                server_version=str(settings.pop("server_version")),
                tls=tls,
                authenticated=self._authenticated(),
                superuser=settings.pop("is_superuser") == "on",
                audit_logging=_audits(settings),
                extra={
                    "loopback": self._session.loopback(),
                    "database": self._session.database,
                    **{name.replace(".", "_"): value for name, value in settings.items() if value is not None},
                },
            ),
            self._options,
        )

    def enumerate(self) -> Enumeration:
        return enumerate_database(self._session)

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        return plan_table(self._session, asset.path, target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        from cluster.connectors.postgres.reading import read_table

        return read_table(self._session, partition, batch_rows, batch_bytes)

    def ease(self) -> float:
        """Under a pace, and on this machine, `EASED_SHARE` while others work with the database."""
        if self._neighbours is None:
            connection = self._session.paced()
            if connection is None or not self._session.loopback():
                return 1.0
            self._neighbours = Neighbours(connection)
        with self._session.guarded("the load of the server"):
            return EASED_SHARE if self._neighbours.busy() else 1.0

    def head(self, asset: AssetInfo, rows: int) -> list[dict[str, Any]]:
        """Some rows of an asset as texts, cut to what can be shown: a plan would have the server read all of it."""
        schema, name = parts_of(asset.path)
        columns = [
            sql.SQL("left({}::text, 200) AS {}").format(sql.Identifier(column.name), sql.Identifier(column.name))
            for column in asset.columns
        ]
        statement = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
            sql.SQL(", ").join(columns), sql.Identifier(schema, name), sql.Literal(rows)
        )
        return self._session.rows(statement, [], asset.path)

    def history(self) -> QueryHistory:
        """The statements that the database ran, where it keeps them. Raises SourceError."""
        return query_history(self._session)

    def lag(self) -> float:
        """Seconds behind the primary: 0 on a primary, and on a replica that has replayed all that it receives.

        One that receives nothing is as old as the last commit that it replayed, or infinitely old.
        """
        found = self._one(_LAG)["lag"]
        return float("inf") if found is None else max(0.0, float(found))

    def well(self) -> bool:
        return self._session.well()

    def close(self) -> None:
        self._session.close()

    def _check_access(self) -> str:
        self._session.reach()
        version = self._session.connection().info.parameter_status("server_version")
        return f"Signed in to {self._session.host}, PostgreSQL {version}."

    def _check_tls(self) -> str | Concern:
        row = self._one("SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        if row["ssl"]:
            return f"The connection is encrypted ({row['version']}, {row['cipher']})."
        if self._session.loopback():
            return "The connection is not encrypted and does not leave this machine."
        return Concern("The connection is not encrypted.", "Turn TLS on in the server, and set sslmode=verify-full.")

    def _check_privileges(self) -> str | Concern:
        closed, superuser = self._one(_COUNTS)["closed"], self._one("SELECT current_setting('is_superuser') AS is")
        if superuser["is"] == "on":
            return Concern("The account is a superuser.", "Use an account that may only read.")
        roles = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, 'USAGE') ORDER BY 1"
        wide = [row["rolname"] for row in self._session.rows(roles, [list(_WIDE_ROLES)], "the privileges")]
        if wide:
            return Concern(f"The account is a member of {', '.join(wide)}.", "Use an account that may only read.")
        if closed:
            return Concern(f"{closed} tables and views may not be read.", "Grant the account SELECT on them.")
        return "The account may read everything, and is no superuser."

    def _get_schemas(self) -> str:
        count = self._one(f"SELECT count(*) AS schemas FROM pg_namespace n WHERE {_OWN}")["schemas"]  # noqa: S608 - as above
        return f"{count} schemas."

    def _sample_read(self) -> str | Concern:
        found = self._session.rows(_READABLE, [], "the tables")
        if not found:
            if self._one(_COUNTS)["tables"]:
                raise SourceDenied("None of the tables may be read.", "Grant the account USAGE and SELECT.")
            return Concern("There is no table to read.", "Check that the URL names the right database.")
        place = sql.Identifier(found[0]["schema"], found[0]["name"])
        self._session.rows(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(place), [], "a table")
        return "A table could be read."

    def _one(self, statement: str) -> dict[str, Any]:
        return self._session.rows(statement, [], "the state of the server")[0]

    def _settings(self) -> list[dict[str, Any]]:
        statement = "SELECT name, current_setting(name, true) AS setting FROM unnest(%s::text[]) AS name"
        return self._session.rows(statement, [list(_SETTINGS)], "the settings of the server")

    def _authenticated(self) -> bool | None:
        """Whether the server asked who comes: one that took no password, Kerberos or certificate trusts anybody."""
        connection = self._session.connection()
        if connection.pgconn.used_password:
            return True
        row = self._one(
            "SELECT coalesce((SELECT gss_authenticated FROM pg_stat_gssapi WHERE pid = pg_backend_pid()), false)"
            " OR coalesce((SELECT client_dn IS NOT NULL FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS known"
        )
        return bool(row["known"])


def _audits(settings: Mapping[str, str | None]) -> bool:
    """Whether reads and changes are logged: all statements, or pgAudit's classes for both."""
    classes = {name.strip().lower() for name in (settings.get("pgaudit.log") or "").split(",")}
    return settings.get("log_statement") == "all" or "all" in classes or {"read", "write"} <= classes
