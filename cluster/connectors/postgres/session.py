"""Connections to one database: psycopg for what is asked about it, ADBC for its rows; both read only.

Under a pace psycopg reads the rows too, since ADBC sends five statements of its own at once and cannot be held back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from cluster.connectors import network
from cluster.connectors.interface import SourceAccess
from cluster.connectors.network import loopback, reach
from cluster.connectors.options import seconds
from cluster.connectors.pace import Pacer
from cluster.connectors.postgres.faults import fault, refusal
from cluster.connectors.postgres.wire import PacedConnection, answers, paced_connection
from cluster.errors import SourceAuthFailed
from cluster.security.network import policy

LOCK_TIMEOUT_SECONDS = 10
_PASSED_ON = ("sslmode", "sslrootcert", "target_session_attrs", "gssencmode", "channel_binding")


class Session:
    """Opens connections on first use. `host` and `database` are names for messages; the password is in none."""

    def __init__(self, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None) -> None:
        self.pacer = pacer or Pacer()
        parts = urlsplit(access.url)
        self.host, self.port, self.database = parts.hostname or "", parts.port or 5432, unquote(parts.path.strip("/"))
        self._credential, self._options = credential, access.options
        self._connect_timeout = seconds(access.options, "connect_timeout", 10)
        self._statement_timeout = seconds(access.options, "statement_timeout", 1800)
        self._connection: psycopg.Connection[DictRow] | None = None
        self._stream: Any = None

    def reach(self) -> str:
        """Resolves the host and opens its port. Raises SourceUnreachable saying which of the two failed."""
        return reach(self.host, self.port, self._connect_timeout)

    def loopback(self) -> bool:
        """Whether every address of the host is of this machine."""
        return loopback(self.host, self.port)

    def connection(self) -> psycopg.Connection[DictRow]:
        """The connection for questions about the database. Raises SourceError saying why there is none."""
        if self._connection is None or self._connection.closed:
            if not self._credential.get("username"):
                raise SourceAuthFailed("The source has no user name.", "Give it a credential with username.")
            try:
                connection = self._connected()
            except psycopg.Error as error:
                self.reach()  # tells a wrong name or a dead port from a server that said no
                raise refusal(error, self.host, self.database) from None
            with self.guarded("the session settings"):
                self.pacer.query()
                connection.execute(self._settings())
                self.pacer.answered()
            self._connection = connection
        return self._connection

    def paced(self) -> PacedConnection | None:
        """The connection by which rows are to be read under a pace, None without one. Raises SourceError."""
        connection = self.connection()
        return connection if isinstance(connection, PacedConnection) else None

    def rows(self, statement: sql.Composed | str, parameters: Sequence[Any], what: str) -> list[DictRow]:
        """All rows of a question; `what` names its subject in an error."""
        connection = self.connection()
        self.pacer.query()
        with self.guarded(what):
            text = statement.encode() if isinstance(statement, str) else statement
            found = connection.execute(text, parameters or None).fetchall()
        self.pacer.answered()
        return found

    @contextmanager
    def stream(self, what: str) -> Iterator[Any]:
        """A DBAPI cursor of ADBC, on a connection that is kept while it works. Raises SourceError."""
        from adbc_driver_postgresql import dbapi

        if self._stream is None:
            self.connection()  # says why, where the driver could only say that
            with self.guarded(what):
                self._stream = dbapi.connect(self._conninfo(), autocommit=True)
                with self._stream.cursor() as cursor:
                    cursor.execute(self._settings().as_string())
        whole = False
        cursor = self._stream.cursor()
        try:
            yield cursor
            whole = True
        finally:
            if whole:
                cursor.close()
            else:  # an unfinished COPY is on it
                self._drop_stream()

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Turns every exception of the drivers into a SourceError about `what`."""
        import adbc_driver_manager
        import pyarrow as pa

        try:
            yield
        except (psycopg.Error, adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            raised = fault(error, what)
        else:
            return
        raise raised from None  # the driver's message must not travel with it

    def well(self) -> bool:
        """Whether the connections are there, nothing is unfinished, and the server answers within `ANSWER_SECONDS`."""
        connection = self._connection
        if connection is None or connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        try:
            return answers(connection.pgconn, network.ANSWER_SECONDS)
        except psycopg.Error:
            return False

    def close(self) -> None:
        self._drop_stream()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[DictRow]:
        if self.pacer.limited:
            return paced_connection(self._conninfo(), self.pacer)
        return psycopg.connect(self._conninfo(), autocommit=True, row_factory=dict_row)

    def _drop_stream(self) -> None:
        import adbc_driver_manager

        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.adbc_connection.cancel()
                stream.close()
            except (adbc_driver_manager.Error, RuntimeError):
                return  # nothing was written; the server ends the session

    def _settings(self) -> sql.Composed:
        # Not by the `options` of the connection: poolers such as PgBouncer refuse those.
        settings = [
            ("default_transaction_read_only", "on"),
            ("statement_timeout", f"{self._statement_timeout}s"),
            ("lock_timeout", f"{LOCK_TIMEOUT_SECONDS}s"),
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("IntervalStyle", "iso_8601"),
            ("extra_float_digits", "1"),
            ("bytea_output", "hex"),
        ]
        calls = [sql.SQL("set_config({}, {}, false)").format(name, value) for name, value in settings]
        return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))

    def _addresses(self) -> tuple[str, ...]:
        return policy().resolve(self.host, self.port)

    def _conninfo(self) -> str:
        addresses = self._addresses()  # libpq is to go where was looked, not where the name leads a moment later
        given = {
            "host": ",".join([self.host] * len(addresses)),
            "hostaddr": ",".join(addresses),
            "port": str(self.port),
            "dbname": self.database,
            "user": self._credential["username"],
            "password": self._credential.get("password"),
            **{name: self._options.get(name) for name in _PASSED_ON},
            "connect_timeout": str(self._connect_timeout),
            "application_name": "sextant",
            "client_encoding": "UTF8",
            "keepalives_idle": "30",
            "keepalives_interval": "10",
            "keepalives_count": "3",
            "tcp_user_timeout": "60000",
        }
        return make_conninfo(**{name: value for name, value in given.items() if value})
