"""Which endpoint is read from, and what is left alone when it failed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.connectors import endpoints, opening
from cluster.connectors.breaker import Breaker
from cluster.connectors.endpoints import candidates
from cluster.connectors.interface import Endpoint, SourceAccess
from cluster.errors import SourceUnreachable


def reached(*given: Endpoint) -> SourceAccess:
    return SourceAccess(source_id="s", url="postgresql://primary/db", endpoints=given)


def test_scans_go_to_replicas_of_the_region_first_and_to_archives_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "settings", lambda: type("Chosen", (), {"region": "eu"}))
    access = reached(
        Endpoint(url="postgresql://archive/db", role="archive"),
        Endpoint(url="postgresql://far/db", region="us", priority=1),
        Endpoint(url="postgresql://near/db", region="eu", priority=5),
        Endpoint(url="postgresql://nearer/db", region="eu", priority=2),
    )
    hosts = [one.url.split("/")[2] for one in candidates(access, "scan")]
    assert hosts == ["nearer", "near", "far", "primary", "archive"]
    assert candidates(access, "whole")[0].url == access.url


class Server:
    """Stands for a connector: answers with a lag, or not at all."""

    def __init__(self, lag: float | None) -> None:
        self._lag = lag

    def lag(self) -> float:
        if self._lag is None:
            raise SourceUnreachable("It does not answer.", "Look why.")
        return self._lag

    def close(self) -> None:
        pass


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> dict[str, float | None]:
    known: dict[str, float | None] = {"primary": 0.0, "replica": 0.0}

    def open_(access: SourceAccess, credential: Any, pacer: Any) -> Any:
        return Server(known[access.url.split("/")[2]])

    monkeypatch.setattr(opening, "open_connector", open_)
    monkeypatch.setattr(endpoints, "_breakers", {})
    return known


def chosen(access: SourceAccess) -> str:
    found, _ = opening._chosen(access, {}, None, "scan")
    return found.url.split("/")[2]


def test_one_that_lags_or_is_lost_is_passed_over(servers: dict[str, float | None]) -> None:
    access = reached(Endpoint(url="postgresql://replica/db"))
    assert chosen(access) == "replica"
    servers["replica"] = 61.0
    assert chosen(access) == "primary"
    servers["replica"] = None
    assert chosen(access) == "primary"
    servers["replica"] = 0.0
    assert chosen(access) == "primary", "what failed a moment ago is left alone"
    servers["primary"] = None
    assert chosen(access) == "replica", "unless nothing else is left"
    servers["replica"] = None
    with pytest.raises(SourceUnreachable):
        chosen(access)


def test_one_that_is_lost_while_it_is_read_is_left_alone(servers: dict[str, float | None]) -> None:
    access = reached(Endpoint(url="postgresql://replica/db"))
    with pytest.raises(SourceUnreachable), opening.opened(access, None, "scan"):
        raise SourceUnreachable("The connection was lost.", "Try again.")
    assert chosen(access) == "primary"


def test_a_breaker_opens_waits_longer_each_time_and_closes_with_care() -> None:
    now = [0.0]
    breaker = Breaker(trip=2, settle=2, pause=10.0, longest=25.0, clock=lambda: now[0])
    breaker.failed()
    assert breaker.passes()
    breaker.failed()
    for waits in (10.0, 20.0, 25.0, 25.0):
        assert (breaker.state, breaker.passes(), breaker.wait) == ("open", False, waits)
        now[0] += waits
        assert breaker.state == "half_open"
        assert (breaker.passes(), breaker.passes()) == (True, False), "one trial at a time"
        breaker.failed()
    now[0] += 25.0
    for _ in range(2):
        assert breaker.state == "half_open"
        assert breaker.passes()
        breaker.succeeded()
    assert breaker.state == "closed"


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60))
def test_a_breaker_never_stays_shut_for_longer_than_it_may(steps: list[tuple[bool, float]]) -> None:
    now = [0.0]
    breaker = Breaker(trip=3, settle=2, pause=5.0, longest=40.0, clock=lambda: now[0])
    for good, seconds in steps:
        now[0] += seconds
        if breaker.passes():
            (breaker.succeeded if good else breaker.failed)()
        assert breaker.wait <= 40.0
    now[0] += 40.0
    assert breaker.passes()
