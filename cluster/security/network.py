"""Where sources may lie: the hosts and addresses that Sextant connects to (against server-side request forgery).

Two lists of the settings narrow it: `allowed_hosts` (names, `*.` for all below one) and `allowed_networks` (ranges).
Without them every address is allowed but those of `REFUSED`: link-local ones, which clouds serve credentials at, the
metadata services that lie elsewhere, and those that are no address of a host. A range of `allowed_networks` that lies
within a refused one allows it again; a wider one does not.

A name is checked when a source is registered. What it resolves to is checked whenever a connection is made, and the
connection goes to the very addresses that were checked, so a name that resolves otherwise a moment later wins nothing.
"""

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from cluster.errors import AddressRefused, ConfigurationError, SourceUnreachable
from cluster.security.folders import check_folder
from cluster.settings import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16", "fe80::/10",  # link-local: RFC 3927, RFC 4291; AWS, Azure, Google and Oracle metadata
        "fd00:ec2::/32",  # AWS: metadata and other services over IPv6
        "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",  # Alibaba, Azure's wire server, Oracle (old)
        "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32",  # no address of a host: RFC 6890
    )
)  # fmt: skip
_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
LOCAL = frozenset({"file", "sqlite", "duckdb"})
_NO_HOSTS = LOCAL | frozenset({"s3", "gs", "snowflake", "bigquery"})
"""Schemes whose URLs name a path, bucket, account or project: the vendor's own host serves it, or `endpoint` does."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REMEDY = "Use another address, or have an administrator allow it by SEXTANT_ALLOWED_HOSTS or SEXTANT_ALLOWED_NETWORKS."


class Place(NamedTuple):
    """A host that a source names, and the port where it names one."""

    host: str
    port: int | None


class NetworkPolicy(NamedTuple):
    """What is allowed. Empty lists allow everything that is not refused."""

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def check_name(self, host: str) -> None:
        """Raises AddressRefused for a name, or an address in figures, that can be refused without asking DNS."""
        name = host.lower().rstrip(".")
        literal = _literal(name)
        if literal is not None:
            self.check_address(host, literal)
        elif name in _NAMES:
            raise AddressRefused(f"'{host}' is the metadata service of a cloud.", _REMEDY)
        elif self.hosts and not any(fnmatchcase(name, pattern) for pattern in self.hosts):
            raise AddressRefused(f"'{host}' is not among the hosts that sources may lie on.", _REMEDY)

    def check_address(self, host: str, address: Address) -> None:
        """Raises AddressRefused for an address of `host` that may not be connected to."""
        for form in _forms(address):
            refused = next((network for network in REFUSED if _within(form, network)), None)
            named = any(_within(form, network) for network in self.networks)
            again = any(_within(form, network) and _narrower(network, refused) for network in self.networks)
            if refused is not None and not again:
                raise AddressRefused(
                    f"'{host}' leads to {form}, which is link-local, or of a cloud's metadata.", _REMEDY
                )
            if self.networks and not named and form is address:
                raise AddressRefused(
                    f"'{host}' leads to {form}, outside of the ranges that sources may lie in.", _REMEDY
                )

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses to connect to, all of them allowed. Raises AddressRefused, SourceUnreachable without any."""
        self.check_name(host)
        addresses = lookup(host, port)
        for address in addresses:
            self.check_address(host, ipaddress.ip_address(address.partition("%")[0]))
        return addresses


def lookup(host: str, port: int) -> tuple[str, ...]:
    """What the name resolves to, in the resolver's order. Raises SourceUnreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceUnreachable(
            f"The host name '{host}' could not be resolved.", "Check the name, and the DNS of this machine.",
            {"diagnosis": "dns-failure"},
        ) from None  # fmt: skip
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def policy() -> NetworkPolicy:
    """The policy of this installation. Raises ConfigurationError for a range that is none."""
    chosen = settings()
    hosts = tuple(part.lower() for part in _parts(chosen.allowed_hosts))
    try:
        return NetworkPolicy(hosts, tuple(ipaddress.ip_network(part) for part in _parts(chosen.allowed_networks)))
    except ValueError:
        raise ConfigurationError(
            "SEXTANT_ALLOWED_NETWORKS holds something that is no range.",
            "Write ranges such as 10.0.0.0/8, with commas.",
        ) from None


def places_of(url: str, options: Mapping[str, str]) -> Iterator[Place]:
    """Every host that a source names: that of its URL, and those of all options that are URLs."""
    for text in (url, *options.values()):
        scheme, separator, _ = text.partition("://")
        if not separator or scheme in _NO_HOSTS:
            continue
        parts = urlsplit(text)
        if parts.hostname and (scheme not in {"abfs", "abfss"} or "." in parts.hostname):
            yield Place(parts.hostname, parts.port)


def check_places(url: str, options: Mapping[str, str], *, ask_dns: bool = False) -> None:
    """Raises AddressRefused if the source names a host, or lies in a folder, that is not allowed.

    With `ask_dns` also if one resolves to such an address now. A name that does not resolve passes: it is looked at
    again when a connection is made.
    """
    parts = urlsplit(url)
    if parts.scheme in LOCAL:
        check_folder(unquote(parts.path) or "/")
    for place in places_of(url, options):
        policy().check_name(place.host)
        if ask_dns:
            try:
                policy().resolve(place.host, place.port or 443)
            except SourceUnreachable:
                continue


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _literal(name: str) -> Address | None:
    """The address that a name is, in any form that resolvers take: also 0xA9FEA9FE, 2852039166 and 0251.0376.1."""
    try:
        return ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        pass
    if not all(part and (part.isdigit() or part.startswith("0x")) for part in name.split(".")):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None


def _forms(address: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 address that it carries: mapped (RFC 4291), 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    carried = [address.ipv4_mapped, address.sixtofour]
    if address in _NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return (address, *(form for form in carried if form is not None))


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _narrower(network: Network, refused: Network | None) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(refused, ipaddress.IPv4Network):
        return network.subnet_of(refused)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(refused, ipaddress.IPv6Network):
        return network.subnet_of(refused)
    return False
