"""A session with PostgreSQL in which bytes come no faster than a pace lets them, as anybody on the way counts them.

A server sends what was asked for as fast as it can, and the buffers of both ends hold it. So room is reserved before
anything is asked: for what is expected, and for what the receive buffer of this end, which is made small, can hold
besides. An answer that is larger than expected is left in that buffer until there is room again; TCP then stops the
server.
"""

import select
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import DictRow, dict_row
from psycopg.waiting import Ready

from cluster.connectors.pace import Pacer
from cluster.connectors.wire import Wire

RV = TypeVar("RV")
_ANSWER_BYTES = 2048  # what a question is expected to bring where nothing is said
_GREETING_BYTES = 8192  # what a server says until the session stands, with its certificates


class PacedConnection(psycopg.Connection[DictRow]):
    """Each answer waits for the room that it needs. Made by `paced_connection`."""

    pacer: Pacer
    answered = 0  # bytes of the last answer
    _wire: Wire
    _expected = _ANSWER_BYTES
    _buffer = _spare = 0

    def begin(self, pacer: Pacer) -> None:
        """Keeps the pace from now on. What came before is counted, for which the room was reserved."""
        self.pacer, self._wire = pacer, Wire(self.pgconn.socket)
        if pacer.room is not None:
            self._buffer = self._spare = self._wire.narrow(pacer.room)
        self._count()

    @contextmanager
    def expecting(self, size: int, *, sure: bool = False) -> Iterator[None]:
        """What is asked meanwhile is expected to bring that many bytes at most; `sure` if that is known."""
        self._expected, self._spare = size, 0 if sure else self._buffer
        try:
            yield
        finally:
            self._expected, self._spare = _ANSWER_BYTES, self._buffer

    def asked(self, statement: sql.SQL | sql.Composed, *, binary: bool = False) -> PGresult:
        """The answer of a statement, which is sent when it may be. Raises psycopg.Error."""
        self.pacer.query()
        result = self.execute(statement, binary=binary).pgresult
        self.pacer.answered()
        if result is None:
            raise psycopg.InterfaceError("no answer")
        return result

    def wait(self, gen: Generator[Any, Any, RV], *given: Any, **more: Any) -> RV:
        return super().wait(self._paced(gen), *given, **more)

    def close(self) -> None:
        self._wire.close()
        super().close()

    def _paced(self, gen: Generator[Any, Any, RV]) -> Generator[Any, Any, RV]:
        """The generator of a conversation, which is held back before it reads more than was expected."""
        left = self._expected
        self.pacer.reserve(left + self._spare)
        self.answered = 0
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready & Ready.R:
                    left -= self._count()
                    if left < 0:
                        self.pacer.reserve(self._buffer)
                state = gen.send(ready)
        except StopIteration as ended:
            result: RV = ended.value
            return result
        finally:
            self._count()

    def _count(self) -> int:
        come = self._wire.uncounted()
        self.answered += come
        self.pacer.took(come)
        return come


def paced_connection(conninfo: str, pacer: Pacer) -> PacedConnection:
    """Opens a session, which sends no statement by itself. Raises psycopg.Error."""
    pacer.reserve(_GREETING_BYTES)
    connection = PacedConnection.connect(conninfo, autocommit=True, row_factory=dict_row, prepare_threshold=None)
    connection.begin(pacer)
    return connection


def answers(connection: PGconn, seconds: float) -> bool:
    """Whether the server answers an idle session within so many seconds; one that does not is of no use any more.

    libpq itself would wait for as long as the other end keeps the connection, which a server that stands still does.
    """
    until, well = time.monotonic() + seconds, True
    connection.send_query(b"SELECT 1")
    connection.flush()
    waiting = select.poll()
    waiting.register(connection.socket, select.POLLIN)
    while True:
        while connection.is_busy():
            if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
                return False
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return well
        well = well and result.status == ExecStatus.TUPLES_OK
