"""Planning and reading without Ray: bounded, tried again where it may help, and given up where it does not."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.scans import planning, worker
from actors.scans.contract import CommitReport, FailPartition, Lease, LeasePartitions, Leases, RecordPlan, ScanRules
from actors.scans.planning import BATCH, TASKS, TRIES, Planning
from actors.scans.reading import Reading
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.connectors.pace import Pace
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import SextantError, SourceUnreadable, Unavailable
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Done
from cluster.runtime.window import Window
from cluster.security.secrets import seal


async def in_thread(function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> Any:
    return await asyncio.to_thread(function, *arguments)


class Group:
    """Stands where the actor's writer is: keeps what it was told."""

    def __init__(self, busy: int = 0) -> None:
        self.told: list[Any] = []
        self.busy = busy

    async def command(self, command: Any) -> Any:
        if isinstance(command, LeasePartitions):
            return Leases(leases=tuple(lease(number) for number in range(command.limit)))
        if self.busy:
            self.busy -= 1
            raise Unavailable("The database did not answer.", "Try again.")
        self.told.append(command)
        return Done()


async def plan_all(planner: Planning, infos: list[AssetInfo], group: Group) -> dict[str, RecordPlan]:
    """Drives the planner as the actor does until each asset was recorded."""
    async with asyncio.timeout(60):
        while len(group.told) < len(infos):
            recorded = {command.asset_id for command in group.told}
            planner.start([("scan", info.path, info) for info in infos if info.path not in recorded], {"scan"})
            await asyncio.sleep(0.01)
    return {command.asset_id: command for command in group.told}


def planner_of(group: Group, run: Any, access: SourceAccess) -> Planning:
    async def given(scan_id: str) -> SourceAccess:
        return access

    return Planning(group.command, run, given, 1 << 16)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PAUSE_SECONDS", 0.001)


