"""A way to a server that can be shut for a while, as a network is that fails."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Passes on what comes to a port of its own; `connections` counts what was let through."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port, self.connections = 0, 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        self.lift()
        try:
            yield
        finally:
            self.shut()

    def lift(self) -> None:
        """Lets connections through, at the port that it had before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Ends all connections, and refuses others."""
        assert self._listener is not None
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self.connections += 1
            self._open += [client, server]
            for origin, target in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(origin, target), daemon=True).start()


def _copy(origin: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := origin.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
