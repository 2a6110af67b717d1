"""Who is served next: by priority, then fairly between sources."""

from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scan_desk import MB, SOURCE, START, Control, opened
from sqlalchemy import text

from actors.scans import queries
from actors.scans.contract import (
    BeginScan,
    LeasePartitions,
    PauseScan,
    PrioritiseScan,
    Window,
)
from actors.scans.demand import wanted
from actors.scans.outlook import Outlook, outlook
from actors.scans.reading import held_by
from actors.scans.sharing import Queued, Room, allotted
from cluster.connectors.pace import Pace


@pytest.fixture
def desk(database_url: str) -> Iterator[Control]:
    yield from opened(Control, database_url)


def test_the_higher_priority_is_served_first(desk: Control) -> None:
    low, high = desk.scan("s1"), desk.scan("s2", priority=7)
    assert {lease.scan_id for lease in desk.ask(3)} == {high.id}
    desk.do(PrioritiseScan(scan_id=low.id, priority=9))
    assert [lease.scan_id for lease in desk.ask(1)] == [low.id]


def test_sources_share_fairly_however_many_scans_and_partitions_each_has(desk: Control) -> None:
    for _ in range(3):
        desk.scan("s1", 10)
    desk.scan("s2", 10)
    assert desk.sources(8) == {"s1": 4, "s2": 4}
    desk.scan("s3", 10)
    assert desk.sources(4) == {"s3": 4}
    assert desk.sources(3) == {"s1": 1, "s2": 1, "s3": 1}


def test_with_one_slot_sources_take_turns(desk: Control) -> None:
    for source in ("s1", "s2", "s3"):
        desk.scan(source, 3)
        desk.later(1)
    turns = []
    for _ in range(6):
        (lease,) = desk.ask(1)
        turns.append(lease.source_id)
        desk.commit(lease)
        desk.later(1)
    assert turns == ["s1", "s2", "s3"] * 2


def test_a_source_that_is_held_back_gives_its_slots_to_others(desk: Control) -> None:
    desk.scan("s1", 10)
    desk.scan("s2", 10)
    assert desk.sources(10, limits={"s1": 1}) == {"s1": 1, "s2": 9}
    desk.scan("s3", 1)
    assert desk.sources(10, limits={"s1": 1, "s2": 9}) == {"s3": 1}


def test_nothing_is_given_of_scans_that_are_paused_or_only_planned(desk: Control) -> None:
    paused, planned = desk.scan("s1"), desk.scan("s2", plan_only=True, key="p")
    desk.do(PauseScan(scan_id=paused.id))
    half = desk.scan("s3", paths=("a",), plan_only=True, key="h")
    assert (desk.view(planned).state, desk.view(half).state) == ("planned", "planned")
    assert desk.ask() == []
    planning = desk.start("k9", paths=("a", "b"), plan_only=True)
    desk.plan(planning, "a", ["f0"])
    assert desk.view(planning).state == "planning"
    assert desk.ask() == []
    assert not queries.due(desk.session, desk.now)
    desk.do(BeginScan(scan_id=planned.id))
    assert desk.sources() == {"s2": 4}


@limits(deadline=None, max_examples=150)
@given(
    runs=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2), st.integers(0, 6)), max_size=8),
    rooms=st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.integers(0, 5), st.none() | st.integers(0, 4)), max_size=4
    ),
    limit=st.integers(0, 12),
)
def test_what_is_allotted_is_bounded_and_wastes_no_slot(
    runs: list[tuple[str, int, int]], rooms: dict[str, tuple[int, int | None]], limit: int
) -> None:
    queue = [
        Queued(str(number), source, priority, START + timedelta(seconds=number), 0.0, available)
        for number, (source, priority, available) in enumerate(runs)
    ]
    room = {source: Room(busy, more) for source, (busy, more) in rooms.items()}
    counts = allotted(queue, room, limit)
    by_source: Counter[str] = Counter()
    could: Counter[str] = Counter()
    for run in queue:
        assert counts.get(run.run_id, 0) <= run.available
        by_source[run.source_id] += counts.get(run.run_id, 0)
        could[run.source_id] += run.available
    for source in by_source:
        more = room[source].more if source in room else None
        assert more is None or by_source[source] <= more
        could[source] = could[source] if more is None else min(could[source], more)
    assert sum(counts.values()) == min(limit, sum(could.values()))
    top = max((run.priority for run in queue if run.available), default=0)
    if any(run.priority < top and counts.get(run.run_id) for run in queue):
        for run in queue:
            if run.priority == top:
                full = by_source[run.source_id] == could[run.source_id]
                assert full or counts.get(run.run_id, 0) == run.available


