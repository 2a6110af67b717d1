"""Reading ranges of blocks in pieces of which the size is known before: the server is asked for it first.

How wide rows are varies along a table, and a server that was asked for too much cannot be stopped in the middle. So it
first says how many bytes the rows of some blocks will take on the wire, which costs it little: the length of a text is
known without reading it where it is stored apart. All pieces of a partition are read in one snapshot, so what was
measured is what comes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
from psycopg import sql
from psycopg.pq.abc import PGresult

from cluster.connectors.postgres.fetching import batch_of, transaction
from cluster.connectors.postgres.types import selected
from cluster.connectors.postgres.wire import PacedConnection

_AT_ONCE = 3  # pieces that a window is to hold, where as many statements may be sent
_LEAST_BLOCKS, _MOST_BLOCKS = 8, 128  # measured at once: what a server reads in a moment
_MEASURED_BYTES = 40  # for each block or line of which the size is told
_UNPACED_BYTES = 1 << 20  # of a piece where only statements are limited
_LINES = 300  # a block has fewer
_ROW_BYTES, _CELL_BYTES = 7, 4  # the messages around the values of a row
_ANSWER_BYTES, _FIELD_BYTES = 64, 84  # the messages around the rows, and what describes a column
# By the oids of src/include/catalog/pg_type.dat: the bytes of a value, and types of which the length is stored with it.
_FIXED = {16: 1, 20: 8, 21: 2, 23: 4, 700: 4, 701: 8, 1082: 4, 1083: 8, 1114: 8, 1184: 8}
_BYTEA, _TEXTS = 17, frozenset({25, 1042, 1043})
_MOST_OF_UTF8 = 3  # bytes of a character that takes one elsewhere
Place = tuple[int, int]  # a block and a line of it; no row has line 0


class Sized(NamedTuple):
    """The blocks or lines from one to another, both inclusive, and the bytes that their rows take on the wire."""

    first: int
    last: int
    bytes: int


class Blocks:
    """The rows of ranges of blocks of what stands behind FROM (`source`), of a server of PostgreSQL 14 or newer.

    `select` holds the columns that are read, with how they are. `encoding` is that of the server.
    """

    def __init__(
        self, connection: PacedConnection, source: sql.Composed, select: Sequence[tuple[str, str]], encoding: str
    ) -> None:
        self._connection, self._source, self._select, self._encoding = connection, source, select, encoding
        self._columns = sql.SQL(", ").join(selected(name, how) for name, how in select)
        self._octets: sql.Composable = sql.SQL("0")
        self._fixed = _ANSWER_BYTES + _FIELD_BYTES * len(select)
        room, often = connection.pacer.room, connection.pacer.queries_a_window
        at_once = _AT_ONCE if often is None else max(1, min(_AT_ONCE, often))
        self._most = _UNPACED_BYTES if room is None else max(1, room // at_once - self._fixed)

    def batches(self, oid: int, first: int, end: int | None) -> Iterator[pa.RecordBatch]:
        """The rows of blocks `first` to before `end`, None for the end of the table. Raises psycopg.Error."""
        with transaction(self._connection, sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")):
            self._octets = self._measure()
            for start, stop, size in self._pieces(first, self._end(oid) if end is None else end):
                statement = sql.SQL("SELECT {} FROM {} WHERE {}")
                with self._connection.expecting(size, sure=True):
                    result = self._connection.asked(
                        statement.format(self._columns, self._source, _between(start, stop)), binary=True
                    )
                yield batch_of(result)

    def _pieces(self, first: int, end: int) -> Iterator[tuple[Place, Place, int]]:
        """What is read at once, in the order of the blocks, with its size."""
        step = max(_LEAST_BLOCKS, min(_MOST_BLOCKS, self._most // _MEASURED_BYTES))
        for start in range(first, end, step):
            for part in grouped(self._blocks(start, min(end, start + step)), self._most):
                if part.bytes <= self._most:
                    yield (part.first, 0), (part.last + 1, 0), part.bytes + self._fixed
                    continue
                for row in grouped(self._lines(part.first), self._most):
                    yield (part.first, row.first), (part.first, row.last + 1), row.bytes + self._fixed

    def _blocks(self, first: int, end: int) -> list[tuple[int, int]]:
        statement = sql.SQL(
            "SELECT b, (SELECT coalesce(sum({}), 0)::bigint FROM {} WHERE ctid >= ('(' || b || ',0)')::tid"
            " AND ctid < ('(' || b + 1 || ',0)')::tid) FROM generate_series({}::bigint, {}::bigint) AS b"
        )
        return self._told(statement.format(self._octets, self._source, first, end - 1), end - first)

    def _lines(self, block: int) -> list[tuple[int, int]]:
        statement = sql.SQL(
            "SELECT (ctid::text::point)[1]::int, sum({})::bigint FROM {} WHERE {} GROUP BY 1 ORDER BY 1"
        )
        return self._told(statement.format(self._octets, self._source, _between((block, 0), (block + 1, 0))), _LINES)

    def _end(self, oid: int) -> int:
        """How many blocks the table has, or the largest of its parts. No row that the snapshot sees is behind them."""
        statement = sql.SQL(
            "SELECT 0, coalesce(max(pg_relation_size(id)), 0) / current_setting('block_size')::int FROM"
            " (SELECT {0}::oid UNION ALL SELECT relid FROM pg_partition_tree({0}::oid)) AS parts(id)"
        )
        return self._told(statement.format(oid), 1)[0][1]

    def _told(self, statement: sql.Composed, lines: int) -> list[tuple[int, int]]:
        with self._connection.expecting(_ANSWER_BYTES + _MEASURED_BYTES * (lines + 2)):
            found = self._connection.asked(statement)
        return [(_number(found, row, 0), _number(found, row, 1)) for row in range(found.ntuples)]

    def _measure(self) -> sql.Composed:
        """What says of a row how many bytes it takes on the wire."""
        statement = sql.SQL("SELECT {} FROM {} LIMIT 0").format(self._columns, self._source)
        with self._connection.expecting(self._fixed):
            described = self._connection.asked(statement)
        fixed, octets = _ROW_BYTES + _CELL_BYTES * len(self._select), []
        for place, (name, how) in enumerate(self._select):
            type_oid = described.ftype(place)
            if type_oid in _FIXED:
                fixed += _FIXED[type_oid]
            else:
                octets.append(self._length(sql.Identifier(name), type_oid, how))
        return sql.SQL(" + ").join([sql.SQL("{}::bigint").format(fixed), *octets])

    def _length(self, name: sql.Identifier, type_oid: int, how: str) -> sql.Composed:
        known = not how and (type_oid == _BYTEA or type_oid in _TEXTS)
        form = "coalesce(octet_length({0}), 0)" if known else "coalesce(octet_length({0}::text) + 1, 0)"
        if type_oid != _BYTEA and self._encoding not in ("UTF8", "SQL_ASCII"):
            form += f" * {_MOST_OF_UTF8}"
        return sql.SQL(form).format(name)


def grouped(sizes: Iterable[tuple[int, int]], most: int) -> Iterator[Sized]:
    """Neighbours taken together while they take at most `most` bytes; a larger one stays alone. None that is empty."""
    held: Sized | None = None
    for number, size in sizes:
        if held is not None and size and held.bytes + size > most:
            yield held
            held = None
        if size:
            held = Sized(held.first if held else number, number, size + (held.bytes if held else 0))
    if held is not None:
        yield held


def _between(start: Place, stop: Place) -> sql.Composed:
    clause = sql.SQL("ctid >= {}::tid AND ctid < {}::tid")
    return clause.format(*(f"({block},{line})" for block, line in (start, stop)))


def _number(found: PGresult, row: int, column: int) -> int:
    return int(found.get_value(row, column) or 0)
