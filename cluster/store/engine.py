"""Connections to the one PostgreSQL: an engine per process, made on first use and never captured in a task."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from cluster.errors import ConfigurationError, Internal, InvalidInput, Unavailable
from cluster.settings import settings
from cluster.telemetry import place_of

log = structlog.get_logger("store")

# A backend of a client that was killed must not hold row locks until TCP notices, nor may a forgotten transaction.
_CONNECT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=15000 -c statement_timeout=120000",
}


def database_url() -> str:
    """The SQLAlchemy URL of the store, from the settings or the environment the instance hands to its processes."""
    configured = settings().database_url
    url = configured.get_secret_value() if configured else os.environ.get("SEXTANT_STORE_URL", "")
    if not url:
        raise ConfigurationError("No database is configured.", "Run `sextant up`, or set SEXTANT_DATABASE_URL.")
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def make_engine(url: str, pool_size: int = 2) -> Engine:
    """An engine that keeps `pool_size` connections and opens a few more for a moment when it needs them.

    Connections are checked before use, so that a restarted server is survived.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=6,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args=_CONNECT,
        hide_parameters=True,
    )


@cache
def engine() -> Engine:
    """The engine of this process."""
    return make_engine(database_url(), pool_size=1)


class ReadSession(Session):
    """A session whose transaction cannot write: PostgreSQL itself refuses."""


@contextmanager
def reading(bound: Engine | None = None) -> Iterator[ReadSession]:
    """A read-only transaction on one snapshot.

    Raises Unavailable (retryable) while PostgreSQL does not answer or every connection of this process is in use, and
    Internal for a query that it refuses.
    """
    try:
        with ReadSession(bound or engine()) as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session
    except DataError:
        raise InvalidInput("A value of the query is not one that can be stored.", "Correct the filter.") from None
    except (DBAPIError, PoolTimeout) as error:
        if may_pass(error):
            raise unavailable(error) from None
        cause = type(getattr(error, "orig", None)).__name__
        log.error("query failed", error=cause, place=place_of(error))
        raise Internal(f"A query failed inside Sextant ({cause}).", "See the log.") from None


def may_pass(error: Exception) -> bool:
    """Whether the database was away, or a lock, a statement or a connection took too long: not so the next time."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, (OperationalError, PoolTimeout))


def unavailable(error: Exception) -> Unavailable:
    """A lost or overloaded database as an error that says so without the statement's parameters."""
    cause = type(getattr(error, "orig", None) or error).__name__
    return Unavailable(f"The database did not answer ({cause}).", "Try again; see `sextant status` if it persists.")
