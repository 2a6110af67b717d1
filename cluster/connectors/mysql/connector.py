"""Reads a database of MySQL or MariaDB."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from cluster.connectors.interface import AssetInfo, Enumeration, Partition, SourceAccess, SourceFacts, TestStep
from cluster.connectors.mysql.catalog import enumerate_database
from cluster.connectors.mysql.planning import plan_table
from cluster.connectors.mysql.privileges import superuser, writes
from cluster.connectors.mysql.relations import relations_of
from cluster.connectors.mysql.session import Session
from cluster.connectors.options import with_declarations
from cluster.connectors.pace import Pacer
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceDenied

if TYPE_CHECKING:
    import pyarrow as pa

_SETTINGS = (
    "version", "version_comment", "general_log", "log_bin", "server_audit_logging", "audit_log_policy", "have_ssl",
    "require_secure_transport", "innodb_encrypt_tables", "innodb_encrypt_log", "default_table_encryption", "read_only",
    "character_set_server",
)  # fmt: skip
_AUDITS = {"server_audit_logging": ("ON",), "audit_log_policy": ("ALL", "LOGINS", "QUERIES"), "general_log": ("ON",)}


class MysqlConnector:
    """One database. Reads only: every transaction is read only; connecting, locks and statements have time-outs."""

    kind: ClassVar[str] = "mysql"
    schemes: ClassVar[tuple[str, ...]] = ("mysql", "mariadb")

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self._options, self._session = access.options, Session(access, credential, pacer)

    def test(self) -> Iterator[TestStep]:
        """CheckAccess (gate), CheckTLS, CheckPrivileges, GetTables, GetViews, SampleRead."""
        return run_steps(
            [
                Check("CheckAccess", "gate", self._check_access),
                Check("CheckTLS", "capability", self._check_tls),
                Check("CheckPrivileges", "capability", self._check_privileges),
                Check("GetTables", "capability", lambda: f"{self._count(view=False)} tables."),
                Check("GetViews", "capability", lambda: f"{self._count(view=True)} views."),
                Check("SampleRead", "capability", self._sample_read),
            ]
        )

    def facts(self) -> SourceFacts:
        names = ", ".join(["%s"] * len(_SETTINGS))
        rows = self._session.rows(f"SHOW VARIABLES WHERE Variable_name IN ({names})", _SETTINGS, "the settings")
        settings = {str(row["Variable_name"]): str(row["Value"]) for row in rows}
        encrypts = settings.get("innodb_encrypt_tables") in ("ON", "FORCE")
        version = settings.pop("version", None)
        return with_declarations(
            SourceFacts(
                kind=self.kind,
                server_version=version,
                tls=self._session.encrypted,
                authenticated=True,
                superuser=superuser(self._session),
                audit_logging=any(settings.get(name) in values for name, values in _AUDITS.items()),
                encrypted_at_rest=True if encrypts else None,
                extra={
                    "loopback": self._session.loopback(),
                    "database": self._session.database,
                    "product": "MariaDB" if self._session.mariadb else "MySQL",
                    **settings,
                },
            ),
            self._options,
        )

    def enumerate(self) -> Enumeration:
        return enumerate_database(self._session)

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        return plan_table(self._session, asset.path, target_bytes)

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        from cluster.connectors.mysql.reading import read_table

        return read_table(self._session, partition, batch_rows, self._session.pacer.batch_bytes(batch_bytes))

    def ease(self) -> float:
        return 1.0

    def well(self) -> bool:
        return self._session.well()

    def close(self) -> None:
        self._session.close()

    def _count(self, *, view: bool) -> int:
        return sum(relation.view is view for relation in relations_of(self._session))

    def _check_access(self) -> str:
        self._session.reach()
        product = "MariaDB" if self._session.mariadb else "MySQL"
        return f"Signed in to {self._session.host}, {product}."

    def _check_tls(self) -> str | Concern:
        if self._session.encrypted:
            return "The connection is encrypted."
        if self._session.loopback():
            return "The connection is not encrypted and does not leave this machine."
        return Concern("The connection is not encrypted.", "Turn TLS on in the server, and set sslmode=verify-full.")

    def _check_privileges(self) -> str | Concern:
        closed = [
            relation.name for relation in relations_of(self._session) if relation.columns and not relation.readable
        ]
        if closed:
            return Concern(f"{len(closed)} tables or views may not be read.", "Grant the account SELECT on them.")
        more = writes(self._session)
        if more:
            return Concern(
                f"The account may do more than read: {', '.join(more)}.", "Use an account that has SELECT only."
            )
        return "The account may read what it sees, and change nothing."

    def _sample_read(self) -> str | Concern:
        tables = [relation for relation in relations_of(self._session) if not relation.view]
        readable = [relation for relation in tables if relation.readable]
        if tables and not readable:
            raise SourceDenied("No table may be read.", "Grant the account SELECT on the database.")
        if not readable:
            return Concern("There is no table to read.", "Check that the URL names the right database.")
        self._session.rows(f"SELECT 1 FROM {readable[0].source} LIMIT 1", [], readable[0].path)  # noqa: S608
        return "A table could be read."
