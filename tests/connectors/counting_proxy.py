"""A proxy before PostgreSQL that counts what passes: bytes of the server, and statements of the client.

It stands for whoever looks at the wire: it reads as fast as it can and holds nothing back.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_STATEMENTS = b"QPF"  # a simple query, the parse of an extended one, a function call
_QUESTION_BYTES = 8
Entry = tuple[float, int]


class CountingProxy:
    """`received` are the bytes and `statements` the statements that have passed, each with the monotonic time.

    While it is `silent` it keeps to itself what the server says, as one does that stands still.
    """

    def __init__(self, host: str, port: int, *, postgresql: bool = True) -> None:
        self._upstream, self._postgresql = (host, port), postgresql
        self.received: list[Entry] = []
        self.statements: list[Entry] = []
        self.silent = False

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Its port on 127.0.0.1, for as long as the context is open."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()
            yield server.getsockname()[1]

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            upstream = socket.create_connection(self._upstream)
            threading.Thread(target=self._answers, args=(upstream, client), daemon=True).start()
            threading.Thread(target=self._questions, args=(client, upstream), daemon=True).start()

    def _answers(self, upstream: socket.socket, client: socket.socket) -> None:
        with upstream, client:
            while data := _some(upstream):
                self.received.append((time.monotonic(), len(data)))
                if not self.silent and not _sent(client, data):
                    return

    def _questions(self, client: socket.socket, upstream: socket.socket) -> None:
        held, typed = b"", 0  # the first message, and a question for TLS before it, has no byte for its type
        while data := _some(client):
            held += data if self._postgresql else b""
            while len(held) >= typed + 4 and len(held) >= (end := typed + struct.unpack_from(">i", held, typed)[0]):
                if typed and held[:1] in _STATEMENTS:
                    self.statements.append((time.monotonic(), 1))
                typed = int(typed or end > _QUESTION_BYTES)
                held = held[end:]
            if not _sent(upstream, data):
                return
        upstream.close()


def _sent(to: socket.socket, data: bytes) -> bool:
    try:
        to.sendall(data)
    except OSError:
        return False  # the other end is gone
    return True


def _some(from_: socket.socket) -> bytes:
    try:
        return from_.recv(1 << 16)
    except OSError:
        return b""


def fullest(entries: Sequence[Entry], seconds: float) -> int:
    """The most that any window of that length holds; it may be taken to begin with one of its entries."""
    ordered, most, held, first = sorted(entries), 0, 0, 0
    for at, amount in ordered:
        held += amount
        while ordered[first][0] <= at - seconds:
            held -= ordered[first][1]
            first += 1
        most = max(most, held)
    return most
