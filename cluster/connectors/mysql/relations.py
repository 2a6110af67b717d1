"""Tables and views of a MySQL database, and their columns, as information_schema has them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.connectors.fingerprints import digest
from cluster.connectors.mysql.session import Session
from cluster.connectors.mysql.types import INTEGERS, Reading, quoted, reading
from cluster.connectors.relation_paths import parts_of, path_of
from cluster.errors import SourceDenied, SourceObjectGone

_TABLES = """
SELECT TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine, TABLE_ROWS AS rows_estimate, DATA_LENGTH AS bytes,
       TABLE_COMMENT AS comment
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW'){one} ORDER BY TABLE_NAME
"""
_COLUMNS = """
SELECT TABLE_NAME AS relation, COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_TYPE AS full, IS_NULLABLE AS nullable,
       COLUMN_KEY AS part_of, COLUMN_COMMENT AS comment, CHARACTER_SET_NAME AS charset, PRIVILEGES AS privileges
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s{one} ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
_KEYS = """
SELECT INDEX_NAME AS name, MAX(CASE WHEN SEQ_IN_INDEX = 1 THEN COLUMN_NAME END) AS col,
       MAX(NON_UNIQUE) + COUNT(*) - 1 AS repeats, MAX(NULLABLE) AS nullable
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_TYPE = 'BTREE' GROUP BY INDEX_NAME
"""
_ONE = " AND TABLE_NAME = %s"


@dataclass(frozen=True)
class Column:
    """A column; `readable` says whether the account may read it."""

    name: str
    type: str
    full: str
    nullable: bool
    primary: bool
    comment: str | None
    charset: str | None
    readable: bool

    @property
    def reading(self) -> Reading:
        return reading(self.type, self.full.lower())


@dataclass(frozen=True)
class Relation:
    """A table, or a view."""

    database: str
    name: str
    view: bool
    engine: str
    rows_estimate: int | None
    bytes: int | None
    comment: str | None
    columns: tuple[Column, ...] = ()

    @property
    def path(self) -> str:
        return path_of(self.database, self.name)

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        return f"{quoted(self.database)}.{quoted(self.name)}"

    @property
    def readable(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.readable)

    @property
    def shape(self) -> str:
        """All that the meaning of the rows depends on."""
        return digest([[column.name, column.full, column.charset] for column in self.readable])


def relations_of(session: Session) -> list[Relation]:
    """All tables and views that the account can see, by name."""
    columns: dict[str, list[Column]] = {}
    for row in session.rows(_COLUMNS.format(one=""), [session.database], "the columns"):
        columns.setdefault(row["relation"], []).append(_column(row))
    rows = session.rows(_TABLES.format(one=""), [session.database], "the tables")
    return [_relation(session.database, row, columns.get(row["name"], [])) for row in rows]


def relation_at(session: Session, path: str) -> Relation:
    """The table or view at a path. Raises SourceObjectGone if there is none, SourceDenied if it may not be read."""
    database, name = parts_of(path)
    rows = session.rows(_TABLES.format(one=_ONE), [database, name], path) if database == session.database else []
    if not rows:
        raise SourceObjectGone(f"{path} is no longer there.", "Discover the source again.")
    columns = session.rows(_COLUMNS.format(one=_ONE), [database, name], path)
    found = _relation(database, rows[0], [_column(row) for row in columns])
    if not found.view and not found.readable:
        raise SourceDenied(f"The account may not read {path}.", "Grant it SELECT on the table.")
    return found


class Key(NamedTuple):
    """An integer column that begins an index; `unique` if no two rows have the same, and none has null."""

    name: str
    unique: bool


def key_of(session: Session, relation: Relation) -> Key | None:
    """The key by which the table can be cut: the primary key before others."""
    integers = {column.name for column in relation.readable if column.type in INTEGERS}
    rows = session.rows(_KEYS, [relation.database, relation.name], relation.path)
    found = sorted(
        (row["name"] != "PRIMARY", bool(row["repeats"] or row["nullable"] == "YES"), row["col"])
        for row in rows
        if row["col"] in integers
    )
    return Key(found[0][2], not found[0][1]) if found else None


def _relation(database: str, row: dict[str, Any], columns: list[Column]) -> Relation:
    view = row["kind"] == "VIEW"
    return Relation(
        database,
        row["name"],
        view,
        row["engine"] or "",
        None if view else row["rows_estimate"],
        None if view else row["bytes"],
        None if view else row["comment"] or None,  # of a view it says VIEW, or what is wrong with it
        tuple(columns),
    )


def _column(row: dict[str, Any]) -> Column:
    return Column(
        row["name"],
        row["type"].lower(),
        row["full"],
        row["nullable"] == "YES",
        row["part_of"] == "PRI",
        row["comment"] or None,
        row["charset"],
        "select" in (row["privileges"] or "").lower(),
    )
