"""Scans: each partition counts exactly once, is read once only, and a problem of one part stops no other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import (
    CancelScan,
    CommitReport,
    FailPartition,
    FinishScan,
    Lease,
    LeasePartitions,
    RecordPlan,
    RenewLeases,
    RetryScan,
    Sampling,
    ScanRules,
    ScanView,
    StartScan,
)
from actors.scans.leases import ATTEMPTS
from actors.scans.service import service
from actors.scans.tables import Report, Run
from cluster.connectors.interface import AssetInfo, Partition, Problem, SourceAccess
from cluster.context import system
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.events.feed import EventDraft
from cluster.kernels.report import PartitionReport
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

START = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = "s" * 32
PASSING = Problem(path="a", code="source-unreachable", detail="No answer.", remedy="Wait.")


class Desk:
    """The service on one session, with a clock that only the test moves."""

    def __init__(self, session: Session) -> None:
        self.session, self.now = session, START
        self.events: list[EventDraft] = []

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system("scans"), "scans", self.now)
        result = service.carry_out(work, command)
        self.session.flush()
        self.events += work.events
        return result

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def kinds(self) -> list[str]:
        return [event.kind.removeprefix("scans.") for event in self.events]

    def start(self, key: str = "k1", paths: tuple[str, ...] = ("a",), **more: Any) -> ScanView:
        access = SourceAccess(source_id=SOURCE, url="postgresql://h/db", sealed="v1.sealed")
        rules = ScanRules(
            name="default", version=1, digest=more.pop("digest", "d1"), spec=more.pop("spec", RuleSetSpec())
        )
        assets = tuple(AssetInfo(path=path, kind="table") for path in paths)
        view: ScanView = self.do(StartScan(key=key, access=access, assets=assets, rules=rules, **more))
        return view

    def plan(self, scan: ScanView, path: str, fingerprints: list[str], columns: tuple[str, ...] = ("x",)) -> None:
        parts = tuple(
            Partition(asset=path, number=number, kind="rows", spec={}, columns=columns, fingerprint=fingerprint)
            for number, fingerprint in enumerate(fingerprints)
        )
        self.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, path), partitions=parts))

    def lease(self, limit: int = 10, seconds: float = 30) -> list[Lease]:
        return list(self.do(LeasePartitions(limit=limit, seconds=seconds)).leases)

    def commit(self, lease: Lease, digest: str = "d1", rows: int = 10) -> None:
        report = PartitionReport(
            asset=lease.partition.asset, partition=lease.partition.number, fingerprint=lease.partition.fingerprint,
            rules_digest=digest, rows=rows, bytes=rows * 8, columns=(), seconds=0.5,
        )  # fmt: skip
        self.do(CommitReport(**held(lease), report=report))

    def fail(self, lease: Lease, *, retryable: bool = False) -> None:
        self.do(FailPartition(**held(lease), problem=PASSING, retryable=retryable))

    def view(self, scan: ScanView) -> ScanView:
        return queries.get_scan(self.session, scan.id)

    def finish(self, scan: ScanView) -> ScanView:
        view: ScanView = self.do(FinishScan(scan_id=scan.id))
        return view

    def read_all(self, scan: ScanView, digest: str = "d1") -> int:
        leases = self.lease(1000)
        for lease in leases:
            self.commit(lease, digest)
        self.finish(scan)
        return len(leases)


def held(lease: Lease) -> dict[str, Any]:
    number = lease.partition.number
    return {"scan_id": lease.scan_id, "asset_id": lease.asset_id, "number": number, "fence": lease.fence}


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(store: Engine) -> Iterator[Desk]:
    with Session(store, expire_on_commit=False) as session:
        yield Desk(session)
        session.rollback()


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
