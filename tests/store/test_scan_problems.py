"""A problem of one part stops no other, and what may pass is tried again."""

from collections.abc import Iterator

import pytest
from scan_desk import PASSING, SOURCE, Desk, opened

from actors.scans import queries
from actors.scans.contract import (
    CancelScan,
    RecordPlan,
    RetryScan,
)
from actors.scans.leases import ATTEMPTS
from cluster.connectors.interface import Problem
from cluster.errors import Conflict
from cluster.naming import asset_id


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from opened(Desk, database_url)


def test_a_cancelled_scan_takes_nothing_more(desk: Desk) -> None:
    scan = desk.start(paths=("a", "b"))
    desk.plan(scan, "a", ["f0", "f1", "f2"])
    one, two = desk.lease(2)
    desk.commit(one)
    cancelled = desk.do(CancelScan(scan_id=scan.id))
    assert (cancelled.state, cancelled.partitions) == ("cancelled", {"done": 1, "cancelled": 2})
    with pytest.raises(Conflict):
        desk.commit(two)
    with pytest.raises(Conflict):
        desk.plan(scan, "b", ["f0"])
    assert desk.lease() == []
    assert queries.unplanned(desk.session, 10) == []
    assert desk.do(CancelScan(scan_id=scan.id)).state == "cancelled"
    assert desk.kinds().count("cancelled") == 1
    retried = desk.do(RetryScan(scan_id=scan.id))
    assert (retried.state, retried.partitions) == ("planning", {"done": 1, "pending": 2})


def test_a_problem_that_may_pass_is_tried_again_with_growing_pauses(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0"])
    pauses = []
    for _ in range(ATTEMPTS - 1):
        (lease,) = desk.lease()
        desk.fail(lease, retryable=True)
        waited = 0.0
        while not queries.due(desk.session, desk.now):
            desk.later(0.5)
            waited += 0.5
        pauses.append(waited)
    assert pauses == [1, 2, 4, 8]
    (lease,) = desk.lease()
    desk.fail(lease, retryable=True)
    assert desk.view(scan).partitions == {"failed": 1}
    assert desk.kinds().count("partition_failed") == 1


def test_a_partition_that_kills_its_workers_is_quarantined(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0", "f1"])
    for _ in range(ATTEMPTS):
        assert desk.lease(1, seconds=30)[0].partition.number == 0
        desk.later(31)
    (other,) = desk.lease()
    assert other.partition.number == 1
    desk.commit(other)
    ended = desk.finish(scan)
    assert (ended.state, ended.partitions) == ("partial", {"quarantined": 1, "done": 1})
    assert [problem.code for problem in ended.problems] == ["unavailable"]
    assert desk.kinds().count("partition_quarantined") == 1


def test_problems_make_a_scan_partial_and_only_problems_make_it_fail(desk: Desk) -> None:
    scan = desk.start(paths=("a", "b"))
    desk.plan(scan, "a", ["f0", "f1"])
    gone = Problem(path="b", code="source-object-gone", detail="It is gone.", remedy="Discover again.")
    desk.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, "b"), problem=gone))
    one, two = desk.lease()
    desk.commit(one)
    with pytest.raises(Conflict):
        desk.finish(scan)
    desk.fail(two)
    ended = desk.finish(scan)
    assert (ended.state, [problem.code for problem in ended.problems]) == ("partial", [gone.code, PASSING.code])
    retried = desk.do(RetryScan(scan_id=scan.id))
    assert (retried.state, retried.problems, retried.finished_at) == ("planning", (), None)
    desk.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, "b")))
    desk.commit(desk.lease()[0])
    assert desk.finish(scan).state == "succeeded"
    with pytest.raises(Conflict):
        desk.do(RetryScan(scan_id=scan.id))

    hopeless = desk.start("k2")
    desk.do(RecordPlan(scan_id=hopeless.id, asset_id=asset_id(SOURCE, "a"), problem=gone))
    assert desk.finish(hopeless).state == "failed"
