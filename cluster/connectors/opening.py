"""Opening a source in a worker: its credential, the addresses that may be connected to, and its connector."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess

if TYPE_CHECKING:
    from cluster.connectors.interface import Connector
    from cluster.connectors.pace import Pacer


def credential_of(access: SourceAccess) -> dict[str, str]:
    """The credential in clear, its references followed. Raises ConfigurationError, SecretUnavailable."""
    from cluster.security.references import resolved
    from cluster.security.secrets import unseal

    return resolved(unseal(access.sealed, access.source_id))


@contextmanager
def opened(access: SourceAccess, pacer: "Pacer | None" = None) -> "Iterator[Connector]":
    """The connector of the source, closed afterwards. Raises SourceError, ConfigurationError, InvalidInput."""
    connector = open_connector(access, credential_of(access), pacer)
    try:
        yield connector
    finally:
        connector.close()
