"""What was read before is never read again, and what is kept says how much was read."""

from collections.abc import Iterator

import pytest
from scan_desk import PASSING, SOURCE, Desk, opened
from sqlalchemy import func, select

from actors.scans import queries
from actors.scans.contract import (
    RecordPlan,
    Sampling,
)
from actors.scans.tables import Report
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import Conflict, NotFound
from cluster.kernels.report import ColumnReport, FreeText, TextSample
from cluster.kernels.sketch import DistinctSketch
from cluster.naming import asset_id


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from opened(Desk, database_url)


def test_a_report_of_other_rules_or_of_other_content_is_refused(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0"])
    (lease,) = desk.lease()
    with pytest.raises(Conflict):
        desk.commit(lease, digest="d2")
    moved = lease.model_copy(update={"partition": lease.partition.model_copy(update={"fingerprint": "f9"})})
    with pytest.raises(Conflict):
        desk.commit(moved)
    desk.commit(lease)


def test_what_was_read_before_is_never_read_again(desk: Desk) -> None:
    first = desk.start("k1")
    desk.plan(first, "a", ["f0", "f1"])
    assert desk.read_all(first) == 2
    second = desk.start("k2")
    desk.plan(second, "a", ["f0", "f1", "f2"])
    (lease,) = desk.lease()
    assert lease.partition.fingerprint == "f2"
    desk.commit(lease)
    ended = desk.finish(second)
    assert (ended.partitions, ended.rows) == ({"cached": 2, "done": 1}, 30)


@pytest.mark.parametrize("change", ["columns", "rules"])
def test_what_would_show_something_else_is_read(desk: Desk, change: str) -> None:
    first = desk.start("k1")
    desk.plan(first, "a", ["f0"])
    desk.read_all(first)
    second = desk.start("k2", digest="d2" if change == "rules" else "d1")
    desk.plan(second, "a", ["f0"], ("y",) if change == "columns" else ("x",))
    assert len(desk.lease()) == 1


def test_parts_of_equal_content_count_each(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["same", "same"])
    for lease in desk.lease():
        desk.commit(lease)
    assert desk.view(scan).rows == 20
    assert desk.session.scalar(select(func.count()).select_from(Report)) == 1


def test_a_sample_is_the_same_each_time_and_a_census_builds_on_it(desk: Desk) -> None:
    prints = [f"f{number}" for number in range(40)]
    scan = desk.start("k1", paths=("a", "b"), sampling=Sampling(method="fraction", share=0.1))
    desk.plan(scan, "a", prints)
    desk.plan(scan, "b", ["only"])
    chosen = {lease.partition.fingerprint for lease in desk.lease(100)}
    assert desk.view(scan).partitions == {"leased": 5, "skipped": 36}
    assert "only" in chosen
    again = desk.start("k2", sampling=Sampling(method="fraction", share=0.1))
    desk.plan(again, "a", prints)
    assert {lease.partition.fingerprint for lease in desk.lease(100)} == chosen - {"only"}
    desk.later(60)
    desk.read_all(scan)
    census = desk.start("k3")
    desk.plan(census, "a", prints)
    assert desk.view(census).partitions == {"cached": 4, "pending": 36}


def test_the_rule_set_says_what_is_covered(desk: Desk) -> None:
    spec = RuleSetSpec(exclude_assets=("tmp_*",))
    scan = desk.start(paths=("a", "tmp_b"), sampling=Sampling(method="fraction", share=0.5), spec=spec)
    assert scan.assets == 1
    desk.plan(scan, "a", ["f0", "f1", "f2", "f3"])
    assert desk.view(scan).partitions == {"pending": 2, "skipped": 2}


def test_reports_are_kept_for_the_last_runs_of_an_asset(desk: Desk) -> None:
    runs = []
    for number in range(4):
        scan = desk.start(f"k{number}")
        runs.append(scan)
        desk.plan(scan, "a", [f"f{number}"])
        desk.read_all(scan)
        desk.later(1)
    assert desk.session.scalar(select(func.count()).select_from(Report)) == 3
    assert desk.view(runs[0]).rows == 10
    with pytest.raises(NotFound):
        queries.costs(desk.session, runs[0].id)
    assert queries.costs(desk.session, runs[1].id) == {}


def test_coverage_says_how_much_of_each_asset_was_read(desk: Desk) -> None:
    scan = desk.start(paths=("a", "b", "c"), sampling=Sampling(method="fraction", share=0.5))
    desk.plan(scan, "a", ["f0", "f1"])
    desk.plan(scan, "b", ["f0"])
    desk.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, "c"), problem=PASSING))
    desk.read_all(scan)
    found = queries.coverage(desk.session, SOURCE)
    named = {path: found[asset_id(SOURCE, path)] for path in "abc"}
    assert {path: item["method"] for path, item in named.items()} == {"a": "sample", "b": "census", "c": "none"}
    assert named["a"] == {"method": "sample", "partitions": 2, "partitions_read": 1, "partitions_failed": 0}


@pytest.mark.parametrize("skipped", [None, "The model entities cannot be used."])
def test_texts_that_no_model_could_read_are_read_again(desk: Desk, skipped: str | None) -> None:
    texts = FreeText(reader="1", rules=TextSample(found=(("0", ""),), read=1), skipped=skipped)
    note = ColumnReport(
        name="x", type="string", rows=1, nulls=0, empties=0, distinct=DistinctSketch().encode(), texts=texts
    )
    for key in ("k1", "k2"):
        scan = desk.start(key)
        desk.plan(scan, "a", ["f0"])
        leases = desk.lease()
        assert len(leases) == (key == "k1" or skipped is not None)
        for lease in leases:
            desk.commit(lease, rows=1, columns=(note,))
        assert desk.finish(scan).state == "succeeded"
