"""Who is given workers, what budgets hold back, and what becomes of partitions that kill their workers."""

from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from test_scans import PASSING, SOURCE, START, Desk, held

from actors.scans import budgets, queries
from actors.scans.budgets import is_open
from actors.scans.contract import (
    BeginScan,
    Budget,
    CancelScan,
    ClearBudget,
    FailPartition,
    Lease,
    LeasePartitions,
    PauseScan,
    PrioritiseScan,
    RecordPlan,
    RenewLeases,
    RetryScan,
    ScanRules,
    ScanView,
    SetBudget,
    StartScan,
    Window,
)
from actors.scans.demand import wanted
from actors.scans.fitting import Part, fitted
from actors.scans.leases import ATTEMPTS, GIVEN_BACK
from actors.scans.outlook import Outlook, outlook
from actors.scans.paces import shares
from actors.scans.reading import held_by
from actors.scans.sharing import Queued, Room, allotted
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.connectors.pace import Pace
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import InvalidInput
from cluster.naming import asset_id
from cluster.store.engine import make_engine

MB = 1 << 20


class Control(Desk):
    """A desk with several sources."""

    def scan(self, source: str, parts: int = 4, size: int | None = MB, **more: Any) -> ScanView:
        key = more.pop("key", f"{source}-{len(self.events)}")
        access = SourceAccess(source_id=source, url="postgresql://h/db")
        rules = ScanRules(name="default", version=1, digest="d1", spec=RuleSetSpec())
        paths = more.pop("paths", ("a",))
        assets = tuple(AssetInfo(path=path, kind="table") for path in paths)
        view: ScanView = self.do(StartScan(key=key, access=access, assets=assets, rules=rules, **more))
        for path in paths:
            cut = tuple(
                Partition(
                    asset=path, number=number, kind="rows", spec={}, columns=("x",), bytes=size,
                    fingerprint=f"{view.id}{path}{number}",
                )
                for number in range(parts)
            )  # fmt: skip
            self.do(RecordPlan(scan_id=view.id, asset_id=asset_id(source, path), partitions=cut))
        return view

    def ask(self, limit: int = 10, **more: Any) -> list[Lease]:
        return list(self.do(LeasePartitions(limit=limit, seconds=30, **more)).leases)

    def sources(self, limit: int = 10, **more: Any) -> dict[str, int]:
        return dict(Counter(lease.source_id for lease in self.ask(limit, **more)))

    def budget(self, source: str, **content: Any) -> Any:
        return self.do(SetBudget(source_id=source, content=Budget(**content)))


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(store: Engine) -> Iterator[Control]:
    with Session(store, expire_on_commit=False) as session:
        yield Control(session)
        session.rollback()


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


def test_a_partition_whose_workers_are_lost_is_quarantined_with_its_reason(desk: Control) -> None:
    scan = desk.scan("s1", 2)
    lost = PASSING.model_copy(update={"code": "unavailable", "detail": "A worker was lost."})
    (poison, sound) = desk.ask()
    desk.commit(sound)
    for attempt in range(1, ATTEMPTS + 1):
        assert (poison.attempt, poison.last) == (attempt, attempt == ATTEMPTS)
        desk.do(FailPartition(**held(poison), problem=lost, retryable=True, lost=True))
        desk.later(60)
        again = desk.ask()
        poison = again[0] if again else poison
    assert again == []
    view = desk.view(scan)
    assert view.partitions == {"done": 1, "quarantined": 1}
    assert [problem.detail for problem in view.problems] == ["A worker was lost."]
    (found,) = queries.partitions(desk.session, scan.id, "quarantined")
    assert found.problem == lost
    assert desk.kinds().count("partition_quarantined") == 1
    assert desk.finish(scan).state == "partial"
    whole = queries.coverage(desk.session, "s1")[asset_id("s1", "a")]
    assert (whole["method"], whole["partitions_failed"]) == ("sample", 1)
    evidence = queries.evidence_of(desk.session, scan.id, asset_id("s1", "a"))
    assert evidence is not None
    assert (evidence.partitions, evidence.partitions_read, evidence.method) == (2, 1, "sample")
    retried = desk.do(RetryScan(scan_id=scan.id))
    assert retried.partitions == {"done": 1, "pending": 1}


