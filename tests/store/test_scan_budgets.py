"""Budgets are never overrun: windows, readers at once, rates, and the CPU seconds of a day."""

from collections.abc import Iterator
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scan_desk import MB, START, Control, opened
from sqlalchemy import text

from actors.scans import budgets
from actors.scans.budgets import is_open
from actors.scans.contract import (
    Budget,
    CancelScan,
    ClearBudget,
    Lease,
    Window,
)
from actors.scans.paces import shares
from actors.scans.reading import held_by
from cluster.connectors.pace import Pace
from cluster.errors import InvalidInput


@pytest.fixture
def desk(database_url: str) -> Iterator[Control]:
    yield from opened(Control, database_url)


def test_a_budget_is_kept_shown_and_taken_away(desk: Control) -> None:
    assert budgets.budget_of(desk.session, "s1", desk.now).content == Budget()
    view = desk.budget("s1", concurrency=3)
    assert (view.content.concurrency, view.updated_at, view.open_now) == (3, desk.now, True)
    desk.later(1)
    assert desk.budget("s1", concurrency=3).updated_at == START, "nothing was changed"
    desk.budget("s2", bytes_per_scan=10)
    found = budgets.budgets(desk.session, desk.now)
    assert [item.source_id for item in found] == ["s1", "s2"]
    assert [item.source_id for item in budgets.budgets(desk.session, desk.now, "s1", 1)] == ["s2"]
    desk.do(ClearBudget(source_id="s1"))
    desk.do(ClearBudget(source_id="s1"))
    assert [item.source_id for item in budgets.budgets(desk.session, desk.now)] == ["s2"]
    assert desk.kinds() == ["budget_set", "budget_set", "budget_cleared"]


@pytest.mark.parametrize("window", [Window(timezone="Nowhere/At_all"), Window(days=(7,)), Window(days=())])
def test_a_window_that_never_comes_is_refused(desk: Control, window: Window) -> None:
    with pytest.raises(InvalidInput):
        desk.budget("s1", windows=(window,))


def test_windows_are_of_their_time_zone_and_may_pass_midnight() -> None:
    night = Window(days=(3,), start=time(22), end=time(2), timezone="Europe/Paris")  # START is a Thursday, 00:00 UTC
    hours = [hour for hour in range(48) if is_open([night], START + timedelta(hours=hour))]
    assert hours == [21, 22, 23, 24]
    assert is_open([], START)
    assert is_open([Window()], START)
    assert not is_open([Window(days=(4,))], START)
    assert is_open([Window(days=(4,)), Window(start=time(0), end=time(1))], START)


def test_outside_its_windows_a_source_is_not_read(desk: Control) -> None:
    desk.budget("s1", windows=(Window(start=time(5), end=time(6)),))
    desk.scan("s1", 3)
    assert desk.ask() == []
    desk.later(5 * 3600)
    assert desk.sources(2) == {"s1": 2}
    desk.later(3600)
    assert desk.ask() == []


def test_at_most_so_many_partitions_of_a_source_are_read_at_once(desk: Control) -> None:
    desk.budget("s1", concurrency=2)
    first = desk.scan("s1", 5)
    desk.later(1)
    second = desk.scan("s1", 5)
    leases = desk.ask()
    assert [lease.keep for lease in leases] == [False, False], "a session that is kept would be one more"
    desk.scan("s9", 1)
    assert [(lease.source_id, lease.keep) for lease in desk.ask()] == [("s9", True)]
    assert desk.ask() == []
    desk.commit(leases[0])
    (third,) = desk.ask()
    # The readers of a scan that was cancelled live a little longer, and count until the actor sees them end.
    desk.do(CancelScan(scan_id=first.id))
    alive = (held_by(leases[1]), held_by(third))
    assert desk.ask(under_way=alive) == []
    assert len(desk.ask(under_way=alive[:1])) == 1
    assert [lease.scan_id for lease in desk.ask()] == [second.id]


