"""Whether a server can be reached at all, told apart from a server that says no."""

import ipaddress
import socket

from cluster.errors import SourceUnreachable
from cluster.security.network import policy

ANSWER_SECONDS = 5.0
"""How long a session that was kept has to say that it is well, before another one is opened."""


def reach(host: str, port: int, timeout: float) -> str:
    """Resolves the host and opens its port. Raises SourceUnreachable saying which of the two failed, AddressRefused."""
    connected(host, port, timeout).close()
    return f"{host} answers on port {port}."


def connected(host: str, port: int, timeout: float) -> socket.socket:
    """A connection to an address of the host that is allowed. Raises SourceUnreachable, AddressRefused."""
    refused = False
    for address in policy().resolve(host, port):
        try:
            return socket.create_connection((address, port), timeout=timeout)
        except ConnectionRefusedError:
            refused = True
        except OSError:
            continue
    if refused:
        raise SourceUnreachable(
            f"{host} refuses connections on port {port}.",
            "Check the port, and that the server runs.",
            {"diagnosis": "port-closed"},
        )
    raise SourceUnreachable(
        f"{host} does not answer on port {port}.",
        "Check network, firewall and address.",
        {"diagnosis": "no-answer"},
    )


def loopback(host: str, port: int) -> bool:
    """Whether every address of the host is of this machine."""
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, port)}
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in addresses)
