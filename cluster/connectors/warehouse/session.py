"""Connections to one warehouse, and what goes wrong with them in Sextant's own words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from cluster.connectors.interface import SourceAccess
from cluster.connectors.network import loopback, reach
from cluster.connectors.options import seconds
from cluster.connectors.pace import Pacer
from cluster.connectors.warehouse.dialects import Dialect, url_of
from cluster.errors import (
    ConfigurationError,
    SourceAuthFailed,
    SourceDenied,
    SourceError,
    SourceObjectGone,
    SourceUnreachable,
    SourceUnreadable,
)

_WORDS: tuple[tuple[tuple[str, ...], type[SourceError], str, str], ...] = (
    (("permission denied", "not authorized", "insufficient privileges", "access denied", "access_denied", "ora-01031",
      "select permission was denied", "command denied"), SourceDenied, "The account may not read {what}",
     "Grant it SELECT."),
    (("password", "login failed", "authentication", "unauthorized", "invalid token", "ora-01017", "expired"),
     SourceAuthFailed, "The server refused the account for {what}", "Check user, password or token."),
    (("does not exist", "doesn't exist", "not found", "ora-00942", "invalid object name", "unknown column"),
     SourceObjectGone, "{what} is no longer as it was listed", "Discover the source again."),
    (("timeout", "timed out", "time-out", "cancel", "quota", "too many", "rate limit", "429"), SourceUnreachable,
     "{what} could not be read in time, or a limit was reached", "Try again later, or set a budget."),
    (("connect", "connection", "network", "ssl", "certificate", "closed"), SourceUnreachable,
     "The connection failed while reading {what}", "Check host, port, network and TLS."),
)  # fmt: skip


class Session:
    """Opens a connection for each thing that is asked. `host` and `database` are names for messages."""

    def __init__(
        self, dialect: Dialect, access: SourceAccess, credential: Mapping[str, str], pacer: Pacer | None = None
    ) -> None:
        parts = urlsplit(access.url)
        self.dialect, self.pacer = dialect, pacer or Pacer()
        self.host, self.port, self.database = parts.hostname or "", parts.port or dialect.port, unquote(parts.path[1:])
        self._timeout = seconds(access.options, "connect_timeout", 10)
        self._url: Callable[[], sa.URL] = lambda: url_of(
            dialect, access, (self.host, self.port, self.database), credential
        )
        self._engine: sa.Engine | None = None

    def reach(self) -> None:
        """Opens the server's port where there is one. Raises SourceUnreachable, AddressRefused."""
        if self.port is not None:
            reach(self.host, self.port, self._timeout)

    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        return self.port is not None and loopback(self.host, self.port)

    @contextmanager
    def connection(self, what: str) -> Iterator[sa.Connection]:
        """A connection in a transaction that is rolled back; read only where the server has that."""
        engine = self._opened()
        self.pacer.query()
        try:
            with engine.connect() as connection:
                for statement in self.dialect.begin:
                    connection.exec_driver_sql(statement)
                yield connection
        except SourceError:
            raise
        except Exception as error:  # each driver has a tree of its own, and not all keep to SQLAlchemy's
            raised = _fault(error, what)
        else:
            return
        raise raised from None  # the server's message may quote a value

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            if not _there(self.dialect.module):
                raise ConfigurationError(
                    f"The driver of {self.dialect.title} is not installed.",
                    f"Install it on every node: pip install 'sextant[{self.dialect.extra}]'.",
                )
            self._engine = sa.create_engine(self._url(), poolclass=NullPool)
        return self._engine


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _fault(error: Exception, what: str) -> SourceError:
    if isinstance(error, sa.exc.NoSuchTableError):
        return SourceObjectGone(f"{what} is no longer there.", "Discover the source again.")
    text = str(getattr(error, "orig", None) or error).lower()
    for words, cls, detail, remedy in _WORDS:
        if any(word in text for word in words):
            return cls(f"{detail.format(what=what)}.", remedy)
    kind = type(getattr(error, "orig", None) or error).__name__
    return SourceUnreadable(f"{what} could not be read ({kind}).", "Look at the log of the server.")
