"""What sets a definition off: the calendar, the clock and the outbox; each time once, whatever happened meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actors.scans import firing, queries
from actors.scans.calendar import MISSED_COUNTED, fire, next_after
from actors.scans.contract import (
    AddTrigger,
    DefineScan,
    Definition,
    DefinitionView,
    FireTriggers,
    OccurrenceView,
    RunDefinition,
    SettleOccurrence,
    Trigger,
    TriggerView,
)
from actors.scans.definition_tables import Trigger as Row
from actors.scans.service import service
from cluster.context import system
from cluster.events.feed import EventDraft, append, read_after
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE = "s" * 32
BERLIN = ZoneInfo("Europe/Berlin")


def cron(expression: str, timezone: str = "Europe/Berlin") -> Trigger:
    return Trigger(kind="cron", expression=expression, timezone=timezone)


def times(trigger: Trigger, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        following = next_after(trigger, after, after)
        assert following is not None
        after = following
        found.append(after)
    return found


def test_a_fixed_hour_that_is_left_out_runs_once_when_the_clock_has_gone_forward() -> None:
    found = times(cron("30 2 * * *"), datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2)
    assert found == [datetime(2026, 3, 29, 3, tzinfo=BERLIN), datetime(2026, 3, 30, 2, 30, tzinfo=BERLIN)]
    assert {at.tzinfo for at in found} == {UTC}


def test_a_fixed_hour_that_comes_twice_runs_the_first_time_only() -> None:
    trigger, eve = cron("30 2 * * *"), datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert times(trigger, eve, 2) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 of the second time
    assert next_after(trigger, between, between) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_every_half_hour_follows_the_time_that_passes() -> None:
    found = times(cron("*/30 * * * *"), datetime(2026, 10, 24, 23, 45, tzinfo=UTC), 6)
    assert [after - before for before, after in pairwise(found)] == [timedelta(minutes=30)] * 5


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "30", "59", "*/7", "0,30", "5-10"]),
    st.sampled_from(["*", "0", "1", "2", "3", "*/3", "1-3", "0,2,23"]),
    st.sampled_from(["*", "1", "29", "L", "LW", "25-31"]),
    st.sampled_from(["*", "2", "3,10", "4,9,11"]),
    st.sampled_from(["*", "SUN", "1-5", "0", "7L", "0#5"]),
).map(" ".join)
# Zones whose clocks change at midnight, by half an hour, on the southern half, or never.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Gaza",
]
INSTANTS = st.integers(0, 5 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
CHANGES = st.tuples(
    st.sampled_from(
        [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 8), (3, 29), (4, 4), (10, 25), (11, 1))]
    ),
    st.integers(-26 * 60, 26 * 60),
).map(lambda pair: pair[0] + timedelta(minutes=pair[1]))
CLOCKS = st.one_of(
    st.builds(cron, FIELDS, st.sampled_from(ZONES)),
    st.floats(10, 1e6).map(lambda seconds: Trigger(kind="interval", seconds=seconds)),
)


@settings(deadline=None, max_examples=200)
@given(CLOCKS, INSTANTS | CHANGES, st.lists(st.floats(0, 3e5), max_size=8))
def test_time_only_moves_on_and_no_planned_time_comes_twice(
    trigger: Trigger, now: datetime, pauses: list[float]
) -> None:
    planned = next_after(trigger, now, now)
    fired: list[datetime] = []
    while planned is not None and pauses:
        assert planned > now
        now = max(now, planned) + timedelta(seconds=pauses.pop())
        after = fire(trigger, planned, now)
        assert after.next_at is None or (after.next_at > now and after.next_at.tzinfo == UTC)
        assert not fired or planned > fired[-1]
        fired.append(planned)
        planned = after.next_at


@settings(deadline=None, max_examples=100)
@given(FIELDS, st.sampled_from(ZONES), INSTANTS | CHANGES, st.floats(1, 2e5))
def test_a_late_look_counts_the_times_between(expression: str, zone: str, start: datetime, late: float) -> None:
    trigger = cron(expression, zone)
    planned = next_after(trigger, start, start)
    if planned is None:
        return
    now = planned + timedelta(seconds=late)
    passed, at = 0, next_after(trigger, planned, planned)
    while at is not None and at <= now and passed < MISSED_COUNTED:
        passed, at = passed + 1, next_after(trigger, at, at)
    assert fire(trigger, planned, now).missed == passed
    if passed < MISSED_COUNTED:
        assert fire(trigger, planned, now).next_at == at  # looked at often or late, the plan is one and the same


@settings(deadline=None, max_examples=100)
@given(st.integers(10, 10**6), st.lists(st.integers(0, 3 * 10**6), min_size=1, max_size=8))
def test_an_interval_does_not_drift(seconds: int, lateness: list[int]) -> None:
    trigger, planned = Trigger(kind="interval", seconds=seconds), START
    for late in lateness:
        now = planned + timedelta(seconds=late)
        firing_ = fire(trigger, planned, now)
        assert firing_.next_at is not None
        assert (firing_.next_at - START) % timedelta(seconds=seconds) == timedelta(0)
        assert firing_.next_at - now <= timedelta(seconds=seconds)
        assert firing_.missed == min(late // seconds, MISSED_COUNTED)
        planned = firing_.next_at


class Desk:
    """The service on a real database, a transaction for each command, with a clock that only the test moves."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.now = engine, START

    def do(self, command: Command[Any], commit: bool = True) -> Any:
        with Session(self.engine, expire_on_commit=False) as session:
            work = UnitOfWork(session, system("scans"), "scans", self.now)
            result = service.carry_out(work, command)
            session.flush()
            append(session, work.events)
            if commit:
                session.commit()
        return result

    def tell(self, kind: str, entity: str, after: dict[str, Any]) -> None:
        """An event of another group, as the outbox holds it."""
        draft = EventDraft(
            group=kind.partition(".")[0], kind=kind, entity=entity, after=after, principal="p", request_id="r"
        )
        with Session(self.engine) as session, session.begin():
            append(session, [draft])

    def discovered(self, *arrived: tuple[str, str], more: bool = False, source: str = SOURCE) -> None:
        items = [{"path": path, "kind": kind} for path, kind in arrived]
        after = {"new": len(items), "changed": 0, "arrived": items, "arrived_more": more}
        self.tell("sources.discovered", f"source:{source}", after)

    def define(self, name: str = "nightly", **more: Any) -> DefinitionView:
        view: DefinitionView = self.do(DefineScan(name=name, content=Definition(source_id=SOURCE, **more)))
        return view

    def add(self, definition: DefinitionView, **more: Any) -> TriggerView:
        view: TriggerView = self.do(AddTrigger(definition_id=definition.id, content=Trigger(**more)))
        return view

    def fire(self, seconds: float = 0) -> None:
        self.now += timedelta(seconds=seconds)
        self.do(FireTriggers())

    def due(self) -> bool:
        with Session(self.engine) as session:
            return queries.triggers_due(session, self.now)

    def made(self, definition: DefinitionView | None = None) -> list[OccurrenceView]:
        """The oldest first."""
        with Session(self.engine) as session:
            return queries.occurrences(session, definition.id if definition else None)[::-1]

    def count(self) -> int:
        return len(self.made())

    def trigger(self, definition: DefinitionView) -> TriggerView:
        with Session(self.engine) as session:
            (view,) = queries.triggers(session, definition.id)
        return view


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url)
    yield Desk(engine)
    engine.dispose()


