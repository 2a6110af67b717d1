"""Leases that are read: what suffers is given less, stragglers are read again elsewhere, and each is settled once."""

import asyncio
from typing import Any

import pytest

from actors.scans import reading, stragglers
from actors.scans.contract import CommitReport, FailPartition, Lease, LeasePartitions, Leases, ScanRules
from actors.scans.dispatch import LEARNED, TRIP
from actors.scans.reading import Reading
from actors.scans.stragglers import LIKE
from cluster.connectors.interface import Partition, SourceAccess
from cluster.connectors.pace import Pace
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import Internal, SourceUnreachable, TooManyRequests
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Done

SIZE = 1 << 20


class Group:
    """Gives leases, and keeps what it is told."""

    def __init__(self, leases: list[Lease]) -> None:
        self.leases, self.told = leases, list[Any]()

    async def command(self, command: Any) -> Any:
        if isinstance(command, LeasePartitions):
            given, self.leases = self.leases[: command.limit], self.leases[command.limit :]
            return Leases(leases=tuple(given))
        self.told.append(command)
        return Done()


def lease(number: int, **more: Any) -> Lease:
    part = Partition(asset="a", number=number, kind="r", spec={}, columns=("x",), bytes=SIZE, fingerprint=f"f{number}")
    return Lease(scan_id="scan", asset_id="a", source_id="s", partition=part, fence=1, **more)


def report(partition: Partition, seconds: float = 0.001) -> PartitionReport:
    return PartitionReport(
        asset="a", partition=partition.number, fingerprint=partition.fingerprint, rules_digest="d", rows=1, bytes=1,
        columns=(), seconds=seconds,
    )  # fmt: skip


async def given_rules(scan_id: str) -> tuple[SourceAccess, ScanRules]:
    rules = ScanRules(name="r", version=1, digest="d", spec=RuleSetSpec())
    return SourceAccess(source_id="s", url="postgresql://h/db"), rules


def read_all(group: Group, run: Any, seconds: float = 30) -> Reading:
    """Reads all leases, as many at once as the source is given."""

    async def scenario() -> Reading:
        reader = Reading(group.command, run, given_rules, seconds)
        async with asyncio.timeout(30):
            while group.leases or reader.window.keys:
                await reader.start(reader.asking(reader.dispatch.limits(8).get("s", 8)))
                await asyncio.sleep(0.005)
        return reader

    return asyncio.run(scenario())


@pytest.mark.parametrize("last", [False, True])
def test_a_straggler_is_given_up_unless_it_is_its_last_attempt(last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stragglers, "LEAST_SECONDS", 0.1)
    ended: list[str] = []

    async def run(function: Any, access: Any, partition: Partition, *rest: Any, cpus: float = 1.0) -> PartitionReport:
        if partition.number < LIKE:
            return report(partition)
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            ended.append("killed")
            raise
        return report(partition)

    group = Group([*(lease(number) for number in range(LIKE)), lease(LIKE, last=last)])
    read_all(group, run, seconds=0.3)
    (end,) = [told for told in group.told if getattr(told, "number", None) == LIKE]
    if last:
        assert isinstance(end, CommitReport)
    else:
        assert isinstance(end, FailPartition)
        assert (end.retryable, end.lost, ended) == (True, True, ["killed"])
        assert "longer than others" in end.problem.detail


@pytest.mark.parametrize("error", [SourceUnreachable("No answer."), TooManyRequests("Slow down.")])
def test_errors_of_the_source_hold_it_back_and_are_no_loss_of_a_worker(error: Exception) -> None:
    async def run(*_: Any, cpus: float = 1.0) -> PartitionReport:
        raise error

    group = Group([lease(number) for number in range(8)])
    reader = read_all(group, run)
    assert reader.dispatch.limits(8) == {"s": 4}
    assert all(not told.lost for told in group.told)


