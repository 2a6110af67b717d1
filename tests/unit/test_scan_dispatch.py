"""Sources that suffer are given less, and stragglers are read again elsewhere: decided without a clock or a cluster."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.scans import reading, stragglers
from actors.scans.contract import CommitReport, FailPartition, Lease, LeasePartitions, Leases, ScanRules
from actors.scans.demand import Demand
from actors.scans.dispatch import (
    LEARNED,
    PATIENCE_SECONDS,
    PAUSE_SECONDS,
    SECONDS_AHEAD,
    TRIP,
    Dispatch,
    cpus_wanted,
)
from actors.scans.leases import PUT_OFF
from actors.scans.reading import Reading
from actors.scans.stragglers import FACTOR, KEPT, LEAST_SECONDS, LIKE, Likes, patience
from cluster.connectors.interface import Partition, SourceAccess
from cluster.connectors.pace import Pace
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import Internal, SourceUnreachable, TooManyRequests
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Done

SLOTS = 16
SIZE = 1 << 20


def rounds(dispatch: Dispatch, count: int, answer: Callable[[int], float | None], slots: int = SLOTS) -> list[int]:
    """Reads full rounds from a source that answers by how many ask: seconds for a partition, None for no answer.

    Returns how many were under way in each round.
    """
    seen = []
    for _ in range(count):
        busy = min(slots, dispatch.limits(slots).get("s", slots))
        begun = [dispatch.begun("s") for _ in range(busy)]
        for token in begun:
            seconds = answer(busy)
            if seconds is None:
                dispatch.suffered("s", token)
            else:
                dispatch.read("s", token, SIZE, seconds, mostly=True)
            dispatch.ended("s")
        seen.append(busy)
    return seen


def test_a_source_that_is_well_is_given_all_slots() -> None:
    dispatch = Dispatch()
    assert rounds(dispatch, 20, lambda busy: 2.0) == [SLOTS] * 20
    assert dispatch.limits(SLOTS) == {}


def test_one_that_is_not_reached_is_left_alone_and_tried_now_and_then() -> None:
    now = [0.0]
    dispatch = Dispatch(lambda: now[0])

    def tried(*, up: bool) -> None:
        token = dispatch.begun("s")
        if up:
            dispatch.read("s", token, SIZE, 0.1, mostly=False)
        else:
            dispatch.suffered("s", token, unreached=True)
        dispatch.ended("s")

    together = [dispatch.begun("s") for _ in range(SLOTS)]
    for token in together:
        dispatch.suffered("s", token, unreached=True)
        dispatch.ended("s")
    assert not dispatch.waits("s"), "those that began together say it once"
    for _ in range(TRIP - 1):
        tried(up=False)
    assert dispatch.waits("s")
    assert dispatch.limits(SLOTS) == {"s": 0}
    now[0] += PAUSE_SECONDS
    assert dispatch.limits(SLOTS) == {"s": 1}
    tried(up=False)
    now[0] += PAUSE_SECONDS
    assert dispatch.limits(SLOTS) == {"s": 0}, "twice as long"
    now[0] += PAUSE_SECONDS
    tried(up=True)
    assert not dispatch.waits("s")
    assert dispatch.limits(SLOTS)["s"] >= 1
    for _ in range(TRIP):
        tried(up=False)
    assert dispatch.waits("s")
    now[0] += PATIENCE_SECONDS
    assert not dispatch.waits("s"), "it is not waited for for ever"


def test_a_partition_is_charged_for_no_trial_of_a_source_that_is_waited_for() -> None:
    now = [0.0]
    dispatch = Dispatch(lambda: now[0])
    trials = 0
    while now[0] < 2 * PATIENCE_SECONDS:
        if dispatch.limits(SLOTS).get("s", 1):
            dispatch.suffered("s", dispatch.begun("s"), unreached=True)
            dispatch.ended("s")
            trials += dispatch.waits("s")
        now[0] += 1.0
    assert 10 < trials < PUT_OFF


@pytest.mark.parametrize("refused", [True, False])
def test_whatever_it_answers_ends_the_waiting(refused: bool) -> None:
    now = [0.0]
    dispatch = Dispatch(lambda: now[0])
    for _ in range(TRIP):
        dispatch.suffered("s", dispatch.begun("s"), unreached=True)
        dispatch.ended("s")
    now[0] += PAUSE_SECONDS
    assert dispatch.waited_for() == ["s"]
    if refused:
        dispatch.suffered("s", dispatch.begun("s"))
    else:
        dispatch.answered("s", dispatch.begun("s"))
    assert dispatch.waited_for() == []


def test_one_that_refuses_is_halved_once_a_round_and_recovers_by_one() -> None:
    dispatch = Dispatch()
    assert rounds(dispatch, 4, lambda busy: None) == [16, 8, 4, 2]
    assert rounds(dispatch, 3, lambda busy: None) == [1, 1, 1]
    well = rounds(dispatch, 18, lambda busy: 2.0)
    assert well == [*range(1, 17), 16, 16]
    assert dispatch.limits(SLOTS) == {}


@pytest.mark.parametrize("holds", [2, 5, 11])
def test_it_settles_at_what_the_source_holds(holds: int) -> None:
    dispatch = Dispatch()
    seen = rounds(dispatch, 200, lambda busy: 2.0 if busy <= holds else None)[20:]
    assert max(seen) == holds + 1
    assert min(seen) >= (holds + 1) // 2
    assert sum(seen) / len(seen) >= 0.6 * holds


def test_answers_that_become_slow_are_seen_before_any_error() -> None:
    dispatch = Dispatch()
    quiet, loud = 2.0, 20.0
    assert rounds(dispatch, 3, lambda busy: quiet) == [SLOTS] * 3
    seen = rounds(dispatch, 40, lambda busy: loud if busy > 4 else quiet)
    assert min(seen) <= 4
    assert sum(seen[10:]) / 30 < 8
    assert rounds(dispatch, 40, lambda busy: quiet)[-1] == SLOTS


def test_short_waits_and_waits_of_the_own_machine_do_not_count() -> None:
    dispatch = Dispatch()
    rounds(dispatch, 3, lambda busy: 0.001)
    assert rounds(dispatch, 10, lambda busy: 0.9) == [SLOTS] * 10
    for _ in range(20):
        dispatch.read("s", dispatch.begun("s"), SIZE, 50.0, mostly=False)
        dispatch.ended("s")
    assert dispatch.limits(SLOTS) == {}


def test_each_source_stands_for_itself() -> None:
    dispatch = Dispatch()
    for _ in range(8):
        dispatch.begun("a")
    token = dispatch.begun("b")
    dispatch.suffered("b", token)
    assert dispatch.limits(SLOTS) == {"b": 1}


@limits(deadline=None, max_examples=100)
@given(
    steps=st.lists(st.sampled_from(["begin", "well", "slow", "suffer"]), max_size=120), slots=st.integers(1, 12)
)  # fmt: skip
def test_a_limit_is_always_between_one_and_the_slots(steps: list[str], slots: int) -> None:
    dispatch, under_way = Dispatch(), list[int]()
    for step in steps:
        if step == "begin":
            under_way.append(dispatch.begun("s"))
        elif under_way:
            token = under_way.pop(0)
            if step == "suffer":
                dispatch.suffered("s", token)
            else:
                dispatch.read("s", token, SIZE, 1.5 if step == "well" else 60.0, mostly=True)
            dispatch.ended("s")
        assert all(1 <= limit < slots for limit in dispatch.limits(slots).values())


def test_demand_is_what_does_the_work_in_time_and_no_more_than_its_parts() -> None:
    assert cpus_wanted(0, 0) == 0
    assert cpus_wanted(SECONDS_AHEAD * 7.5, 100) == 8
    assert cpus_wanted(SECONDS_AHEAD * 100, 3) == 3


@pytest.mark.parametrize(("most", "expected"), [(None, []), (64, [12, 0])])
def test_the_autoscaler_is_asked_only_when_it_can_help_and_what_changed(
    most: int | None, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = iter([12, 12, 0, 0])
    monkeypatch.setattr("actors.scans.demand.wanted", lambda session, most: next(wanted))
    asked: list[int] = []
    demand = Demand(lambda: most, asked.append)
    for _ in range(4):
        demand.look(None)  # type: ignore[arg-type]  # what it would read with it is given here
    assert asked == expected
    assert not demand.due()


def test_a_partition_may_take_some_times_as_long_as_its_like() -> None:
    like = [2e-6] * LIKE
    size = 100_000_000
    assert patience(like, size, 1) == FACTOR * 200
    assert patience(like, size, 3) == 4 * FACTOR * 200
    assert patience(like, 1000, 1) == LEAST_SECONDS
    assert patience(like[1:], size, 1) is None, "too few to know"
    assert patience(like, None, 1) is None
    assert patience(like, size, 1, pace=1e5) == FACTOR * 1000, "it is held back by its pace"


@limits(deadline=None, max_examples=100)
@given(
    like=st.lists(st.floats(1e-9, 1e-3), min_size=LIKE, max_size=20), size=st.integers(1, 10**10),
    attempt=st.integers(1, 5),
)  # fmt: skip
def test_patience_grows_with_size_and_attempts(like: list[float], size: int, attempt: int) -> None:
    first, more = patience(like, size, attempt), patience(like, size * 2, attempt)
    assert first is not None
    assert more is not None
    assert LEAST_SECONDS <= first <= more
    assert patience(like, size, attempt + 1) == 2 * first


def test_like_is_of_the_asset_or_else_of_the_source() -> None:
    likes = Likes()
    for _ in range(LIKE):
        likes.saw("s", "a", 10, 1.0)
    likes.saw("s", "b", 10, 5.0)
    likes.saw("s", "b", None, 5.0)
    assert likes.of("s", "a") == [0.1] * LIKE
    assert likes.of("s", "b") == [0.1] * LIKE + [0.5]
    for _ in range(2 * KEPT):
        likes.saw("s", "a", 10, 2.0)
    assert likes.of("s", "a") == [0.2] * KEPT
    likes.keep({"other"})
    assert likes.of("s", "a") == []


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