def test_a_planned_time_comes_once(desk: Desk) -> None:
    definition = desk.define()
    made = desk.add(definition, kind="interval", seconds=60)
    desk.fire(59)
    assert (desk.count(), desk.due()) == (0, False)
    desk.now += timedelta(seconds=1)
    assert desk.due()
    desk.do(FireTriggers(), commit=False)  # it dies before the commit
    assert desk.count() == 0
    desk.fire()
    desk.fire()
    (occurrence,) = desk.made()
    assert (occurrence.trigger_id, occurrence.state, occurrence.at) == (made.id, "waiting", desk.now)
    assert occurrence.reason == "every 60 s, planned for 2026-03-02 12:01:00 UTC"
    assert desk.trigger(definition).next_at == START + timedelta(seconds=120)
    assert desk.trigger(definition).fired_at == desk.now
    desk.now -= timedelta(hours=1)  # a clock that is set back
    desk.fire()
    assert desk.count() == 1


def test_what_was_missed_is_made_up_for_once_and_says_so(desk: Desk) -> None:
    definition = desk.define()
    desk.add(definition, kind="cron", expression="0 * * * *")
    desk.add(desk.define("other"), kind="interval", seconds=10)
    desk.fire(3 * 3600 + 60)
    (occurrence,) = desk.made(definition)
    assert "cron 0 * * * * UTC, planned for 2026-03-02 13:00:00 UTC" in occurrence.reason
    assert "2 later planned times passed" in occurrence.reason
    assert desk.trigger(definition).next_at == START + timedelta(hours=4)
    assert "1000 or more later" in next(one.reason for one in desk.made() if one.definition_id != definition.id)
    assert desk.count() == 2


def test_a_trigger_that_cannot_be_planned_keeps_no_other_from_firing(desk: Desk) -> None:
    broken, sound = desk.define("broken"), desk.define("sound")
    made = desk.add(broken, kind="cron", expression="0 * * * *")
    desk.add(sound, kind="cron", expression="30 * * * *")
    with Session(desk.engine) as session, session.begin():
        row = session.get_one(Row, made.id)
        row.content = {**row.content, "timezone": "Mars/Olympus"}
    desk.fire(2 * 3600)
    assert [one.definition_id for one in desk.made()] == [sound.id]
    assert desk.trigger(broken).next_at is None
    assert not desk.due()
    with Session(desk.engine) as session:
        (failed,) = read_after(session, 0, kinds=["scans.trigger_failed"])
    assert "Mars/Olympus" in str(failed.after)


