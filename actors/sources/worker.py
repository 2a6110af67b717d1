"""What runs in a worker process: testing a source and enumerating it."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from actors.sources.lifetimes import EXPIRED
from actors.sources.measuring import Measured, measure
from actors.sources.probing import PORTS, Sample, Target, probe_all
from cluster.clouds.interface import AccountAccess, AccountListing
from cluster.connectors.interface import AssetInfo, Enumeration, SourceAccess, SourceFacts, TestStep
from cluster.connectors.steps import Check, Concern, run_steps
from cluster.errors import SourceAuthFailed, SourceError, SourceUnreachable
from cluster.settings import settings

CONNECT_SECONDS = 10.0


def test_access(access: SourceAccess) -> tuple[tuple[TestStep, ...], SourceFacts | None]:
    """The steps of a connection test, and the facts of the source if it could be reached.

    ResolveHost and OpenPort (gates) where the source names a host, OpenCredential (gate), then those of its connector.
    """
    from cluster.connectors.opening import credential_of, opened

    alone = access.model_copy(update={"endpoints": ()})

    def open_credential() -> str:
        if access.expires_at is not None and access.expires_at <= datetime.now(UTC):
            raise SourceAuthFailed(
                f"The credential expired on {access.expires_at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC.",
                "Give the source a new one (PUT /api/v1/sources/{id}/credential), or say when it really expires.",
                {"diagnosis": EXPIRED},
            )
        found = credential_of(access)
        return f"The credential has {', '.join(sorted(found))}." if found else "The source has no credential."

    before = tuple(run_steps([*_network(access), Check("OpenCredential", "gate", open_credential)]))
    if any(step.status == "failed" for step in before):
        return before, None
    with opened(alone) as connector:
        steps = (*before, *connector.test(), *run_steps(_endpoints(access)))
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


def probe_targets(targets: Sequence[Target]) -> list[Sample]:
    """A sample of each, from where this worker runs."""
    return asyncio.run(probe_all(targets))


def measure_source(access: SourceAccess, assets: list[AssetInfo], most: int) -> Measured:
    """What the source answers to more and more connections. Raises SourceError."""
    return measure(access, assets, most, (access.fetch_rows or settings().batch_rows, settings().batch_bytes))


def list_account(access: AccountAccess) -> AccountListing:
    """What lies in an account. Raises SourceError, ConfigurationError."""
    from cluster.security.references import resolved
    from cluster.security.secrets import unseal

    credential = resolved(unseal(access.sealed, access.account_id))
    if access.provider == "aws":
        from cluster.clouds.aws import list_aws

        return list_aws(access, credential)
    if access.provider == "azure":
        from cluster.clouds.azure import list_azure

        return list_azure(access, credential)
    if access.provider == "gcp":
        from cluster.clouds.gcp import list_gcp

        return list_gcp(access, credential)
    from cluster.clouds.servers import list_databases, list_folders

    return (list_databases if access.provider == "postgresql" else list_folders)(access, credential)


def _endpoints(access: SourceAccess) -> Iterator[Check]:
    """A step for each endpoint: whether it can be read from, and how far behind it is."""
    from cluster.connectors.endpoints import Lagging
    from cluster.connectors.opening import opened
    from cluster.security.network import places_of

    def look(url: str, options: dict[str, str]) -> str | Concern:
        there = access.model_copy(update={"url": url, "options": {**access.options, **options}, "endpoints": ()})
        with opened(there) as connector:
            lag = connector.lag() if isinstance(connector, Lagging) else 0.0
        host = next(iter(places_of(url, {}))).host
        if lag > access.max_lag_seconds:
            return Concern(f"{host} is {lag:.0f} s behind, which is too much.", "Look at its replication.")
        return f"{host} can be read from, and is {lag:.1f} s behind."

    for number, endpoint in enumerate(access.endpoints, 1):
        yield Check(f"Endpoint{number}", "capability", partial(look, endpoint.url, endpoint.options))


def _network(access: SourceAccess) -> Iterator[Check]:
    from cluster.security.network import places_of, policy

    scheme = access.url.partition("://")[0]
    for host, given in dict.fromkeys(places_of(access.url, access.options)):
        port = given or PORTS.get(scheme) or (80 if f"http://{host}" in access.options.get("endpoint", "") else 443)

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
