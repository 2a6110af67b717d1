"""What a budget cannot carry becomes a sample, and the scan says so."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scan_desk import MB, PASSING, Control, opened

from actors.scans import queries
from actors.scans.contract import (
    RecordPlan,
    ScanRules,
    StartScan,
)
from actors.scans.fitting import Part, fitted
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.detectors.compile import RuleSetSpec
from cluster.naming import asset_id


@pytest.fixture
def desk(database_url: str) -> Iterator[Control]:
    yield from opened(Control, database_url)


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
