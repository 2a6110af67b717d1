"""Every port that is set is the port that is used."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.on_ray.test_instance import DOWN, UP, Home

pytestmark = pytest.mark.ray

SETTINGS = {
    "ray": "SEXTANT_RAY_PORT", "postgres": "SEXTANT_POSTGRES_PORT", "dashboard": "SEXTANT_DASHBOARD_PORT",
    "http": "SEXTANT_HTTP_PORT",
}  # fmt: skip


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="sxt-") as folder:
        made = Home(Path(folder))
        try:
            yield made
        finally:
            made.run(DOWN)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_an_instance_listens_where_it_was_told_to(home: Home) -> None:
    wanted = dict(zip(SETTINGS, free_ports(len(SETTINGS)), strict=True))
    record = home.run(UP, **{SETTINGS[name]: str(port) for name, port in wanted.items()})
    assert {name: record["ports"][name] for name in wanted} == wanted
    for name in wanted.keys() - {"http"}:  # nothing is deployed here that would listen on it
        socket.create_connection(("127.0.0.1", wanted[name]), timeout=10).close()
