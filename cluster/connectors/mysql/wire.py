"""A connection to MySQL whose bytes come no faster than a pace lets them, and whose values can be had as they came.

What a server sends lies in the receive buffer of this end, which is made small under a pace, until there is room for
all of it: so no window of time sees more on the wire than the pace has for it (see `cluster.connectors.wire`).
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymysql

from cluster.connectors.pace import Pacer
from cluster.connectors.wire import Wire

_GREETING_BYTES = 8192  # what a server says until the session stands, with its certificates
_AT_ONCE = 64 << 10


class PacedConnection(pymysql.connections.Connection):  # type: ignore[misc]  # it has no types
    """Signs in over a socket that is open. Raises pymysql.MySQLError."""

    _read_timeout: float
    _write_timeout: float

    def __init__(self, pacer: Pacer, opened: socket.socket, statement_seconds: int, **given: Any) -> None:
        self._pacer, self._wire, self._buffer, self._held = pacer, None, 0, bytearray()
        pacer.reserve(_GREETING_BYTES)
        super().__init__(**given, read_timeout=given["connect_timeout"], defer_connect=True)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.connect(opened)
        self._read_timeout = statement_seconds
        if pacer.limited:
            self._wire = Wire(self._sock.fileno())
            if pacer.room is not None:
                self._buffer = self._wire.narrow(pacer.room)
            pacer.took(self._wire.uncounted())

    @contextmanager
    def raw(self) -> Iterator[None]:
        """The rows of what is asked meanwhile come as bytes."""
        unicode: bool = self.use_unicode  # type: ignore[has-type]
        decoders: dict[int, Any] = self.decoders  # type: ignore[has-type]
        self.use_unicode, self.decoders = False, {}
        try:
            yield
        finally:
            self.use_unicode, self.decoders = unicode, decoders

    def answers(self, seconds: float) -> bool:
        """Whether the server answers a ping within so many seconds; one that does not is of no use any more."""
        held, self._read_timeout, self._write_timeout = (self._read_timeout, self._write_timeout), seconds, seconds
        try:
            self.ping(reconnect=False)
        except (pymysql.MySQLError, OSError):
            self.drop()
            return False
        self._read_timeout, self._write_timeout = held
        return True

    def drop(self) -> None:
        """Closes the socket, whatever the server is still sending."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        with suppress(Exception):
            if self._result is not None:
                self._result.unbuffered_active = False
            self._force_close()

    def _read_bytes(self, num_bytes: int) -> bytes:
        if self._wire is None:
            return bytes(super()._read_bytes(num_bytes))
        while len(self._held) < num_bytes:
            self._pacer.reserve(self._buffer)
            part = self._rfile.read1(_AT_ONCE)
            if not part:
                self._force_close()
                raise pymysql.OperationalError(2013, "the connection was lost")
            self._held += part
            self._pacer.took(self._wire.uncounted())
        found = bytes(self._held[:num_bytes])
        del self._held[:num_bytes]
        return found
