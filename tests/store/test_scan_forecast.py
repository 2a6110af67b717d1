"""Forecast, progress, costs and figures of scans: what was learned foretells, what is unknown is not said."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from scan_desk import SOURCE, Desk, held
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import BeginScan, CommitReport, Lease, RecordPlan, ScanRules, ScanView, StartScan
from actors.scans.contract.budgets import Budget
from actors.scans.costs import cost_report
from actors.scans.definition_tables import Rate, SourceBudget
from actors.scans.figures import run_figures
from actors.scans.forecast import forecast, remaining_cpu_seconds
from actors.scans.learning import load
from actors.scans.pilots import Pilot, Step
from actors.scans.progress import progress_of
from cluster.connectors.interface import AssetInfo, ColumnInfo, Partition, SourceAccess
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import NotFound
from cluster.kernels.report import PartitionReport
from cluster.naming import asset_id
from cluster.settings import Settings, settings
from cluster.store.engine import make_engine

MB = 1_000_000
STEP = Step(rows=1000, read_seconds=0.01, seconds=0.04)
PILOT = Pilot(steps=(STEP,), bytes=100_000, columns=3, report_seconds=0.01)


class Estate(Desk):
    """Scans of one source whose partitions take what the test says."""

    def begin(self, key: str, sizes: dict[str, list[int]], **more: Any) -> ScanView:
        """A scan of assets by path, each with partitions of these megabytes."""
        columns = tuple(ColumnInfo(name=f"c{n}", ordinal=n, type="string", physical_type="text") for n in range(3))
        assets = tuple(
            AssetInfo(
                path=path, kind="table", columns=columns, rows_estimate=sum(parts) * 10_000, bytes=sum(parts) * MB
            )
            for path, parts in sizes.items()
        )
        pilot = more.pop("pilot", None)
        rules = ScanRules(name="default", version=1, digest=more.pop("digest", "d1"), spec=RuleSetSpec())
        access = SourceAccess(source_id=SOURCE, url=more.pop("url", "postgresql://h/db"), sealed="v1.sealed")
        scan = self.do(StartScan(key=key, access=access, assets=assets, rules=rules, **more))
        for path, parts in sizes.items():
            self.do(
                RecordPlan(
                    scan_id=scan.id, asset_id=asset_id(SOURCE, path), pilot=pilot and pilot.model_dump(),
                    partitions=tuple(self.part(path, number, size) for number, size in enumerate(parts)),
                )
            )  # fmt: skip
        return self.view(scan)

    def part(self, path: str, number: int, size: int) -> Partition:
        return Partition(
            asset=path, number=number, kind="postgresql.blocks", spec={}, columns=("c0", "c1", "c2"),
            rows_estimate=size * 10_000, bytes=size * MB, fingerprint=f"{path}-{number}-{size}",
        )  # fmt: skip

    def read(self, lease: Lease, cpu_seconds: float, digest: str = "d1") -> None:
        report = PartitionReport(
            asset=lease.partition.asset, partition=lease.partition.number, fingerprint=lease.partition.fingerprint,
            rules_digest=digest, rows=lease.partition.rows_estimate or 0, bytes=lease.partition.bytes or 0, columns=(),
            seconds=2 * cpu_seconds, cpu_seconds=cpu_seconds, peak_rss_mb=100.0, node="n1",
        )  # fmt: skip
        self.do(CommitReport(**held(lease), report=report))

    def read_all(self, scan: ScanView, digest: str = "d1", per_mb: float = 0.05) -> int:
        leases = [lease for lease in self.lease(1000) if lease.scan_id == scan.id]
        for lease in leases:
            self.read(lease, per_mb * (lease.partition.bytes or 0) / MB, digest)
        self.finish(scan)
        return len(leases)


@pytest.fixture
def estate(database_url: str) -> Iterator[Estate]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Estate(session)
        session.rollback()
    engine.dispose()


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("SEXTANT_CPU_HOUR_PRICE", "3.6")
    monkeypatch.setenv("SEXTANT_CURRENCY", "EUR")
    settings.cache_clear()
    yield settings()
    monkeypatch.undo()
    settings.cache_clear()


def test_before_anything_was_read_no_cost_is_claimed(estate: Estate) -> None:
    scan = estate.begin("k", {"a": [10, 20], "b": [5]}, plan_only=True)
    found = forecast(estate.session, scan.id)
    assert (scan.state, found.partitions, found.bytes, found.rows) == ("planned", 3, 35 * MB, 350_000)
    assert (found.learned_from, found.queries, found.assets_known) == (0, 6, 0)
    assert (found.cpu_seconds, found.cpu_seconds_low, found.seconds, found.money) == (None, None, None, None)
    assert remaining_cpu_seconds(estate.session) == 0.0
    estate.do(BeginScan(scan_id=scan.id))
    assert remaining_cpu_seconds(estate.session) is None
    with pytest.raises(NotFound):
        forecast(estate.session, "none")


def test_what_was_read_foretells_what_is_left_and_what_comes_next(estate: Estate) -> None:
    scan = estate.begin("k", {name: [8, 16, 8] for name in "abcdef"})
    leases = estate.lease(1000)
    for lease in leases[:9]:
        estate.read(lease, 0.05 * (lease.partition.bytes or 0) / MB)
    left = sum((lease.partition.bytes or 0) / MB for lease in leases[9:])
    found = forecast(estate.session, scan.id, workers=2)
    assert (found.partitions, found.learned_from) == (9, 9)
    assert found.cpu_seconds == pytest.approx(0.05 * left, rel=0.25)
    assert found.cpu_seconds_low < found.cpu_seconds < found.cpu_seconds_high
    assert found.seconds == pytest.approx(2 * found.cpu_seconds / 2, rel=0.01)  # a second of waiting to one of work
    assert remaining_cpu_seconds(estate.session) == pytest.approx(found.cpu_seconds)
    for lease in leases[9:]:
        estate.read(lease, 0.05 * (lease.partition.bytes or 0) / MB)
    estate.finish(scan)
    assert forecast(estate.session, scan.id).cpu_seconds == 0.0
    again = estate.begin("k2", {"a": [9, 16, 8], "new": [20]}, plan_only=True)
    more = forecast(estate.session, again.id)
    assert (more.cached, more.partitions, more.assets_known) == (2, 2, 1)
    assert more.cpu_seconds == pytest.approx(0.05 * 29, rel=0.25)


def test_rates_are_kept_in_three_rows_and_hold_no_value(estate: Estate) -> None:
    scan = estate.begin("k", {"secret_path": [4, 4]})
    estate.read_all(scan)
    rows = {rate.scope: rate for rate in estate.session.scalars(select(Rate))}
    asset = asset_id(SOURCE, "secret_path")
    assert {scope: rate.learned_from for scope, rate in rows.items()} == {
        "all": 2, f"source:{SOURCE}": 2, f"asset:{asset}": 2,
    }  # fmt: skip
    assert "secret_path" not in json.dumps([rate.content for rate in rows.values()])


def test_a_pilot_is_kept_and_makes_a_new_asset_known(estate: Estate) -> None:
    first = estate.begin("k", {"a": [10], "b": [30], "c": [20]}, pilot=PILOT)
    estate.read_all(first)
    steps = (STEP.model_copy(update={"seconds": seconds}) for seconds in (0.02, 0.2))
    quick, slow = (PILOT.model_copy(update={"steps": (step,)}) for step in steps)
    sizes = [10, 10, 10]
    one = estate.begin("k2", {"quick": sizes}, pilot=quick, plan_only=True)
    two = estate.begin("k3", {"slow": sizes}, pilot=slow, plan_only=True)
    low, high = (forecast(estate.session, scan.id) for scan in (one, two))
    assert low.assets_known == high.assets_known == 1
    assert 2 * low.cpu_seconds < high.cpu_seconds
    assert load(estate.session, [f"asset:{asset_id(SOURCE, 'slow')}"]).pilot(asset_id(SOURCE, "slow")) == slow
    assert queries.rules_of_pilots(estate.session, one.id).digest == "d1"
    assert queries.rules_of_pilots(estate.session, first.id) is None


def test_a_report_of_some_detectors_teaches_nothing(estate: Estate) -> None:
    scan = estate.begin("k", {"a": [10, 10]})
    one, two = estate.lease()
    estate.read(one, 0.5)
    estate.read(two, 0.0)  # not measured
    assert estate.session.get(Rate, "all").learned_from == 1
    assert scan.id


def test_the_budget_of_the_source_can_decide_how_long_it_takes(estate: Estate) -> None:
    estate.read_all(estate.begin("k", {"a": [10, 10]}))
    scan = estate.begin("k2", {"b": [100, 100]}, plan_only=True)
    assert forecast(estate.session, scan.id).limited_by == "workers"
    budget = Budget(bytes_per_second=MB)
    estate.session.add(SourceBudget(source_id=SOURCE, content=budget.model_dump(mode="json"), updated_at=estate.now))
    estate.session.flush()
    found = forecast(estate.session, scan.id)
    assert (found.limited_by, found.seconds) == ("bytes_per_second", pytest.approx(240))


def test_money_is_told_where_prices_are_set(estate: Estate, priced: Settings) -> None:
    estate.read_all(estate.begin("k", {"a": [10, 10]}))
    scan = estate.begin("k2", {"b": [100]}, plan_only=True)
    found = forecast(estate.session, scan.id)
    assert (found.currency, found.money) == ("EUR", pytest.approx(found.cpu_seconds / 1000))
    (row,) = cost_report(estate.session, SOURCE, estate.now, estate.now + timedelta(days=1)).rows
    assert row.money == pytest.approx(row.cpu_seconds / 1000)


def test_progress_is_of_the_last_minute(estate: Estate) -> None:
    scan = estate.begin("k", {"a": [10] * 6, "b": [10] * 6})
    idle = progress_of(estate.session, scan.id, estate.now)
    assert (idle.done, idle.total, idle.bytes_per_second, idle.seconds_left) == (0, 12, None, None)
    leases = estate.lease(1000, 10_000)
    estate.later(100)
    for lease in leases[:2]:
        estate.read(lease, 0.5)
    estate.later(100)
    for lease in leases[2:8]:
        estate.read(lease, 0.5)
    found = progress_of(estate.session, scan.id, estate.now)
    assert (found.done, found.total, found.rows, found.bytes) == (8, 12, 800_000, 80 * MB)
    assert found.bytes_per_second == pytest.approx(60 * MB / 60)
    assert found.seconds_left == pytest.approx(2.0 / (3.0 / 60), rel=0.25)
    assert found.seconds_elapsed == 200
    assert [(phase.phase, phase.done, phase.total) for phase in found.phases] == [
        ("planning", 2, 2),
        ("reading", 8, 12),
    ]
    estate.later(61)
    assert progress_of(estate.session, scan.id, estate.now).bytes_per_second is None
    for lease in leases[8:]:
        estate.read(lease, 0.5)
    estate.finish(scan)
    ended = progress_of(estate.session, scan.id, estate.now + timedelta(days=1))
    assert (ended.seconds_left, ended.seconds_elapsed) == (None, 261)


def test_costs_by_rules_with_what_the_cache_has_saved(estate: Estate) -> None:
    since = estate.now
    estate.read_all(estate.begin("k", {"a": [10, 20], "b": [10]}))
    estate.later(1)
    second = estate.begin("k2", {"a": [10, 20], "b": [12]})
    estate.read_all(second)
    estate.read_all(estate.begin("k3", {"a": [10]}, digest="d2"), "d2")
    report = cost_report(estate.session, None, since, estate.now + timedelta(seconds=1))
    first, other = report.rows
    assert (first.rules_digest, first.runs, first.partitions, first.cached) == ("d1", 2, 4, 2)
    assert (first.bytes, first.cpu_seconds) == (52 * MB, pytest.approx(2.6))
    assert first.saved_cpu_seconds == pytest.approx(0.05 * 30, rel=0.25)
    assert first.cached_share == pytest.approx(1.5 / 4.1, rel=0.2)
    assert (other.rules_digest, other.cached, other.saved_cpu_seconds, other.money) == ("d2", 0, 0.0, None)
    assert cost_report(estate.session, None, since, since).rows == ()
    assert cost_report(estate.session, "other", since, estate.now + timedelta(1)).rows == ()
    cut = cost_report(estate.session, SOURCE, since, estate.now + timedelta(seconds=1), limit=1)
    assert (len(cut.rows), cut.truncated) == (1, True)


def test_figures_of_a_run(estate: Estate) -> None:
    scan = estate.begin("k", {"a": [10] * 10})
    estate.later(5)
    leases = estate.lease(100, 1000)
    estate.later(7)
    for place, lease in enumerate(leases):
        estate.read(lease, 0.1 * (place + 1))
    estate.finish(scan)
    found = run_figures(estate.session, scan.id)
    assert found.cpu_seconds is not None
    assert (found.cpu_seconds.count, found.cpu_seconds.max) == (10, pytest.approx(1.0))
    assert (found.cpu_seconds.p50, found.cpu_seconds.total) == (pytest.approx(0.55), pytest.approx(5.5))
    assert (found.nodes, found.attempts, found.rows_per_cpu_second) == ({"n1": 10}, 10, pytest.approx(1e6 / 5.5))
    assert [(phase.phase, phase.seconds, phase.items) for phase in found.phases] == [
        ("planning", 5, 1),
        ("reading", 7, 10),
    ]
    empty = run_figures(estate.session, estate.begin("k2", {"z": [1]}).id)
    assert (empty.seconds, empty.rows_per_cpu_second) == (None, None)


def test_rates_count_only_what_was_committed(estate: Estate) -> None:
    estate.begin("k", {"a": [10]})
    (lease,) = estate.lease()
    estate.read(lease, 0.5)
    with pytest.raises(Exception, match="not held"):
        estate.read(lease, 0.5)
    assert estate.session.scalar(select(func.sum(Rate.learned_from))) == 3
