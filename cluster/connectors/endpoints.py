"""The places at which the same data is served: which of them a reader goes to, and what it does when one fails.

A scan goes to replicas first, those of this node's region before others, by their priority, then to the primary, then
to archives. One that was not reached is left alone for a while by this process; one that lags too far behind is passed
over. If none is left, all are tried once more: that a replica was ill a moment ago must not be the end of a scan.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, runtime_checkable

from cluster.connectors.breaker import Breaker
from cluster.connectors.interface import Connector, SourceAccess
from cluster.settings import settings

Purpose = Literal["scan", "whole"]
REPLICATED = ("postgresql",)
"""Kinds of sources that may have endpoints: those whose replicas hold the same bytes in the same places."""
_RANK = {"replica": 0, "primary": 1, "archive": 2}
_breakers: dict[str, Breaker] = {}


@runtime_checkable
class Lagging(Protocol):
    """A connector that can say how far behind its endpoint is."""

    def lag(self) -> float:
        """Seconds by which what it reads is older than what the primary holds; 0 on the primary. Raises SourceError."""
        ...


def breaker_of(url: str) -> Breaker:
    """What this process knows of an endpoint: one failure is enough to look elsewhere first."""
    return _breakers.setdefault(url, Breaker(trip=1, settle=2, pause=5.0, longest=60.0))


def candidates(access: SourceAccess, purpose: Purpose) -> list[SourceAccess]:
    """How to reach each endpoint, in the order in which they are to be tried.

    A scan may read from any of them; what must see the whole truth, such as an enumeration, from the primary first.
    """
    here = settings().region
    found = [(1 if purpose == "scan" else 0, 0, 0, access)]
    for endpoint in access.endpoints:
        options = {**access.options, **endpoint.options}
        reached = access.model_copy(update={"url": endpoint.url, "options": options})
        far = int(here is not None and endpoint.region is not None and endpoint.region != here)
        rank = _RANK[endpoint.role]
        found.append((rank if purpose == "scan" else rank + 1, far, endpoint.priority, reached))
    return [entry[3] for entry in sorted(found, key=lambda entry: entry[:3])]


def passable(found: list[SourceAccess]) -> Iterator[tuple[SourceAccess, bool]]:
    """Those that are well, then those that were passed over as a last resort, which is said."""
    later = []
    for access in found:
        if breaker_of(access.url).passes():
            yield access, False
        else:
            later.append(access)
    for access in later:
        yield access, True


def too_old(connector: Connector, access: SourceAccess) -> bool:
    """Connects, and says whether the endpoint lags further behind than the source allows. Raises SourceError."""
    return isinstance(connector, Lagging) and connector.lag() > access.max_lag_seconds
