"""What a source may not lead to: in figures of any form, by DNS, and by the lists of the settings."""

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.errors import AddressRefused, SourceUnreachable
from cluster.security.network import REFUSED, NetworkPolicy, check_places

OPEN = NetworkPolicy()


def networks(*texts: str) -> NetworkPolicy:
    return NetworkPolicy(networks=tuple(ipaddress.ip_network(text) for text in texts))


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "169.254.43518", "[fe80::1]",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "100.100.100.200",
        "168.63.129.16", "0.0.0.0", "fe80::1%eth0",
        "metadata.google.internal", "Metadata.Google.Internal.", "224.0.0.1",
    ],
)  # fmt: skip
def test_metadata_and_link_local_addresses_are_refused_in_every_form(host: str) -> None:
    with pytest.raises(AddressRefused):
        OPEN.check_name(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "db.example.org", "fd12:3456::1", "8.8.8.8", "1e100.net"])
def test_other_hosts_are_allowed_where_nothing_is_set(host: str) -> None:
    OPEN.check_name(host)


@given(st.ip_addresses(v=4), st.sampled_from(REFUSED))
def test_an_address_is_refused_exactly_in_the_refused_ranges_also_when_carried_in_ipv6(
    address: ipaddress.IPv4Address, network: Any
) -> None:
    if network.version == 4 and int(address) % 2:
        address = network[int(address) % network.num_addresses]
    refused = any(address in one for one in REFUSED if one.version == 4)
    for form in (address, ipaddress.IPv6Address(f"::ffff:{address}")):
        try:
            OPEN.check_address("host", form)
            passed = True
        except AddressRefused:
            passed = False
        assert passed is not refused


def test_the_lists_of_the_settings_narrow_it() -> None:
    named = NetworkPolicy(hosts=("db.example.org", "*.corp.example"))
    for host in ("db.example.org", "DB.Example.org", "a.b.corp.example"):
        named.check_name(host)
    for host in ("example.org", "corp.example", "db.example.org.evil.net"):
        with pytest.raises(AddressRefused):
            named.check_name(host)
    ranged = networks("10.0.0.0/8", "127.0.0.1/32")
    assert ranged.resolve("localhost", 80)[0] == "127.0.0.1"
    with pytest.raises(AddressRefused, match="outside"):
        networks("10.0.0.0/8").resolve("localhost", 80)


def test_only_a_range_within_a_refused_one_allows_it_again() -> None:
    networks("169.254.7.0/24").check_name("169.254.7.9")
    for policy in (networks("169.254.7.0/24"), networks("0.0.0.0/0")):
        with pytest.raises(AddressRefused):
            policy.check_name("169.254.169.254")


def test_what_a_name_resolves_to_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("93.184.216.34", "169.254.169.254")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused, match=r"169\.254"):
        OPEN.resolve("rebound.example", 5432)
    for url, options in (
        ("postgresql://rebound.example/db", {}),
        ("s3://bucket", {"endpoint": "http://rebound.example:9000"}),
    ):
        with pytest.raises(AddressRefused):
            check_places(url, options, ask_dns=True)
        with pytest.raises(AddressRefused):
            open_connector(SourceAccess(source_id="s", url=url, options=options), {"username": "u"})


def test_a_name_that_does_not_resolve_is_no_refusal() -> None:
    check_places("postgresql://nowhere.invalid/db", {}, ask_dns=True)
    with pytest.raises(SourceUnreachable) as caught:
        OPEN.resolve("nowhere.invalid", 5432)
    assert caught.value.context["diagnosis"] == "dns-failure"
