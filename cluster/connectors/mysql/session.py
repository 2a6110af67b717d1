"""One connection to one database, read only, on which questions are asked and rows are streamed."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.cursors import DictCursor, SSCursor

from cluster.connectors import network
from cluster.connectors.interface import SourceAccess
from cluster.connectors.mysql.faults import fault, refusal
from cluster.connectors.mysql.wire import PacedConnection
from cluster.connectors.network import connected, loopback, reach
from cluster.connectors.options import seconds
from cluster.connectors.pace import Pacer
from cluster.errors import InvalidInput, SourceAuthFailed

Row = dict[str, Any]
Values = tuple[bytes | None, ...]
LOCK_TIMEOUT_SECONDS = 10
_SETTINGS = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION READ ONLY",
    f"SET SESSION time_zone = '+00:00', sql_mode = '', lock_wait_timeout = {LOCK_TIMEOUT_SECONDS}",
    "SET SESSION net_write_timeout = 600",  # a reader at a pace may let the server wait
)
_DRIVER = (pymysql.MySQLError, OSError, RuntimeError, ValueError, AssertionError, IndexError)


class Session:
    """Opens its connection on first use. `host` and `database` are names for messages; the password is in none."""

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self.pacer = pacer or Pacer()
        parts = urlsplit(access.url)
        self.host, self.port, self.database = parts.hostname or "", parts.port or 3306, unquote(parts.path.strip("/"))
        self._credential, self._options = credential, access.options
        self._connect_timeout = seconds(access.options, "connect_timeout", 10)
        self._statement_timeout = seconds(access.options, "statement_timeout", 1800)
        self._connection: PacedConnection | None = None

    def reach(self) -> str:
        """Resolves the host and opens its port. Raises SourceUnreachable saying which of the two failed."""
        return reach(self.host, self.port, self._connect_timeout)

    def loopback(self) -> bool:
        """Whether every address of the host is of this machine."""
        return loopback(self.host, self.port)

    def connection(self) -> PacedConnection:
        """The connection. Raises SourceError saying why there is none."""
        if self._connection is None or not self._connection.open:
            if not self._credential.get("username"):
                raise SourceAuthFailed("The source has no user name.", "Give it a credential with username.")
            self._connection = self._connected()
            with self.guarded("the session settings"):
                for setting in (*_SETTINGS, self._limit(self._connection)):
                    self._connection.query(setting)
        return self._connection

    @property
    def mariadb(self) -> bool:
        """Whether the server is MariaDB."""
        return "mariadb" in str(self.connection().get_server_info()).lower()

    @property
    def encrypted(self) -> bool:
        """Whether the connection is."""
        return isinstance(self.connection()._sock, ssl.SSLSocket)

    def rows(self, statement: str, parameters: Sequence[Any], what: str) -> list[Row]:
        """All rows of a question; `what` names its subject in an error."""
        connection = self.connection()
        self.pacer.query()
        with self.guarded(what), connection.cursor(DictCursor) as cursor:
            cursor.execute(statement, tuple(parameters) or None)
            found = list(cursor.fetchall())
        self.pacer.answered()
        return found

    @contextmanager
    def snapshot(self, what: str) -> Iterator[None]:
        """All that is asked meanwhile sees one state of the tables of InnoDB (other engines keep none)."""
        connection = self.connection()
        with self.guarded(what):
            connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            yield
            if connection.open:
                connection.query("ROLLBACK")

    def stream(self, statement: str, what: str) -> Iterator[Values]:
        """The rows of a statement as they come, each value as the bytes that the server wrote it in.

        The connection is dropped if the stream is left before its end: there is no other way to stop the server.
        """
        connection = self.connection()
        self.pacer.query()
        whole = False
        with self.guarded(what):
            try:
                with connection.raw():
                    cursor = connection.cursor(SSCursor)
                    cursor.execute(statement)
                yield from iter(cursor.read_next, None)
                whole = True
            finally:
                if not whole:
                    connection.drop()
            cursor.close()

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Turns every exception of the driver into a SourceError about `what`."""
        try:
            yield
        except _DRIVER as error:
            raised = fault(error, what)
        else:
            return
        raise raised from None  # the server's message may quote a value

    def well(self) -> bool:
        """Whether the connection is there, and its server answers within `ANSWER_SECONDS`."""
        connection = self._connection
        return connection is not None and connection.open and connection.answers(network.ANSWER_SECONDS)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.drop()
            self._connection = None

    def _connected(self) -> PacedConnection:
        given: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self._credential["username"],
            "password": self._credential.get("password") or "",
            "database": self.database,
            "charset": "utf8mb4",
            "connect_timeout": self._connect_timeout,
            "write_timeout": 60,
            "program_name": "sextant",
            "autocommit": True,
            "local_infile": False,  # or a server could ask for files of this machine
            **self._tls(),
        }
        opened = connected(self.host, self.port, self._connect_timeout)
        try:
            return PacedConnection(self.pacer, opened, self._statement_timeout + 60, **given)
        except _DRIVER as error:
            opened.close()
            raised = refusal(error, self.host, self.database)
        raise raised from None

    def _tls(self) -> dict[str, Any]:
        mode = self._options.get("sslmode", "prefer")
        if mode in ("disable", "allow"):
            return {"ssl_disabled": True}
        if mode == "prefer":
            return {}  # the driver's own way: encrypted where the server can
        try:
            context = ssl.create_default_context(cafile=self._options.get("sslrootcert"))
        except OSError:
            raise InvalidInput(
                "The option 'sslrootcert' names no certificate.", "Write the path of a PEM file."
            ) from None
        context.check_hostname = mode == "verify-full"
        if mode == "require":
            context.verify_mode = ssl.CERT_NONE
        return {"ssl": context}

    def _limit(self, connection: PacedConnection) -> str:
        if "mariadb" in str(connection.get_server_info()).lower():
            return f"SET SESSION max_statement_time = {self._statement_timeout}"
        return f"SET SESSION max_execution_time = {self._statement_timeout * 1000}"
