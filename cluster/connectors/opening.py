"""Opening a source in a worker: its credential, the endpoint to read from, and its connector."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.connectors import open_connector
from cluster.connectors.endpoints import Purpose, breaker_of, candidates, passable, too_old
from cluster.connectors.interface import SourceAccess
from cluster.connectors.keeping import Lent, sessions
from cluster.errors import SourceError, SourceUnreachable

if TYPE_CHECKING:
    from cluster.connectors.interface import Connector
    from cluster.connectors.pace import Pacer


def credential_of(access: SourceAccess) -> dict[str, str]:
    """The credential in clear, its references followed. Raises ConfigurationError, SecretUnavailable."""
    from cluster.security.references import resolved
    from cluster.security.secrets import unseal

    return resolved(unseal(access.sealed, access.source_id))


@contextmanager
def opened(
    access: SourceAccess, pacer: "Pacer | None" = None, purpose: Purpose = "whole"
) -> "Iterator[Connector]":  # fmt: skip
    """The connector of the source, closed afterwards. Raises SourceError, ConfigurationError, InvalidInput.

    With endpoints it is connected already, to the first that answers and is not too far behind. One that is lost while
    it is read from raises as ever: whoever holds the lease of the work reads that part again, from another one.

    Where the access says `keep`, and there is no pace, it may be one that was used before, and is kept for the next who
    opens the source in this process (`cluster.connectors.keeping`).
    """
    keep = access.keep and pacer is None
    lent = (_kept(access) if keep else None) or _new(access, pacer, purpose)
    whole = False
    try:
        yield lent.connector
        whole = True
    except SourceUnreachable:
        breaker_of(lent.access.url).failed()
        raise
    finally:
        if keep and whole:
            sessions().give(access, lent)
        else:
            lent.connector.close()


def _kept(access: SourceAccess) -> Lent | None:
    """One that is kept, if its endpoint still is the right one to read from."""
    lent = sessions().take(access)
    if lent is None or not access.endpoints:
        return lent
    try:
        if lent.access.url == access.url or not too_old(lent.connector, lent.access):
            return lent
    except SourceError:
        breaker_of(lent.access.url).failed()
    lent.connector.close()
    return None


def _new(access: SourceAccess, pacer: "Pacer | None", purpose: Purpose) -> Lent:
    credential = credential_of(access)
    if not access.endpoints:
        return sessions().lend(access, open_connector(access, credential, pacer))
    return sessions().lend(*_chosen(access, credential, pacer, purpose))


def _chosen(
    access: SourceAccess, credential: dict[str, str], pacer: "Pacer | None", purpose: Purpose
) -> "tuple[SourceAccess, Connector]":
    failed: SourceError | None = None
    for candidate, last_resort in passable(candidates(access, purpose)):
        connector: Connector | None = None
        try:
            connector = open_connector(candidate, credential, pacer)
            stale = too_old(connector, candidate) and not last_resort and candidate.url != access.url
        except SourceError as error:
            failed = error
            breaker_of(candidate.url).failed()
            if connector is not None:
                connector.close()
            continue
        breaker_of(candidate.url).succeeded()
        if not stale:
            return candidate, connector
        connector.close()
    raise failed or SourceUnreachable("No endpoint of the source is up to date.", "Look at its replication.")
