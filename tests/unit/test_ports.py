"""Ports that are set are taken as they are, whatever was kept from before."""

import socket

import pytest

from cluster.errors import ConfigurationError
from cluster.runtime.ports import choose


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_a_port_that_is_set_wins_over_one_that_was_kept() -> None:
    wanted, kept = free_port(), choose({"http": 0, "ray": 0}, {}, 99)
    chosen = choose({"http": wanted, "ray": 0}, kept, 99)
    assert chosen == {"http": wanted, "ray": kept["ray"]}


def test_a_port_that_is_set_and_in_use_is_refused_by_the_name_of_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {taken} is in use") as caught:
            choose({"dashboard": taken}, {}, 0)
    assert "SEXTANT_DASHBOARD_PORT" in caught.value.remedy
