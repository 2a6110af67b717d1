"""Scans: each partition counts exactly once, and is leased to one worker at a time."""

from collections.abc import Iterator

import pytest
from scan_desk import PASSING, SOURCE, Desk, opened
from sqlalchemy import func, select, text

from actors.scans import queries
from actors.scans.contract import (
    RenewLeases,
)
from actors.scans.tables import Report, Run
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.naming import asset_id


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from opened(Desk, database_url)


def test_a_scan_from_its_start_to_its_end(desk: Desk) -> None:
    scan = desk.start(paths=("a", "b"))
    assert (scan.state, scan.assets, scan.assets_planned) == ("planning", 2, 0)
    desk.plan(scan, "a", ["f0", "f1"])
    assert desk.view(scan).state == "planning"
    desk.plan(scan, "b", ["f0"])
    assert desk.view(scan).state == "running"
    assert queries.due(desk.session, desk.now)
    assert queries.exhausted(desk.session) == []
    leases = desk.lease()
    assert not queries.due(desk.session, desk.now)
    for lease in leases:
        desk.commit(lease)
    assert queries.exhausted(desk.session) == [scan.id]
    ended = desk.finish(scan)
    assert (ended.state, ended.partitions, ended.rows, ended.bytes) == ("succeeded", {"done": 3}, 30, 240)
    assert ended.finished_at == desk.now
    assert desk.kinds() == ["started", "planned", "progress", "finished"]


def test_the_same_key_starts_one_scan_only(desk: Desk) -> None:
    scan = desk.start("k")
    assert desk.start("k").id == scan.id
    assert desk.kinds() == ["started"]
    assert desk.start("other").id != scan.id


def test_a_scan_of_nothing_succeeds_and_a_path_counts_once(desk: Desk) -> None:
    scan = desk.start(paths=())
    assert scan.state == "running"
    assert desk.finish(scan).state == "succeeded"
    with pytest.raises(InvalidInput):
        desk.start("k2", paths=("a", "a"))


def test_a_worker_that_lost_its_lease_comes_too_late(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0"])
    (first,) = desk.lease(seconds=30)
    desk.later(29)
    assert desk.lease() == []
    desk.later(1)
    (second,) = desk.lease()
    assert second.fence == first.fence + 1
    with pytest.raises(Conflict):
        desk.commit(first)
    with pytest.raises(Conflict):
        desk.fail(first)
    desk.commit(second)
    with pytest.raises(Conflict):
        desk.commit(second)
    assert desk.view(scan).rows == 10
    assert desk.session.scalar(select(func.count()).select_from(Report)) == 1


def test_a_renewed_lease_is_kept_and_a_released_one_is_free_at_once(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0"])
    (lease,) = desk.lease(seconds=30)
    key = (lease.scan_id, lease.asset_id, 0, lease.fence)
    desk.later(20)
    desk.do(RenewLeases(held=(key,), seconds=30))
    desk.later(20)
    assert desk.lease() == []
    assert queries.leased(desk.session) == [key]
    desk.do(RenewLeases(held=((*key[:3], 99),), seconds=0))
    assert desk.lease() == []
    desk.do(RenewLeases(held=(key,), seconds=0))
    assert len(desk.lease()) == 1


def test_no_more_is_leased_than_asked_for_however_the_statement_is_planned(desk: Desk) -> None:
    for method in ("hashjoin", "mergejoin", "hashagg", "sort", "bitmapscan", "material"):
        # What is left is to join by nested loops, which ask again for each row what they may ask for again.
        desk.session.execute(text(f"SET LOCAL enable_{method} = off"))
    desk.session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off"))
    scan = desk.start()
    desk.plan(scan, "a", [f"f{number}" for number in range(8)])
    assert [[lease.partition.number for lease in desk.lease(limit)] for limit in (1, 2, 3)] == [[0], [1, 2], [3, 4, 5]]


def test_the_oldest_scan_goes_first(desk: Desk) -> None:
    old = desk.start("k1")
    desk.later(1)
    new = desk.start("k2", digest="d2")
    desk.plan(new, "a", ["f0"])
    desk.plan(old, "a", ["f0"])
    assert [lease.scan_id for lease in desk.lease(1) + desk.lease(1)] == [old.id, new.id]


def test_progress_is_told_once_a_second_in_counts_only(desk: Desk) -> None:
    scan = desk.start()
    desk.plan(scan, "a", ["f0", "f1", "f2", "f3"])
    one, two, three, four = desk.lease()
    desk.commit(one)
    desk.commit(two)
    desk.later(1)
    desk.commit(three)
    told = [event.after for event in desk.events if event.kind == "scans.progress"]
    assert [(after["done"], after["total"], after["rows"]) for after in told if after] == [(1, 4, 10), (3, 4, 30)]
    desk.fail(four)
    assert not any(PASSING.detail in event.model_dump_json() for event in desk.events)
    assert not any("sealed" in event.model_dump_json() for event in desk.events)


def test_lists_come_in_pages(desk: Desk) -> None:
    scans = []
    for number in range(3):
        scans.append(desk.start(f"k{number}"))
        desk.later(1)
    assert queries.find_by_key(desk.session, "k1") == scans[1].id
    newest = queries.list_scans(desk.session, SOURCE, limit=2)
    rest = queries.list_scans(desk.session, SOURCE, after=newest[-1].id)
    assert [scan.id for scan in newest + rest] == [scan.id for scan in reversed(scans)]
    desk.plan(scans[0], "a", ["f0", "f1", "f2"])
    page = queries.partitions(desk.session, scans[0].id, limit=2)
    rest_page = queries.partitions(desk.session, scans[0].id, after=f"{page[-1].asset_id}:{page[-1].number}")
    assert [part.number for part in page + rest_page] == [0, 1, 2]
    assert queries.partitions(desk.session, scans[0].id, "done") == []
    with pytest.raises(NotFound):
        queries.get_scan(desk.session, "none")
    with pytest.raises(InvalidInput):
        queries.partitions(desk.session, scans[0].id, after="x")


def test_a_scan_keeps_what_its_tasks_need(desk: Desk) -> None:
    scan = desk.start()
    access, rules = queries.scan_input(desk.session, scan.id)
    assert (access.sealed, rules.digest) == ("v1.sealed", "d1")
    assert desk.session.get_one(Run, scan.id).access["source_id"] == SOURCE
    assert "sealed" not in scan.model_dump_json()
    ((_, found, info),) = queries.unplanned(desk.session, 10)
    assert (found, info.path) == (asset_id(SOURCE, "a"), "a")
