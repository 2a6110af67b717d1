"""A proxy before an S3 endpoint that answers some requests wrongly, as networks, stores and policies do."""

import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FAULTS = ("reset", "error", "slow-down", "denied", "cut", "no-token")
PAGE = 3

_BODIES = {
    "error": (500, b"<Error><Code>InternalError</Code><Message>Try again.</Message></Error>"),
    "slow-down": (503, b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"),
    "denied": (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
    "throttled": (429, b"<Error><Code>TooManyRequests</Code><Message>Reduce your rate.</Message></Error>"),
    "expired": (400, b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"),
    "region": (301, b"<Error><Code>PermanentRedirect</Code><Message>Use the other endpoint.</Message></Error>"),
}


class FaultyProxy:
    """Forwards to `endpoint` and spoils requests by chance while `share` is not 0, and with `always` every list,
    or the next `times` of them.

    Lists come in pages of three keys. reset closes the connection; error and slow-down are HTTP 500 and 503; denied
    is a permission that was lost; cut ends a body before its length; no-token is a page that says there are more and
    not where. `spoiled` counts what was not as it should be.
    """

    def __init__(self, endpoint: str, seed: int) -> None:
        self.upstream = urlsplit(endpoint).netloc
        self.chance = random.Random(seed)
        self.share = 0.0
        self.always: str | None = None
        self.times: int | None = None
        self.tagless = False
        self.spoiled: list[str] = []
        self._lock = threading.Lock()

    def choose(self, listing: bool) -> str | None:
        """The fault of the next request, None for most."""
        with self._lock:
            if self.always and listing and self.times != 0:
                self.times = None if self.times is None else self.times - 1
                self.spoiled.append(self.always)
                return self.always
            if self.chance.random() >= self.share:
                return None
            fault = self.chance.choice(FAULTS if listing else FAULTS[:-1])
            self.spoiled.append(fault)
            return fault

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address, for as long as the context is open."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: _Handler(self, *given))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: FaultyProxy, *given: Any) -> None:
        self.proxy = proxy
        super().__init__(*given)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what happened."""

    def do_GET(self) -> None:
        listing = "list-type" in parse_qs(urlsplit(self.path).query)
        fault = self.proxy.choose(listing)
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
            return
        if fault in _BODIES:
            self._answer(*_BODIES[fault], {"Content-Type": "application/xml"})
            return
        status, body, headers = self._forwarded(f"{self.path}&max-keys={PAGE}" if listing else self.path)
        if self.proxy.tagless and not listing:
            headers = {name: value for name, value in headers.items() if name.lower() != "etag"}
        if fault == "no-token":
            start, end = body.find(b"<NextContinuationToken>"), body.find(b"</NextContinuationToken>")
            if start >= 0:
                body = body[:start] + body[end + len(b"</NextContinuationToken>") :]
        self._answer(status, body, headers, cut=fault == "cut")

    do_HEAD = do_GET

    def _forwarded(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=30)
        sent = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        upstream.request(self.command, path, headers=sent | {"Host": self.proxy.upstream})
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection", "server")}
        return answer.status, body, kept

    def _answer(self, status: int, body: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        names = {name.lower() for name in headers}
        for name, value in headers.items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD" or "content-length" not in names:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True
