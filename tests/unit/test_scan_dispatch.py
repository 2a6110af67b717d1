"""Sources that suffer are given less, and one that is away is waited for: decided without a clock or a cluster."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.scans.demand import Demand
from actors.scans.dispatch import (
    PATIENCE_SECONDS,
    PAUSE_SECONDS,
    SECONDS_AHEAD,
    TRIP,
    Dispatch,
    cpus_wanted,
)
from actors.scans.leases import PUT_OFF
from actors.scans.stragglers import FACTOR, KEPT, LEAST_SECONDS, LIKE, Likes, patience

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


class Reader:
    """Reads one partition over and over; says for what it was charged."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch, self.begun, self.charged = dispatch, dispatch.begun("s"), 0

    def again(self) -> None:
        self.dispatch.ended("s")
        self.begun = self.dispatch.begun("s")

    def fails(self) -> None:
        self.dispatch.suffered("s", self.begun, unreached=True)
        self.charged += not self.dispatch.waits("s")
        self.again()

    def reports(self, *, paced: bool) -> None:
        if paced:
            self.dispatch.answered("s", self.begun)
        else:
            self.dispatch.read("s", self.begun, SIZE, 0.1, mostly=False)


@limits(deadline=None, max_examples=200)
@given(
    turns=st.lists(st.integers(0, 5), min_size=40, max_size=80), late=st.sets(st.integers(0, 40)), paced=st.booleans()
)
def test_an_absence_charges_a_partition_less_than_trip_times_however_many_read(
    turns: list[int], late: set[int], paced: bool
) -> None:
    now = [0.0]
    dispatch = Dispatch(lambda: now[0])
    readers = [Reader(dispatch) for _ in range(6)]
    finishing = [Reader(dispatch) for _ in late]  # have read all, and report while the source is away
    readers[0].fails()
    for number, turn in enumerate(turns):
        if number in late:
            finishing.pop().reports(paced=paced)
        readers[turn].fails()
        now[0] += PAUSE_SECONDS
    assert max(reader.charged for reader in readers) <= TRIP - 1
    assert dispatch.waits("s")


def test_one_partition_may_be_all_that_is_charged_and_an_answer_begins_the_count_anew() -> None:
    dispatch = Dispatch(lambda: 0.0)
    reader = Reader(dispatch)
    for answers in range(1, 4):
        for _ in range(2 * TRIP):
            reader.fails()
        assert reader.charged == answers * (TRIP - 1)
        reader.reports(paced=False)
        reader.again()


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
