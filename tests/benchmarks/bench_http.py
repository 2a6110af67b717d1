"""Requests a second and latency of a running Sextant: one read and one command, by a closed-loop client.

    SEXTANT_URL=http://127.0.0.1:8000 SEXTANT_TOKEN=... python -m tests.benchmarks.bench_http

Each client is a thread with one kept-open connection that sends its next request when the reply is in; so requests a
second times mean latency equals the number of clients. The client is Python's own http.client and shares the machine
with the server: figures are of both together. The read is a page of sources with its token checked. The command
registers a source (fenced transaction, event, audit entry, all durable before the reply) and is answered by one actor
that commits in groups, so it gains from more clients. Sources made here are named `bench-...` and are retired at the
end. The baseline of the ratios is /health/live, a route that touches no database and no actor. Nothing is asserted.
"""

import argparse
import http.client
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks import machine

PREFIX = "/api/v1"
Request = tuple[str, str, bytes | None]


@dataclass
class Load:
    """What the clients of one measurement saw: latencies in seconds of good replies, and others by status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Good replies a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the good replies stayed within (nearest rank)."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")


class Client(threading.Thread):
    """One closed-loop client. The first replies, up to `start`, are not counted."""

    def __init__(self, url: str, token: str, make: Callable[[], Request], start: float, end: float) -> None:
        super().__init__(daemon=True)
        self._parts, self._token, self._make, self._start, self._end = urlsplit(url), token, make, start, end
        self.load = Load()

    def run(self) -> None:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=60)
        while (sent := time.perf_counter()) < self._end:
            method, path, body = self._make()
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            if method != "GET":
                headers["Idempotency-Key"] = uuid.uuid4().hex
            try:
                connection.request(method, path, body, headers)
                reply = connection.getresponse()
                status, content = reply.status, reply.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                status, content = 0, b""
                time.sleep(0.05)
            self._count(status, content, sent, keep=method != "GET")
        connection.close()

    def _count(self, status: int, content: bytes, sent: float, keep: bool) -> None:
        if 200 <= status < 300:
            if sent >= self._start:
                self.load.latencies.append(time.perf_counter() - sent)
            if keep:
                self.load.bodies.append(content)
        else:
            self.load.refused[status] = self.load.refused.get(status, 0) + 1


def load(url: str, token: str, make: Callable[[], Request], clients: int, seconds: float) -> Load:
    """`clients` at once for `seconds`, after one second that is not counted."""
    start = time.perf_counter() + 1.0
    running = [Client(url, token, make, start, start + seconds) for _ in range(clients)]
    for client in running:
        client.start()
    for client in running:
        client.join()
    total = Load(seconds=time.perf_counter() - start)
    for client in running:
        total.latencies += client.load.latencies
        total.bodies += client.load.bodies
        for status, count in client.load.refused.items():
            total.refused[status] = total.refused.get(status, 0) + count
    return total


def baseline() -> Request:
    return "GET", f"{PREFIX}/health/live", None


def read() -> Request:
    return "GET", f"{PREFIX}/sources?limit=20", None


def command() -> Request:
    mark = uuid.uuid4().hex
    return "POST", f"{PREFIX}/sources", json.dumps({"url": f"file:///bench/{mark}", "name": f"bench-{mark}"}).encode()


KINDS = (("live (baseline)", baseline), ("read: page of sources", read), ("command: register", command))


def retire(url: str, token: str, bodies: list[bytes]) -> None:
    """Takes the sources that were registered out of service again."""
    left = [json.loads(body)["id"] for body in bodies]
    lock = threading.Lock()

    def work() -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"}
        while True:
            with lock:
                if not left:
                    return
                identifier = left.pop()
            connection.request("POST", f"{PREFIX}/sources/{identifier}/retire", None, headers)
            connection.getresponse().read()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bench(url: str, token: str, clients: list[int], seconds: float) -> None:
    """Prints a line for each kind of request and number of clients, with the ratio to the baseline's rate."""
    print(f"\nHTTP at {url}, {seconds:g} s each; ratio is requests/s against /health/live with as many clients")
    print(f"{'request':<28}{'clients':>8}{'req/s':>10}{'p50 ms':>9}{'p95 ms':>9}{'ratio':>8}   not 2xx")
    made: list[bytes] = []
    for count in clients:
        rate = 0.0
        for name, make in KINDS:
            found = load(url, token, make, count, seconds)
            rate = rate or found.rate
            made += found.bodies
            ratio = f"{found.rate / rate:8.2f}" if rate else f"{'-':>8}"
            print(
                f"{name:<28}{count:>8}{found.rate:>10.0f}{found.quantile(0.5):>9.1f}{found.quantile(0.95):>9.1f}{ratio}"
                f"   {found.refused or ''}"
            )
    retire(url, token, made)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("SEXTANT_URL"), help="the instance; else SEXTANT_URL")
    parser.add_argument("--token", default=os.environ.get("SEXTANT_TOKEN"), help="a token; else SEXTANT_TOKEN")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], help="clients at once")
    given = parser.parse_args(arguments)
    if not given.url or not given.token:
        sys.exit("bench_http: name a running instance with --url and --token, or SEXTANT_URL and SEXTANT_TOKEN.")
    bench(given.url, given.token, given.clients, given.seconds)


if __name__ == "__main__":
    print(machine.describe())
    main()