def test_shares_of_the_rates_are_never_more_than_the_rates(desk: Control) -> None:
    desk.budget("s1", bytes_per_second=4 * MB, queries_per_second=100)
    desk.scan("s1", 20)
    leases = desk.ask(10, slots=4)
    assert [lease.pace and lease.pace.bytes_per_second for lease in leases] == [MB] * 4
    assert [lease.pace and lease.pace.queries_per_second for lease in leases] == [25] * 4
    # The cluster has grown; what the first have of the rates they keep.
    assert desk.ask(10, slots=8) == []
    desk.commit(leases[0])
    more = desk.ask(10, slots=8)
    assert [lease.pace and lease.pace.bytes_per_second for lease in more] == [MB / 2] * 2
    # A lease that ran out gives its share back, unless the actor knows that its reader lives.
    desk.later(31)
    assert desk.ask(10, slots=8, under_way=(held_by(leases[1]),)) == []
    assert len(desk.ask(10, slots=8)) == 8


def test_a_share_of_a_processor_is_given_to_one_reader(desk: Control) -> None:
    desk.budget("s1", cpu_share=0.1)
    desk.scan("s1", 4)
    (lease,) = desk.ask(10, slots=4)
    assert lease.pace == Pace(cpu_share=0.1)
    assert desk.ask(10, slots=4, under_way=(held_by(lease),)) == []
    desk.commit(lease)
    desk.budget("s1", cpu_share=0.2, bytes_per_second=MB)
    (lease,) = desk.ask(10, slots=4)
    assert lease.pace == Pace(cpu_share=0.2, bytes_per_second=MB)
    assert desk.ask(10, slots=4, planning=("s1",)) == []


def test_planning_has_a_share_too(desk: Control) -> None:
    desk.budget("s1", bytes_per_second=4 * MB)
    desk.scan("s1", 20)
    assert len(desk.ask(10, slots=4, planning=("s1", "s2"))) == 3
    assert desk.ask(10, slots=4, planning=("s1",)) == []
    assert len(desk.ask(10, slots=4)) == 1


def test_after_a_crash_sources_with_a_rate_wait_until_no_orphan_reads(desk: Control) -> None:
    desk.budget("s1", queries_per_second=50)
    desk.scan("s1")
    desk.scan("s2")
    assert desk.sources(paced=False) == {"s2": 4}
    assert desk.sources() == {"s1": 4}


def test_a_new_rate_holds_for_what_is_under_way(desk: Control) -> None:
    scan = desk.scan("s1", 4)
    old = desk.ask(2)
    assert [lease.pace for lease in old] == [None, None]
    desk.budget("s1", bytes_per_second=MB)
    assert desk.view(scan).partitions == {"pending": 4}
    alive = tuple(held_by(lease) for lease in old)
    assert desk.ask(2, under_way=alive) == []
    again = desk.ask(2)
    assert [(lease.attempt, lease.pace and lease.pace.bytes_per_second) for lease in again] == [(1, MB / 2)] * 2
    desk.budget("s1", bytes_per_second=MB, concurrency=1)
    assert desk.view(scan).partitions == {"pending": 2, "leased": 2}, "the rate is the same"


@limits(deadline=None, max_examples=100)
@given(
    size=st.none() | st.floats(1024, 1e9), asked=st.none() | st.floats(0.1, 1e4), slots=st.integers(1, 200),
    most=st.none() | st.integers(1, 50),
)  # fmt: skip
def test_rates_are_cut_so_that_each_share_is_worth_a_worker(
    size: float | None, asked: float | None, slots: int, most: int | None
) -> None:
    budget = Budget(bytes_per_second=size, queries_per_second=asked, concurrency=most)
    parts = shares(budget, slots)
    assert 1 <= parts <= slots
    if parts > 1:
        assert most is None or parts <= most
        assert size is None or size / parts >= 64 << 10
        assert asked is None or parts <= asked / 10


def test_cpu_of_a_day_is_not_overrun(desk: Control) -> None:
    desk.budget("s1", cpu_seconds_per_day=10)
    scan = desk.scan("s1", 20)

    def done(lease: Lease) -> None:
        desk.commit(lease)
        desk.session.execute(text("UPDATE scans.partition SET cpu_seconds = 2 WHERE state = 'done'"))
        desk.session.expire_all()

    first = desk.ask()
    assert len(first) == 1, "nobody knows yet what they cost"
    done(first[0])
    more = desk.ask()
    assert len(more) == 4
    for lease in more:
        done(lease)
    assert desk.ask() == []
    view = budgets.budget_of(desk.session, "s1", desk.now)
    assert (view.cpu_seconds_today, view.bytes_today) == (10, 5 * 80)
    desk.later(24 * 3600 + 1)
    assert len(desk.ask()) == 1
    assert desk.view(scan).state == "running"
