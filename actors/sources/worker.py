"""What runs in a worker process: testing a source and enumerating it."""

import socket
import time
from collections.abc import Iterator

from cluster.connectors.interface import Enumeration, SourceAccess, SourceFacts, TestStep
from cluster.connectors.steps import Check, run_steps
from cluster.errors import SourceError, SourceUnreachable

CONNECT_SECONDS = 10.0
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}


def test_access(access: SourceAccess) -> tuple[tuple[TestStep, ...], SourceFacts | None]:
    """The steps of a connection test, and the facts of the source if it could be reached.

    ResolveHost and OpenPort (gates) where the source names a host, OpenCredential (gate), then those of its connector.
    """
    from cluster.connectors.opening import credential_of, opened

    def open_credential() -> str:
        found = credential_of(access)
        return f"The credential has {', '.join(sorted(found))}." if found else "The source has no credential."

    before = tuple(run_steps([*_network(access), Check("OpenCredential", "gate", open_credential)]))
    if any(step.status == "failed" for step in before):
        return before, None
    with opened(access) as connector:
        steps = (*before, *connector.test())
        if any(step.status == "failed" and step.category == "gate" for step in steps):
            return steps, None
        try:
            return steps, connector.facts()
        except SourceError:
            return steps, None


def enumerate_source(access: SourceAccess) -> tuple[Enumeration, SourceFacts]:
    """Everything the source lists, and its facts. Raises SourceError."""
    from cluster.connectors.opening import opened

    with opened(access) as connector:
        return connector.enumerate(), connector.facts()


def _network(access: SourceAccess) -> Iterator[Check]:
    from cluster.security.network import places_of, policy

    scheme = access.url.partition("://")[0]
    for host, given in dict.fromkeys(places_of(access.url, access.options)):
        port = given or _PORTS.get(scheme) or (80 if f"http://{host}" in access.options.get("endpoint", "") else 443)

        def resolve(host: str = host, port: int = port) -> str:
            return f"{host} is {', '.join(policy().resolve(host, port))}."

        def connect(host: str = host, port: int = port) -> str:
            return _connected(host, port, policy().resolve(host, port))

        yield Check("ResolveHost", "gate", resolve)
        yield Check("OpenPort", "gate", connect)


def _connected(host: str, port: int, addresses: tuple[str, ...]) -> str:
    refused = False
    for address in addresses:
        started = time.perf_counter()
        try:
            with socket.create_connection((address, port), timeout=CONNECT_SECONDS):
                return f"{address} answers on port {port} after {(time.perf_counter() - started) * 1000:.1f} ms."
        except ConnectionRefusedError:
            refused = True
        except OSError:
            continue
    if refused:
        raise SourceUnreachable(
            f"{host} refuses connections on port {port}.", "Check the port, and that the server runs.",
            {"diagnosis": "port-closed"},
        )  # fmt: skip
    raise SourceUnreachable(
        f"{host} does not answer on port {port}.", "Check network, firewall and address.", {"diagnosis": "no-answer"}
    )
