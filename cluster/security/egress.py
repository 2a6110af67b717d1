"""A forward proxy inside this process that lets HTTP clients reach allowed addresses only.

Clients written in other languages resolve names and follow redirects by themselves, where Sextant could not look. They
are given this proxy (RFC 9110, 3.7: absolute-form requests, and CONNECT for TLS), so that every connection they make,
that of a redirect too, goes to an address that `cluster.security.network` has checked, and to that very address.
It listens on the loopback, asks for a password that only this process knows, and what it relays is not looked at.
"""

import base64
import contextlib
import hmac
import secrets
import socket
import threading
from functools import cache
from urllib.parse import urlsplit

import structlog

from cluster.errors import AddressRefused, SextantError
from cluster.security.network import policy

log = structlog.get_logger("egress")

HEAD_BYTES = 64 << 10
BLOCK = 256 << 10
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 300.0


class Egress:
    """The proxy. `url` is what a client is given; it serves until the process ends."""

    def __init__(self) -> None:
        self._password = secrets.token_urlsafe(24)
        self._expected = b"basic " + base64.b64encode(f"sextant:{self._password}".encode())
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._accept, name="egress", daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the proxy, with its password."""
        return f"http://sextant:{self._password}@127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="egress", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        upstream: socket.socket | None = None
        with client, contextlib.suppress(OSError, ValueError):
            client.settimeout(IDLE_SECONDS)
            buffer = bytearray()
            head = _head(client, buffer)
            method, target = _request(head)
            try:
                policy().resolve(*target)
                if not self._known(head):  # clients leave the password out when they were sent to another host
                    _answer(client, "407 Proxy Authentication Required", "redirected")
                    return
                upstream = _connected(target)
            except SextantError as error:
                refused = isinstance(error, AddressRefused)
                log.warning("connection not made", code=error.code)
                _answer(client, "403 Forbidden" if refused else "502 Bad Gateway", error.code)
                return
            with upstream:
                back = threading.Thread(target=_relay, args=(upstream, client), name="egress", daemon=True)
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back.start()
                    upstream.sendall(bytes(buffer))
                    _relay(client, upstream)
                else:
                    back.start()
                    _requests(client, upstream, head, buffer, target)
                back.join()

    def _known(self, head: bytes) -> bool:
        given = _field(head, b"proxy-authorization") or b""
        scheme, _, value = given.partition(b" ")
        return hmac.compare_digest(scheme.lower() + b" " + value.strip(), self._expected)


@cache
def egress() -> Egress:
    """The proxy of this process, started on first use."""
    return Egress()


def _requests(
    client: socket.socket, upstream: socket.socket, head: bytes, buffer: bytearray, target: tuple[str, int]
) -> None:
    """Passes on one request after the other, each in origin-form, for as long as they are for the same host."""
    while head and _request(head)[1] == target:
        upstream.sendall(_origin_form(head))
        left = int(_field(head, b"content-length") or 0)
        if _field(head, b"transfer-encoding"):
            raise ValueError("what is read has no body of unknown length")
        while left > 0:
            block = bytes(buffer[:left]) or client.recv(min(left, BLOCK))
            if not block:
                return
            del buffer[: len(block)]
            upstream.sendall(block)
            left -= len(block)
        head = _head(client, buffer)
    with contextlib.suppress(OSError):
        upstream.shutdown(socket.SHUT_RDWR)


def _head(client: socket.socket, buffer: bytearray) -> bytes:
    """The next request's head, ended by an empty line; empty where the client has closed."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        block = client.recv(BLOCK) if len(buffer) < HEAD_BYTES else b""
        if not block:
            return b""
        buffer += block
    head = bytes(buffer[: end + 4])
    del buffer[: end + 4]
    return head


def _request(head: bytes) -> tuple[str, tuple[str, int]]:
    """The method, and the host and port that are asked for. Raises ValueError."""
    method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
    if not parts.hostname:
        raise ValueError("the request names no host")
    return method, (parts.hostname, parts.port or (443 if method == "CONNECT" else 80))


def _origin_form(head: bytes) -> bytes:
    line, _, fields = head.partition(b"\r\n")
    method, target, version = line.split(b" ")
    parts = urlsplit(target.decode("ascii"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [field for field in fields.split(b"\r\n") if not field.lower().startswith((b"proxy-", b"connection:"))]
    return b" ".join((method, path.encode("ascii"), version)) + b"\r\n" + b"\r\n".join(kept)


def _field(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, separator, value = line.partition(b":")
        if separator and key.strip().lower() == name:
            return value.strip()
    return None


def _connected(target: tuple[str, int]) -> socket.socket:
    """A connection to the first address that answers. Raises AddressRefused, SourceUnreachable, OSError."""
    host, port = target
    failed: OSError | None = None
    for address in policy().resolve(host, port):
        try:
            made = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            failed = error
            continue
        made.settimeout(IDLE_SECONDS)
        return made
    raise failed or OSError("the host has no address")


def _relay(origin: socket.socket, target: socket.socket) -> None:
    """Copies what comes until it ends, and ends the other side too."""
    block = memoryview(bytearray(BLOCK))
    with contextlib.suppress(OSError):
        while count := origin.recv_into(block):
            target.sendall(block[:count])
    for side, how in ((target, socket.SHUT_WR), (origin, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            side.shutdown(how)


def _answer(client: socket.socket, status: str, code: str = "") -> None:
    body = code.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    client.sendall(head.encode() + b"\r\n" + body)
