"""Deleting rows of a PostgreSQL table by their age or by values in them, and counting what that would be."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import DictRow
from pydantic import BaseModel, ConfigDict

ERASED = "[erased]"
_TIMES = ("date", "timestamp")


class Due(BaseModel):
    """Rows of a table by age: `due` are older than the cutoff; rows without a time, and of the future, have no age."""

    model_config = ConfigDict(frozen=True)

    table: str
    rows: int
    due: int
    without_time: int
    future: int
    problem: str | None = None


def due(connection: Connection[DictRow], table: tuple[str, str], clock: str, cutoff: date) -> Due:
    """How many rows are older than the cutoff by their column `clock`, a date or a timestamp."""
    name, problem = ".".join(table), _problem(connection, table, clock)
    if problem:
        return Due(table=name, rows=0, due=0, without_time=0, future=0, problem=problem)
    statement = sql.SQL(
        "SELECT count(*) AS rows, count(*) FILTER (WHERE {0} < %(cutoff)s) AS due, "
        "count(*) FILTER (WHERE {0} IS NULL) AS without_time, count(*) FILTER (WHERE {0} > now()) AS future FROM {1}"
    ).format(sql.Identifier(clock), sql.Identifier(*table))
    found: Any = connection.execute(statement, {"cutoff": cutoff}).fetchone()
    return Due(table=name, **found)


def delete_due(connection: Connection[DictRow], table: tuple[str, str], clock: str, cutoff: date) -> int:
    """Deletes the rows that `due` counts, and returns their number. Raises psycopg.Error."""
    statement = sql.SQL("DELETE FROM {} WHERE {} < %s").format(sql.Identifier(*table), sql.Identifier(clock))
    return connection.execute(statement, [cutoff]).rowcount


def delete_where(connection: Connection[DictRow], table: tuple[str, str], values: Mapping[str, Sequence[str]]) -> int:
    """Deletes the rows in which a column has one of its values, without regard to case and space around it."""
    return connection.execute(
        sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(*table), _any(values)), _given(values)
    ).rowcount


def redact(connection: Connection[DictRow], table: tuple[str, str], column: str, values: Sequence[str]) -> int:
    """Puts "[erased]" where one of the values stands inside the text of a column; returns how many rows changed."""
    name, changed = sql.Identifier(column), 0
    statement = sql.SQL("UPDATE {0} SET {1} = regexp_replace({1}::text, %s, %s, 'gi')::{2} WHERE {1}::text ~* %s")
    kind = sql.SQL(_type(connection, table, column) or "text")  # as format_type writes it
    for value in values:
        pattern = _quoted(value)
        done = connection.execute(statement.format(sql.Identifier(*table), name, kind), [pattern, ERASED, pattern])
        changed += done.rowcount
    return changed


def _quoted(value: str) -> str:
    """A regular expression that fits the value and nothing else."""
    return "".join(character if character.isalnum() or character.isspace() else f"\\{character}" for character in value)


def _any(values: Mapping[str, Sequence[str]]) -> sql.Composed:
    parts = [sql.SQL("lower(btrim({}::text)) = ANY(%s)").format(sql.Identifier(column)) for column in sorted(values)]
    return sql.SQL(" OR ").join(parts)


def _given(values: Mapping[str, Sequence[str]]) -> list[list[str]]:
    return [[value.strip().lower() for value in values[column]] for column in sorted(values)]


def _problem(connection: Connection[DictRow], table: tuple[str, str], clock: str) -> str | None:
    kind = _type(connection, table, clock)
    if kind is None:
        return f"There is no table with a column '{clock}' there."
    return None if kind.startswith(_TIMES) else f"The column '{clock}' holds no times ({kind})."


def _type(connection: Connection[DictRow], table: tuple[str, str], column: str) -> str | None:
    """The type of a column of a table as PostgreSQL writes it, None if there is no such column."""
    found = connection.execute(
        "SELECT format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s AND a.attname = %s "
        "AND c.relkind IN ('r', 'p') AND NOT a.attisdropped",
        (*table, column),
    ).fetchone()
    return str(found["type"]) if found is not None else None