def test_each_asset_is_planned_or_has_a_problem(tmp_path: Path) -> None:
    for number in range(40):
        # Names that differ by more than a number: files of one name but for it are one asset.
        (tmp_path / f"{chr(97 + number // 26)}{chr(97 + number % 26)}.csv").write_text("id,name\n1,a\n2,b\n")
    access = SourceAccess(source_id="s", url=split_url(str(tmp_path)).url)
    infos = [*open_connector(access, {}).enumerate().assets]
    infos.append(infos[0].model_copy(update={"path": "gone.csv"}))
    calls: list[int] = []

    async def run(function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> Any:
        calls.append(len(arguments[1]))
        return await asyncio.to_thread(function, *arguments)

    group = Group()
    plans = asyncio.run(plan_all(planner_of(group, run, access), infos, group))
    assert [path for path, plan in plans.items() if plan.problem] == ["gone.csv"]
    assert {len(plan.partitions) for path, plan in plans.items() if path != "gone.csv"} == {1}
    assert len(group.told) == 41
    assert max(calls) == BATCH


def test_a_source_that_does_not_answer_is_given_up_once_for_all_its_assets() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        sealed = seal({"username": "ada"}, "s")
        access = SourceAccess(source_id="s", url=f"postgresql://127.0.0.1:{port}/none", sealed=sealed)
        infos = [AssetInfo(path=f"public.t{number}", kind="table") for number in range(100)]
        group, calls = Group(), []

        async def run(function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> Any:
            calls.append(1)
            return await asyncio.to_thread(function, *arguments)

        plans = asyncio.run(plan_all(planner_of(group, run, access), infos, group))
    assert {plan.problem and plan.problem.code for plan in plans.values()} == {"source-unreachable"}
    assert len(calls) <= TRIES * TASKS


def test_a_database_that_is_away_fails_no_asset(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,name\n1,a\n2,b\n")
    access = SourceAccess(source_id="s", url=split_url(str(tmp_path)).url)
    infos = [*open_connector(access, {}).enumerate().assets]
    asked: list[str] = []

    async def given(scan_id: str) -> SourceAccess:
        asked.append(scan_id)
        if len(asked) <= 2 * TRIES:
            raise Unavailable("The database did not answer.")
        return access

    group = Group()
    planner = Planning(group.command, in_thread, given, 1 << 16)
    (recorded,) = asyncio.run(plan_all(planner, infos, group)).values()
    assert recorded.problem is None


def test_an_asset_that_kills_its_worker_spoils_no_other() -> None:
    infos = [AssetInfo(path=f"t{number}", kind="table") for number in range(20)]
    group, alone = Group(), []

    async def run(function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> list[worker.Planned]:
        paths = [info.path for info in arguments[1]]
        if "t7" in paths:
            if len(paths) == 1:
                alone.append("t7")
            raise Unavailable("A worker was lost.", "The work is tried again.")
        return [worker.Planned() for _ in paths]

    access = SourceAccess(source_id="s", url="postgresql://h/db")
    plans = asyncio.run(plan_all(planner_of(group, run, access), infos, group))
    assert {path for path, plan in plans.items() if plan.problem} == {"t7"}
    assert plans["t7"].problem is not None
    assert plans["t7"].problem.path == "t7"
    assert len(alone) == TRIES - 1


def test_a_source_with_a_pace_is_planned_by_one_task_at_a_time_and_again_when_the_pace_changes() -> None:
    infos = [AssetInfo(path=f"t{number}", kind="table") for number in range(3 * BATCH)]
    access = SourceAccess(source_id="s", url="postgresql://h/db")
    waiting = [("scan", info.path, info) for info in infos]

    async def scenario() -> list[Any]:
        paces: list[Any] = []

        async def run(function: Callable[..., Any], *arguments: Any, cpus: float = 1.0) -> Any:
            paces.append(arguments[4] if len(arguments) > 4 else None)
            await asyncio.sleep(60)

        planner = planner_of(Group(), run, access)
        at_first = Pace(bytes_per_second=1e6)
        seen = []
        for pace in (None, at_first, at_first, Pace(bytes_per_second=2e6)):
            for _ in range(3):  # to end what is at another pace, then to begin again
                planner.start(waiting, {"scan"}, {"scan": pace} if pace else {})
                await asyncio.sleep(0.01)
            seen.append((len(planner.window.keys), paces[-1]))
        planner.start([], set())
        await asyncio.sleep(0.01)
        assert len(paces) == TASKS + 2
        return seen

    first, second = Pace(bytes_per_second=1e6), Pace(bytes_per_second=2e6)
    assert asyncio.run(scenario()) == [(TASKS, None), (1, first), (1, first), (1, second)]


def lease(number: int) -> Lease:
    partition = Partition(asset="a", number=number, kind="rows", spec={}, columns=("x",), fingerprint=f"f{number}")
    return Lease(scan_id="scan", asset_id="a", partition=partition, fence=1)


def report(partition: Partition) -> PartitionReport:
    return PartitionReport(
        asset="a", partition=partition.number, fingerprint=partition.fingerprint, rules_digest="d", rows=1, bytes=1,
        columns=(),
    )  # fmt: skip


async def read(group: Group, run: Any, slots: int = 2, seconds: float = 30) -> None:
    async def given(scan_id: str) -> tuple[SourceAccess, ScanRules]:
        rules = ScanRules(name="r", version=1, digest="d", spec=RuleSetSpec())
        return SourceAccess(source_id="s", url="postgresql://h/db"), rules

    reader = Reading(group.command, run, given, seconds)
    await reader.start(reader.asking(slots))
    assert len(reader.window.keys) == slots
    async with asyncio.timeout(30):
        while reader.window.keys:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("busy", [0, 2])
def test_a_report_is_told_until_the_database_has_heard_it(busy: int) -> None:
    async def run(
        function: Any, access: Any, partition: Partition, rules: Any, *more: Any, cpus: float = 1.0
    ) -> PartitionReport:
        return report(partition)

    group = Group(busy)
    asyncio.run(read(group, run))
    assert sorted(command.number for command in group.told if isinstance(command, CommitReport)) == [0, 1]


def test_a_lease_is_renewed_while_its_task_lives() -> None:
    async def run(
        function: Any, access: Any, partition: Partition, rules: Any, *more: Any, cpus: float = 1.0
    ) -> PartitionReport:
        while not any(type(command).__name__ == "RenewLeases" for command in group.told):
            await asyncio.sleep(0.01)
        return report(partition)

    group = Group()
    asyncio.run(read(group, run, 1, seconds=0.3))
    assert [type(command).__name__ for command in group.told] == ["RenewLeases", "CommitReport"]
    assert group.told[0].held == (("scan", "a", 0, 1),)


@pytest.mark.parametrize(("error", "again"), [(Unavailable("Lost."), True), (SourceUnreadable("Torn."), False)])
def test_an_error_ends_the_attempt_and_says_whether_it_may_pass(error: SextantError, again: bool) -> None:
    async def run(
        function: Any, access: Any, partition: Partition, rules: Any, *more: Any, cpus: float = 1.0
    ) -> PartitionReport:
        raise error

    group = Group()
    asyncio.run(read(group, run, 1))
    (told,) = group.told
    assert isinstance(told, FailPartition)
    assert (told.retryable, told.problem.code, told.problem.path) == (again, error.code, "a")


def test_a_window_is_bounded_and_tells_when_work_ends() -> None:
    async def scenario() -> None:
        ends: list[BaseException | None] = []
        window: Window[int] = Window(2, ends.append)

        async def fails() -> None:
            raise ValueError

        window.start(1, asyncio.sleep(60))
        window.start(2, fails())
        assert (window.free, window.keys) == (0, {1, 2})
        with pytest.raises(ValueError, match="under way"):
            window.start(1, asyncio.sleep(0))
        await asyncio.sleep(0.01)
        assert (window.free, window.keys, [type(end) for end in ends]) == (1, {1}, [ValueError])
        window.cancel(frozenset({1, 5}))
        await asyncio.sleep(0.01)
        assert (window.free, ends[1:]) == (2, [None])

    asyncio.run(scenario())


def test_an_unexpected_error_leaves_a_worker_without_its_message(tmp_path: Path, monkeypatch: Any) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("secret value 4711")

    monkeypatch.setattr("cluster.connectors.opening.open_connector", broken)
    access = SourceAccess(source_id="s", url="postgresql://h/db")
    with pytest.raises(SextantError) as caught:
        worker.plan_assets(access, [AssetInfo(path="a", kind="table")], 1 << 16)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
