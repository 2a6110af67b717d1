"""SQLite 3 databases. A file is opened read only; nothing is written to it, not even to recover it.

Tables are cut by their rowid, which their B-tree is ordered by; those WITHOUT ROWID by their primary key if that is
one integer, else they are one partition. The content of a range is marked by the pages that hold it (see
`sqlite_pages`): a write makes new the partitions whose pages it changed. While a write-ahead log holds something,
and for virtual tables, only the whole file is marked: any write then makes all partitions new.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from cluster.connectors.interface import LogicalType, SourceFacts
from cluster.connectors.key_range import KeyRange
from cluster.connectors.sql.database import Content, Relation, Survey
from cluster.connectors.sql.sqlite_file import SqliteFile
from cluster.connectors.sql.sqlite_pages import SqlitePages
from cluster.connectors.sql.sqlite_values import lengths_of, quoted, survey
from cluster.errors import SourceDenied, SourceError, SourceObjectGone, SourceUnreachable, SourceUnreadable

_OLDEST = (3, 37)  # PRAGMA table_list
_LIST = """
SELECT l.name, l.type, l.wr AS without_rowid, coalesce(s.sql, '') AS sql, coalesce(s.rootpage, 0) AS root
FROM pragma_table_list AS l JOIN sqlite_master AS s ON s.name = l.name AND s.type IN ('table', 'view')
WHERE l.schema = 'main' AND l.type IN ('table', 'view', 'virtual') AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY l.name
"""
_DESCENDING = """
SELECT max(x."desc") FROM pragma_index_list(:name) AS l, pragma_index_xinfo(l.name) AS x WHERE l.origin = 'pk'
"""
_PSEUDO = ("rowid", "_rowid_", "oid")
_SAMPLED_ROWS = 1000
_MOST_RESULTS = 300  # with five aggregates in each; SQLite takes 2000
_INTEGER = re.compile(r"int", re.I)


class SqliteDatabase:
    """One file. See `database.Database`."""

    kind = "sqlite"

    def __init__(self, place: Path, wait_seconds: int) -> None:
        self.name, self._place, self._wait = place.name, place, wait_seconds
        self._file: SqliteFile | None = None
        self._engine: sa.Engine | None = None

    def file(self) -> SqliteFile:
        """The open file. Raises SourceError if it is not there, may not be read, or is no database."""
        if self._file is not None and self._file.replaced():
            self.close()
        if self._file is None:
            self._file = SqliteFile(self._place)
            self._file.check()
        return self._file

    @contextmanager
    def transaction(self, what: str) -> Iterator[sa.Connection]:
        self.file()
        try:
            with self._opened().connect() as connection:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # only now it holds its lock
                yield connection
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raised = _fault(error, what)
        else:
            return
        raise raised from None  # the driver's message may quote a value

    def relations(self, connection: sa.Connection) -> list[Relation]:
        found = []
        for row in connection.execute(sa.text(_LIST)).mappings():
            view = row["type"] == "view"
            key = _key(connection, row) if row["type"] == "table" else None
            found.append(Relation(row["name"], "view" if view else "table", key, row["sql"], row["root"]))
        return found

    def content(self, connection: sa.Connection, relation: Relation, span: KeyRange) -> Content:
        file = self.file()
        if not relation.root or file.logged():
            return Content("-".join(map(str, file.state())), exact=False)
        leaves = SqlitePages(file.handle, file.name).leaves(relation.root, span)
        whole = span.first is None and span.end is None
        encoding = connection.exec_driver_sql("PRAGMA encoding").scalar_one()
        return Content(f"{encoding}-{leaves.mark}", True, leaves.cells if whole else span.rows, leaves.bytes)

    def survey(
        self, connection: sa.Connection, relation: Relation, columns: dict[str, LogicalType], span: KeyRange
    ) -> Survey:
        return survey(columns, lambda aggregates: self._most(connection, relation, span, aggregates))

    def row_bytes(self, connection: sa.Connection, relation: Relation, columns: list[str]) -> int:
        total = " + ".join(f"({length})" for length in lengths_of(columns)) or "0"
        first = f"SELECT {total} AS size FROM {quoted(relation.name)} LIMIT {_SAMPLED_ROWS}"  # noqa: S608 - names quoted
        found = connection.exec_driver_sql(f"SELECT avg(size) FROM ({first})").scalar()  # noqa: S608 - as above
        return 8 + int(found or 0)

    def rows(
        self, connection: sa.Connection, statement: sa.Select[*tuple[Any, ...]], size: int
    ) -> Iterator[Sequence[tuple[Any, ...]]]:
        done, driver = 0, connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        cursor = connection.execute(statement).cursor
        try:
            while part := cursor.fetchmany(size):
                yield part
                done += len(part)
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        else:
            return
        driver.text_factory = bytearray  # bytes would be a blob; the connection ends with its transaction
        cursor = connection.execute(statement).cursor
        while done > 0:  # the same rows in the same order, as it is the same transaction
            done -= len(cursor.fetchmany(min(size, done)))
        while part := cursor.fetchmany(size):
            yield part

    @staticmethod
    def _most(connection: sa.Connection, relation: Relation, span: KeyRange, of: list[str]) -> list[Any]:
        """Aggregates over a range, a part of them at a time."""
        found: list[Any] = []
        for start in range(0, len(of), _MOST_RESULTS):
            wanted: sa.Select[*tuple[Any, ...]] = sa.select(
                *[sa.literal_column(text) for text in of[start : start + _MOST_RESULTS]]
            )
            where = span.where(sa.column(relation.key)) if relation.key else []
            found += connection.execute(wanted.select_from(sa.table(relation.name)).where(*where)).one()
        return found

    def facts(self) -> SourceFacts:
        with self.transaction(self.name) as connection:
            asked = ("journal_mode", "encoding", "page_size", "user_version", "application_id")
            told = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked}
        return SourceFacts(
            kind=self.kind,
            public_access=self.file().world_readable(),
            extra={"loopback": True, "storage": "local", "library": sqlite3.sqlite_version, **told},
        )

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            if sqlite3.sqlite_version_info < _OLDEST:
                raise SourceUnreadable(
                    f"SQLite {sqlite3.sqlite_version} of this Python is too old.", "Use a Python with SQLite 3.37."
                )
            self._engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        return self._engine

    def _connect(self) -> sqlite3.Connection:
        place = f"file:{quote(str(self.file().path))}?mode=ro"
        made = sqlite3.connect(place, uri=True, timeout=self._wait, isolation_level=None, check_same_thread=False)
        for setting in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            made.execute(f"PRAGMA {setting}")
        return made


def _key(connection: sa.Connection, row: Any) -> str | None:
    columns = connection.execute(sa.text("SELECT name, type, pk FROM pragma_table_xinfo(:name)"), {"name": row["name"]})
    found = list(columns)
    if row["without_rowid"]:
        keys = [(name, type_) for name, type_, place in found if place]
        descending = connection.execute(sa.text(_DESCENDING), {"name": row["name"]}).scalar()
        return keys[0][0] if len(keys) == 1 and _INTEGER.search(keys[0][1]) and not descending else None
    names = {name.lower() for name, _, _ in found}
    return next((name for name in _PSEUDO if name not in names), None)


def _fault(error: Exception, what: str) -> SourceError:
    cause = getattr(error, "orig", None) or error
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SourceUnreachable(f"{what} is locked by a writer.", "Try again later, or raise connect_timeout.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT):
        return SourceUnreadable(f"{what} is damaged, or no SQLite database.", "Check it with PRAGMA integrity_check.")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return SourceUnreadable(
            f"{what} has to be recovered, or is in WAL mode in a folder that may not be written to.",
            "Open it once with the program it belongs to, or copy it.",
        )
    if code in (sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return SourceDenied(f"{what} may not be read.", "Give the account of Sextant the right to read it.")
    if isinstance(error, sa.exc.NoSuchTableError) or "no such table" in str(cause) or "no such column" in str(cause):
        return SourceObjectGone(f"{what} is no longer as it was listed.", "Discover the source again.")
    return SourceUnreadable(f"{what} could not be read (SQLite error {code}).", "Open it with SQLite to see why.")