def test_arrivals_in_scope_set_off(desk: Desk) -> None:
    files = desk.define("files", include=("in/*",), exclude=("in/tmp/*",))
    tables = desk.define("tables")
    desk.discovered(("in/a.csv", "file"))  # before there was a trigger
    desk.add(files, kind="file_arrival", match="*.csv")
    desk.add(tables, kind="table_commit")
    assert not desk.due()
    for arrived in (("in/a.txt", "file"), ("out/a.csv", "file"), ("in/tmp/a.csv", "file"), ("v", "view")):
        desk.discovered(arrived)
    desk.discovered(("in/a.csv", "file"), source="another")
    assert desk.due()
    desk.fire()
    assert (desk.count(), desk.due()) == (0, False)
    desk.discovered(("in/a.csv", "file"), ("in/b.csv", "file"), ("in/c.txt", "file"))
    desk.do(FireTriggers(), commit=False)
    desk.fire()
    desk.fire()
    (occurrence,) = desk.made(files)
    assert occurrence.reason == "2 new or changed files in scope"
    assert desk.made(tables) == []
    desk.discovered(("public.t", "table"))
    desk.fire()
    assert (len(desk.made(files)), len(desk.made(tables))) == (1, 1)


def test_a_trigger_hears_of_nothing_that_was_before_it(desk: Desk) -> None:
    first, second = desk.define("first"), desk.define("second")
    desk.add(first, kind="file_arrival")
    desk.discovered(("a", "file"))
    desk.add(second, kind="file_arrival")
    desk.fire()
    assert [one.definition_id for one in desk.made()] == [first.id]


def test_arrivals_too_many_to_name_set_off_rather_than_be_missed(desk: Desk) -> None:
    definition = desk.define()
    desk.add(definition, kind="file_arrival", match="z*")
    desk.discovered(("a", "file"), more=False)
    desk.fire()
    assert desk.count() == 0
    desk.discovered(("a", "file"), more=True)
    desk.fire()
    assert desk.count() == 1


def test_many_events_are_looked_at_in_pages_and_none_is_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "AT_ONCE", 2)
    definition = desk.define()
    desk.add(definition, kind="file_arrival")
    for number in range(5):
        desk.discovered((str(number), "file"))
        desk.tell("scans.planned", "scan:x", {})
    turns = 0
    while desk.due():
        desk.fire(1)
        turns += 1
    assert (turns, desk.count()) == (3, 3)
    assert [one.reason.rpartition("; ")[2] for one in desk.made()][:2] == ["the last of 2 such events"] * 2


def test_new_rules_set_off_what_follows_the_current_ones(desk: Desk) -> None:
    definition, other = desk.define(ruleset="strict"), desk.define("other")
    for one in (definition, other):
        desk.add(one, kind="rule_change")
    desk.tell("rulesets.revised", "ruleset:strict", {"version": 4})
    desk.fire()
    (occurrence,) = desk.made()
    assert (occurrence.definition_id, occurrence.reason) == (definition.id, "version 4 of the rule set 'strict'")
    desk.define(ruleset="strict", ruleset_version=4)
    desk.tell("rulesets.revised", "ruleset:strict", {"version": 5})
    desk.fire()
    assert desk.count() == 1


def test_one_definition_follows_another_that_succeeded(desk: Desk) -> None:
    first, second = desk.define("first"), desk.define("second")
    desk.add(second, kind="after", after=first.id)
    for state, ran in (("partial", first.id), ("failed", first.id), ("succeeded", second.id), ("succeeded", None)):
        desk.tell("scans.finished", "scan:1", {"state": state, "definition_id": ran})
    desk.fire()
    assert desk.count() == 0
    desk.tell("scans.finished", "scan:2", {"state": "succeeded", "definition_id": first.id})
    desk.fire()
    (occurrence,) = desk.made()
    assert (occurrence.definition_id, occurrence.reason) == (second.id, "scan:2 has succeeded")


def test_a_workflow_counts_as_the_run_of_its_definition(desk: Desk) -> None:
    first, second = desk.define("first", action="govern"), desk.define("second")
    desk.add(second, kind="after", after=first.id)
    asked = desk.do(RunDefinition(definition_id=first.id, key="k"))
    for key, state in ((None, "succeeded"), ("occurrence:nobody", "succeeded"), (f"occurrence:{asked.id}", "failed")):
        desk.tell("orchestrator.workflow_finished", "workflow:w", {"state": state, "key": key})
    desk.fire()
    assert desk.made(second) == []
    desk.tell("orchestrator.workflow_finished", "workflow:w", {"state": "succeeded", "key": f"occurrence:{asked.id}"})
    desk.do(SettleOccurrence(occurrence_id=asked.id, workflow_id="w"))
    desk.fire()
    assert [one.reason for one in desk.made(second)] == ["workflow:w has succeeded"]


def test_sources_are_looked_at_as_often_as_the_most_eager_trigger_wants(desk: Desk) -> None:
    a, b = desk.define("a"), desk.define("b")
    off = desk.define("off", enabled=False)
    desk.add(a, kind="file_arrival")
    desk.add(b, kind="table_commit", poll_seconds=20)
    desk.add(b, kind="file_arrival", poll_seconds=10, enabled=False)
    desk.add(off, kind="file_arrival", poll_seconds=10)
    with Session(desk.engine) as session:
        assert queries.looked_at(session) == {SOURCE: 20}