def test_the_outlook_of_a_round_is_what_a_lease_and_a_plan_would_be_given(desk: Control) -> None:
    asked = LeasePartitions(limit=4, seconds=30, slots=4)

    def look(**more: Any) -> Outlook:
        return outlook(desk.session, desk.now, 100, asked.model_copy(update=more))

    assert look() == Outlook({}, [], {}, due=False, exhausted=[], held=[])
    scan = desk.scan("s1", 4)
    one, two = desk.start("k1", paths=("a",)), desk.start("k2", paths=("a", "b"))
    found = look()
    assert found.sources == {scan.id: "s1", one.id: SOURCE, two.id: SOURCE}
    assert sorted(item[0] for item in found.waiting) == sorted([one.id, two.id, two.id])
    assert (found.due, found.paces, found.held) == (True, {}, [])
    assert not look(limit=0).due
    (lease,) = desk.ask(1)
    assert look().held == [held_by(lease)]

    desk.budget(SOURCE, bytes_per_second=4 * MB)
    found = look()
    assert {item[0] for item in found.waiting} in ({one.id}, {two.id}), "of a source that has a pace one at a time"
    assert found.paces == {scan: Pace(bytes_per_second=MB, readers=4) for scan in (one.id, two.id)}
    assert len(look(planning=(SOURCE,) * 3).waiting) > 0
    assert look(planning=(SOURCE,) * 4).waiting == []
    assert look(paced=False).waiting == []
    desk.budget(SOURCE, windows=(Window(start=time(5), end=time(6)),))
    assert look().waiting == []
    assert look().paces == {}
    desk.budget("s1", windows=(Window(start=time(5), end=time(6)),))
    assert not look().due


def test_demand_is_of_what_waits_and_ends_with_it(desk: Control) -> None:
    assert wanted(desk.session, 64) == 0
    desk.scan("s1", 3)
    assert wanted(desk.session, 64) == 1
    scan = desk.scan("s2", 100, 1 << 30)
    assert wanted(desk.session, 64) == 8, "100 GiB at 50 MB/s in 300 seconds each"
    assert wanted(desk.session, 4) == 4
    desk.do(PauseScan(scan_id=scan.id))
    assert wanted(desk.session, 64) == 1


def test_leasing_among_many_walks_few_rows(desk: Control) -> None:
    """100 runs with 100,000 partitions, most of them done: what a lease touches does not grow with them."""
    for number in range(100):
        desk.scan(f"s{number % 10}", 1, key=f"k{number}")
    desk.session.execute(
        text(
            "INSERT INTO scans.partition (run_id, asset_id, number, task, content_key, state, fence, attempts, due_at)"
            " SELECT p.run_id, p.asset_id, n, p.task, 'x' || n, CASE WHEN n % 4 = 0 THEN 'pending' ELSE 'done' END,"
            " 0, 0, p.due_at FROM scans.partition p, generate_series(1, 1000) n"
        )
    )
    desk.session.execute(text("ANALYZE scans.partition"))
    leases = desk.ask(16)
    assert len({lease.source_id for lease in leases}) == 10
    plan = "\n".join(
        desk.session.scalars(
            text(
                "EXPLAIN SELECT count(*) FROM (SELECT 1 FROM scans.partition AS p WHERE p.run_id = :run"
                " AND p.state IN ('pending', 'leased') AND p.due_at <= :now LIMIT 16) AS waiting"
            ),
            {"run": leases[0].scan_id, "now": desk.now},
        )
    )
    assert "Seq Scan" not in plan
