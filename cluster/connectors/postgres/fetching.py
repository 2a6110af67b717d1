"""Reading the answer of a statement piece by piece, each as large as the pace has room for.

A cursor on the server sends what a FETCH asks for and nothing else, so that nothing waits in buffers on the way. How
many rows that may be is not known before; what was asked for too much is left in the buffers of the connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult

from cluster.connectors.postgres.decoding import arrow_of
from cluster.connectors.postgres.wire import PacedConnection

_CURSOR = sql.Identifier("sextant")
_SHARE = 4  # of the room of a window that a piece is to take
_UNPACED_BYTES = 1 << 20  # of a piece where only statements are limited
_GROWTH = 4
_MARGIN = 1.5  # rows may be that much wider than those that were seen
_NARROWS = 0.9  # of the widest that was seen, with each piece: wide rows may all have been in one place


class Pieces:
    """How many rows to ask for next so that they take about `bytes`: few until their width is known."""

    def __init__(self, size: int, most_rows: int) -> None:
        self.bytes, self.rows, self._most, self._widest = size, 1, most_rows, 0.0

    def took(self, rows: int, size: int) -> None:
        """That many rows took that many bytes."""
        self._widest = max(size / rows, self._widest * _NARROWS)
        self.rows = max(1, min(self._most, rows * _GROWTH, int(self.bytes / (_MARGIN * self._widest))))


def fetched(connection: PacedConnection, statement: sql.Composed, most_rows: int) -> Iterator[pa.RecordBatch]:
    """The answer of a SELECT, in pieces that hold rows. Raises psycopg.Error."""
    pieces = Pieces(_UNPACED_BYTES if connection.pacer.room is None else connection.pacer.room // _SHARE, most_rows)
    with transaction(connection, sql.SQL("BEGIN READ ONLY")):  # without one a server would keep a copy of all rows
        connection.asked(sql.SQL("DECLARE {} BINARY NO SCROLL CURSOR FOR {}").format(_CURSOR, statement))
        while True:
            rows = pieces.rows
            with connection.expecting(pieces.bytes):
                result = connection.asked(sql.SQL("FETCH FORWARD {} FROM {}").format(rows, _CURSOR))
            if result.ntuples:
                pieces.took(result.ntuples, connection.answered)
                yield batch_of(result)
            if result.ntuples < rows:
                return


@contextmanager
def transaction(connection: PacedConnection, begin: sql.SQL) -> Iterator[None]:
    """A transaction in which nothing is written. It is rolled back, unless the session is no more."""
    connection.asked(begin)
    try:
        yield
    finally:
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.asked(sql.SQL("ROLLBACK"))


def batch_of(result: PGresult) -> pa.RecordBatch:
    """A result in binary form."""
    rows, names, arrays = range(result.ntuples), [], []
    for column in range(result.nfields):
        names.append((result.fname(column) or b"").decode())
        arrays.append(arrow_of(result.ftype(column), [result.get_value(row, column) for row in rows]))
    return pa.RecordBatch.from_arrays(arrays, names=names)
