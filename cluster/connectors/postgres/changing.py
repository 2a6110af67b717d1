"""A connection that changes a database, for orders that were approved: autocommit, with time-outs, not read only."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import DictRow

from cluster.connectors.interface import SourceAccess
from cluster.connectors.postgres.session import Session
from cluster.errors import Conflict, SourceError


@contextmanager
def changing(access: SourceAccess, credential: Mapping[str, str]) -> Iterator[psycopg.Connection[DictRow]]:
    """The connection of an account to a database. Raises SourceError with the reason, and no value of the data."""
    session = Session(access, credential)
    try:
        connection = session.connection()
        connection.execute("SET default_transaction_read_only = off")
        yield connection
    except psycopg.Error as error:
        raise SourceError(
            f"The database refused a statement (SQLSTATE {error.sqlstate}).",
            "See that the account owns the tables and may create schemas and roles' grants.",
        ) from None
    finally:
        session.close()


@contextmanager
def acting_as(connection: psycopg.Connection[DictRow], role: str) -> Iterator[psycopg.Connection[DictRow]]:
    """The connection with the rights of a role. Raises Conflict if the account may not take it on."""
    try:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    except psycopg.Error:
        raise Conflict(
            f"The account may not act as '{role}'.", "Grant it the role, or give a credential of the role."
        ) from None
    try:
        yield connection
    finally:
        connection.execute("RESET ROLE")