def test_a_paced_reader_is_told_its_pace_and_says_nothing_of_the_source() -> None:
    paces: list[Any] = []

    async def run(function: Any, access: Any, partition: Partition, rules: Any, pace: Any, *rest: Any) -> Any:
        paces.append(pace)
        return report(partition, seconds=0.001 if partition.number < 2 * LEARNED else 500.0)

    pace = Pace(bytes_per_second=1000.0)
    group = Group([lease(number, pace=pace) for number in range(40)])
    reader = read_all(group, run)
    assert paces == [pace] * 40
    assert reader.dispatch.limits(8) == {}


@pytest.mark.parametrize("pace", [None, Pace(queries_per_second=1000.0)])
def test_a_source_that_is_back_is_given_all_that_it_had(pace: Pace | None) -> None:
    async def run(function: Any, access: Any, partition: Partition, *rest: Any) -> PartitionReport:
        if partition.number < 2:
            raise SourceUnreachable("No answer.")
        return report(partition)

    async def scenario() -> Reading:
        group = Group([lease(number, pace=pace) for number in range(60)])
        reader = Reading(group.command, run, given_rules, 30)
        held_back = False
        while group.leases or reader.window.keys:
            await reader.start(reader.asking(8))
            await asyncio.sleep(0.001)
            held_back = held_back or bool(reader.dispatch.limits(8))
        assert held_back
        return reader

    assert asyncio.run(scenario()).dispatch.limits(8) == {}


@pytest.mark.parametrize(("diagnosis", "waited_for"), [(None, ["s"]), ("locked", []), ("timed-out", [])])
def test_a_table_that_is_locked_does_not_keep_others_of_its_source_waiting(
    diagnosis: str | None, waited_for: list[str]
) -> None:
    async def run(*_: Any) -> PartitionReport:
        raise SourceUnreachable("Not now.", "Wait.", {"diagnosis": diagnosis})

    async def scenario() -> tuple[Reading, Group]:
        group = Group([lease(number) for number in range(TRIP)])
        reader = Reading(group.command, run, given_rules, 30)
        for number in range(TRIP):
            await reader.start(reader.asking(1))
            while len(group.told) <= number or reader.window.keys:
                await asyncio.sleep(0.001)
        return reader, group

    reader, group = asyncio.run(scenario())
    assert reader.dispatch.waited_for() == waited_for
    assert group.told[-1].charged is not bool(waited_for)


def test_a_report_that_cannot_be_stored_fails_its_partition_at_once() -> None:
    class Broken(Group):
        async def command(self, command: Any) -> Any:
            if isinstance(command, CommitReport):
                raise Internal("CommitReport failed inside Sextant.", "See the log.")
            return await super().command(command)

    async def run(function: Any, access: Any, partition: Partition, *rest: Any, cpus: float = 1.0) -> PartitionReport:
        return report(partition)

    group = Broken([lease(0)])
    read_all(group, run)
    (told,) = group.told
    assert isinstance(told, FailPartition)
    assert (told.problem.code, told.retryable, told.lost) == ("internal", False, False)


def test_another_attempt_is_made_elsewhere() -> None:
    spread: dict[int, bool] = {}

    async def run(function: Any, access: Any, partition: Partition, *rest: Any, **how: Any) -> PartitionReport:
        spread[partition.number] = how.get("spread", False)
        return report(partition)

    read_all(Group([lease(0), lease(1, attempt=2)]), run)
    assert spread == {0: False, 1: True}


def test_what_lost_its_lease_is_ended() -> None:
    async def scenario() -> list[Any]:
        async def run(*_: Any, cpus: float = 1.0) -> PartitionReport:
            await asyncio.sleep(60)
            raise AssertionError

        group = Group([lease(0), lease(1)])
        reader = Reading(group.command, run, given_rules, 30)
        await reader.start(reader.asking(2))
        await asyncio.sleep(0.01)
        asked = reader.asking(2)
        assert (asked.limit, set(asked.under_way)) == (0, reader.window.keys)
        reader.stop([reading.held_by(lease(1))], {"s"})
        await asyncio.sleep(0.01)
        left = list(reader.window.keys)
        reader.stop([], set())
        await asyncio.sleep(0.01)
        assert not reader.window.keys
        assert group.told == []
        return left

    assert asyncio.run(scenario()) == [("scan", "a", 1, 1)]