def test_a_scan_of_which_all_is_quarantined_has_failed(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    for _ in range(ATTEMPTS):
        desk.ask()
        desk.later(31)
    assert desk.ask() == []
    assert desk.finish(scan).state == "failed"


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
    assert len(leases) == 2
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


def test_a_census_that_its_budget_cannot_carry_becomes_a_sample_and_says_so(desk: Control) -> None:
    desk.budget("s1", bytes_per_scan=10 * MB)
    scan = desk.scan("s1", 20, paths=("a", "b"))
    view = desk.view(scan)
    assert view.partitions == {"pending": 10, "skipped": 30}
    assert view.level == "sample"
    assert view.degraded is not None
    assert "30 of 40 partitions, 75.0 % of the bytes" in view.degraded
    assert desk.kinds().count("degraded") == 1
    leases = desk.ask(100)
    numbers = {path: {x.partition.number for x in leases if x.partition.asset == path} for path in "ab"}
    assert [len(found) for found in numbers.values()] == [5, 5], "about the same share of each asset"
    assert all(found != set(range(5)) for found in numbers.values()), "never the head"
    for lease in leases:
        desk.commit(lease)
    assert desk.finish(scan).state == "succeeded"
    found = queries.coverage(desk.session, "s1")[asset_id("s1", "a")]
    assert (found["method"], found["partitions_read"]) == ("sample", 5)
    evidence = queries.evidence_of(desk.session, scan.id, asset_id("s1", "a"))
    assert evidence is not None
    assert evidence.method == "sample"


def test_a_census_that_would_take_more_cpu_than_a_day_has_is_cut_to_what_it_has(
    desk: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Learned:
        cpu_seconds: float | None = None

    monkeypatch.setattr("actors.scans.fitting.forecast", lambda session, scan_id: Learned)
    desk.budget("s1", cpu_seconds_per_day=50)
    unknown = desk.scan("s1", 20)
    assert desk.view(unknown).degraded is None, "nothing was learned yet"
    Learned.cpu_seconds = 200.0
    scan = desk.scan("s1", 20)
    view = desk.view(scan)
    assert (view.partitions, view.level) == ({"pending": 5, "skipped": 15}, "sample")
    assert view.degraded is not None
    assert "50 CPU seconds a day, and 200 are expected" in view.degraded
    desk.budget("s1", cpu_seconds_per_day=50, degrade=False)
    assert desk.view(desk.scan("s1", 20)).partitions == {"pending": 20}


def test_nothing_is_read_before_it_is_known_what_all_of_it_holds(desk: Control) -> None:
    desk.budget("s1", bytes_per_scan=3 * MB)
    source = "s1"
    scan = desk.scan(source, 2, paths=("a",), key="whole")
    assert len(desk.ask()) == 2
    access = SourceAccess(source_id=source, url="postgresql://h/db")
    rules = ScanRules(name="default", version=1, digest="d1", spec=RuleSetSpec())
    assets = tuple(AssetInfo(path=path, kind="table") for path in ("c", "d"))
    half = desk.do(StartScan(key="half", access=access, assets=assets, rules=rules))
    part = Partition(asset="c", number=0, kind="r", spec={}, columns=(), bytes=MB, fingerprint="f")
    desk.do(RecordPlan(scan_id=half.id, asset_id=asset_id(source, "c"), partitions=(part,)))
    assert desk.ask() == []
    desk.do(RecordPlan(scan_id=half.id, asset_id=asset_id(source, "d"), problem=PASSING))
    assert [lease.scan_id for lease in desk.ask()] == [half.id]
    assert desk.view(scan).degraded is None


def test_a_scan_that_may_not_be_degraded_waits_for_a_larger_budget(desk: Control) -> None:
    desk.budget("s1", bytes_per_scan=3 * MB, degrade=False)
    scan = desk.scan("s1", 4)
    assert desk.ask() == []
    assert desk.view(scan).partitions == {"pending": 4}
    desk.budget("s1", bytes_per_scan=4 * MB, degrade=False)
    assert len(desk.ask()) == 4


def test_a_budget_that_is_set_meanwhile_cuts_what_is_left(desk: Control) -> None:
    scan = desk.scan("s1", 10)
    for lease in desk.ask(4):
        desk.commit(lease)
    desk.budget("s1", bytes_per_scan=6 * MB)
    view = desk.view(scan)
    assert view.partitions == {"done": 4, "pending": 2, "skipped": 4}
    desk.budget("s1", bytes_per_scan=5 * MB)
    view = desk.view(scan)
    assert view.partitions == {"done": 4, "pending": 1, "skipped": 5}
    assert view.degraded is not None
    assert "5 of 10" in view.degraded


@limits(deadline=None, max_examples=100)
@given(
    assets=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=20), min_size=1, max_size=4),
    room=st.integers(0, 600),
)
def test_a_sample_fits_and_is_the_same_each_time(assets: list[list[int]], room: int) -> None:
    parts = [
        Part(f"a{number}", place, f"k{number}.{place}", size)
        for number, sizes in enumerate(assets)
        for place, size in enumerate(sizes)
    ]
    chosen = fitted(parts, room)
    assert chosen == fitted(list(reversed(parts)), room)
    sizes = {(part.asset_id, part.number): part.bytes for part in parts}
    assert sum(sizes[key] for key in chosen) <= room
    assert chosen <= sizes.keys()
    if sum(sizes.values()) <= room:
        assert chosen == sizes.keys()
    for asset in {part.asset_id for part in parts}:
        order = drawn([part for part in parts if part.asset_id == asset])
        taken = [place for place, number in enumerate(order) if (asset, number) in chosen]
        assert taken == list(range(len(taken))), "a small one is not taken for a large one that has no room"


def drawn(parts: list[Part]) -> list[int]:
    """The numbers of the partitions of an asset in the order in which they are drawn."""
    alike = [part._replace(bytes=1) for part in parts]
    steps = [fitted(alike, room) for room in range(len(parts) + 1)]
    return [(more - less).pop()[1] for less, more in pairwise(steps)]


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


def test_a_dead_actors_leases_are_free_at_once_and_cost_no_attempt(desk: Control) -> None:
    desk.scan("s1", 3)
    for fence in range(1, 2 * ATTEMPTS):
        leases = desk.ask()
        assert [(lease.attempt, lease.fence) for lease in leases] == [(1, fence)] * 3
        assert desk.ask() == []
        desk.do(RenewLeases(held=tuple(queries.leased(desk.session)), seconds=0))


def test_a_partition_that_takes_the_actor_with_it_is_quarantined_in_the_end(desk: Control) -> None:
    scan = desk.scan("s1", 1)
    for _ in range(GIVEN_BACK + ATTEMPTS):
        assert len(desk.ask()) == 1
        desk.do(RenewLeases(held=tuple(queries.leased(desk.session)), seconds=0))
    assert desk.ask() == []
    assert desk.view(scan).partitions == {"quarantined": 1}


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
