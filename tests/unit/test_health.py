"""States of sources change on several probes and never on one; latencies add up."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.sources.health import (
    BINS_PER_OCTAVE,
    Standing,
    added,
    bin_of,
    percentile,
    probed,
    refused,
)
from actors.sources.probing import PORTS, Target, probe, target_of
from cluster.connectors.interface import SourceAccess


def after(*outcomes: bool, ms: float = 10.0, begin: Standing | None = None) -> Standing:
    standing = begin or Standing()
    for up in outcomes:
        standing = probed(standing, up, ms)
    return standing


def test_one_failure_alarms_nobody_and_one_success_ends_no_alarm() -> None:
    well = after(*[True] * 10)
    assert well.state == "healthy"
    assert after(False, begin=well).state == "healthy"
    assert after(False, True, False, begin=well).state == "degraded"
    down = after(False, False, False, begin=well)
    assert down.state == "unreachable"
    assert after(True, begin=down).state == "unreachable"
    assert after(True, True, begin=down).state == "unreachable"
    assert after(True, True, True, begin=down).state == "degraded"
    assert after(*[True] * 5, begin=down).state == "healthy"


def test_slow_answers_degrade_a_source_and_are_not_learned_as_usual() -> None:
    well = after(*[True] * 50, ms=10.0)
    slow = after(*[True] * 30, ms=200.0, begin=well)
    assert slow.state == "degraded"
    assert slow.usual_ms is not None
    assert slow.usual_ms < 40
    assert after(*[True] * 30, ms=11.0, begin=slow).state == "healthy"
    quick = after(*[True] * 50, ms=0.2)
    assert after(*[True] * 30, ms=2.0, begin=quick).state == "healthy", "ten times nothing is nothing"


def test_a_refused_credential_is_said_and_taken_back_by_a_test() -> None:
    well = after(*[True] * 5)
    closed = refused(well, True)
    assert closed.state == "auth_failed"
    assert after(True, begin=closed).state == "auth_failed", "a probe knows nothing of credentials"
    assert refused(closed, False).state == "healthy"


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 5000)), max_size=80))
def test_a_state_never_flaps_between_two_probes(samples: list[tuple[bool, float]]) -> None:
    standing, left = Standing(), 99
    for up, ms in samples:
        before, standing = standing.state, probed(standing, up, ms)
        if before == "unreachable" and standing.state != before:
            assert standing.recent[-3:] == (True, True, True)
        if standing.state == "unreachable" and before != "unreachable":
            assert standing.recent.count(False) >= 3
            assert left >= 2, "three probes in a row have to fail again"
        left = 0 if before == "unreachable" and standing.state != before else left + 1


@given(st.lists(st.floats(0.06, 60_000), min_size=1, max_size=200), st.floats(0.05, 1.0))
def test_percentiles_of_added_histograms_are_right_to_within_a_bin(values: list[float], share: float) -> None:
    parts = [{str(bin_of(value)): 1} for value in values]
    found = percentile(added(parts), share)
    assert found is not None
    exact = sorted(values)[max(0, -(-int(share * len(values) * 1e9) // 10**9) - 1)]
    near = [
        sorted(values)[max(0, min(len(values) - 1, place))]
        for place in (int(share * len(values)) - 1, int(share * len(values)))
    ]
    width = 2 ** (1 / BINS_PER_OCTAVE)
    assert any(value / width <= found <= value * width for value in (exact, *near))
    assert added(reversed(parts)) == added(parts)


class Listener:
    """A server that answers SSLRequest as PostgreSQL does, or with something else."""

    def __init__(self, answer: bytes) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, args=(answer,), daemon=True).start()

    def _serve(self, answer: bytes) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            with client:
                self.heard.append(client.recv(8))
                client.sendall(answer)


@pytest.fixture
def listener() -> Iterator[Any]:
    made: list[Listener] = []

    def start(answer: bytes) -> Listener:
        made.append(Listener(answer))
        return made[-1]

    yield start
    for one in made:
        one.listening.close()


def looked_at(url: str, **options: str) -> Any:
    access = SourceAccess(source_id="s", url=url, options=options)
    return asyncio.run(probe(target_of(access, PORTS)))


def test_probes_speak_the_protocol_and_say_what_is_wrong(listener: Any, tmp_path: Any) -> None:
    server = listener(b"N")
    assert looked_at(f"postgresql://127.0.0.1:{server.port}/db").up
    assert server.heard == [struct.pack("!II", 8, 80877103)]
    other = listener(b"H")
    assert looked_at(f"postgresql://127.0.0.1:{other.port}/db").diagnosis == "unreadable"
    assert looked_at("s3://bucket", endpoint=f"http://127.0.0.1:{other.port}").up
    other.listening.close()
    assert looked_at("postgresql://127.0.0.1:1/db").diagnosis == "port-closed"
    assert looked_at("postgresql://nowhere.invalid/db").diagnosis == "dns-failure"
    assert looked_at("postgresql://169.254.169.254/db").diagnosis == "address-refused"
    assert looked_at(tmp_path.as_uri()).up
    assert looked_at(f"{tmp_path.as_uri()}/none").diagnosis == "not-there"


def test_what_is_probed_is_what_the_source_names() -> None:
    assert target_of(SourceAccess(source_id="s", url="postgresql://h/db"), PORTS) == Target(
        source_id="s", host="h", port=5432, speaks="postgresql"
    )
    assert target_of(SourceAccess(source_id="s", url="s3://b", options={"region": "eu-west-1"}), PORTS).host == (
        "s3.eu-west-1.amazonaws.com"
    )
    hosts = {
        "gs://bucket/x": ("storage.googleapis.com", 443), "bigquery://project/set": ("bigquery.googleapis.com", 443),
        "snowflake://account/db": ("account.snowflakecomputing.com", 443), "redshift://h/db": ("h", 5439),
        "abfss://box@mine.dfs.core.windows.net/x": ("mine.dfs.core.windows.net", 443), "mysql://h/db": ("h", 3306),
    }  # fmt: skip
    for url, expected in hosts.items():
        target = target_of(SourceAccess(source_id="s", url=url), PORTS)
        assert (target.host, target.port, target.path) == (*expected, None), url
