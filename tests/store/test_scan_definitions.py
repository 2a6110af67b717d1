"""Scan definitions and their triggers: what is accepted, versioned, refused, and shown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.scans import occurrences, queries
from actors.scans.contract import (
    AddTrigger,
    ChangeTrigger,
    DefineScan,
    Definition,
    DefinitionView,
    FireTriggers,
    RemoveTrigger,
    RetireDefinition,
    RunDefinition,
    Sampling,
    SettleOccurrence,
    Trigger,
    TriggerView,
)
from actors.scans.definition_tables import Trigger as Row
from actors.scans.service import service
from cluster.context import system
from cluster.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from cluster.events.feed import EventDraft
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE = "s" * 32


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

    def define(self, name: str = "nightly", **more: Any) -> DefinitionView:
        view: DefinitionView = self.do(DefineScan(name=name, content=Definition(source_id=SOURCE, **more)))
        return view

    def add(self, definition: DefinitionView, **more: Any) -> TriggerView:
        view: TriggerView = self.do(AddTrigger(definition_id=definition.id, content=Trigger(**more)))
        return view

    def kinds(self) -> list[str]:
        return [event.kind.removeprefix("scans.") for event in self.events]


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield Desk(session)
    engine.dispose()


def test_a_definition_is_versioned_by_what_it_says(desk: Desk) -> None:
    first = desk.define(sampling=Sampling(method="fraction", share=0.2))
    assert (first.version, first.retired, first.content.sampling.share) == (1, False, 0.2)
    assert desk.define(sampling=Sampling(method="fraction", share=0.2)) == first
    desk.now += timedelta(hours=1)
    second = desk.define(exclude=("tmp/*",))
    assert (second.id, second.version, second.created_at, second.updated_at) == (first.id, 2, START, desk.now)
    assert desk.kinds() == ["definition_changed", "definition_changed"]
    assert desk.events[1].before == first.model_dump(mode="json")
    assert queries.definition(desk.session, first.id) == second == queries.definition_by_name(desk.session, "nightly")


def test_a_change_made_meanwhile_is_noticed(desk: Desk) -> None:
    content = Definition(source_id=SOURCE)
    with pytest.raises(PreconditionFailed):
        desk.do(DefineScan(name="a", content=content, if_version=1))
    assert desk.do(DefineScan(name="a", content=content, if_version=0)).version == 1
    with pytest.raises(PreconditionFailed):
        desk.do(DefineScan(name="a", content=content.model_copy(update={"priority": 9}), if_version=0))
    changed = DefineScan(name="a", content=content.model_copy(update={"priority": 9}), if_version=1)
    assert desk.do(changed).version == 2


def test_governing_takes_a_whole_source(desk: Desk) -> None:
    parts: list[dict[str, Any]] = [
        {"include": ("a*",)},
        {"exclude": ("a*",)},
        {"sampling": Sampling(method="tiered")},
        {"priority": 1},
        {"ruleset_version": 2},
    ]
    for part in parts:
        with pytest.raises(InvalidInput, match=next(iter(part))):
            desk.define(action="govern", **part)
    assert desk.define(action="govern", ruleset="strict").version == 1


def test_definitions_are_listed_by_name_in_pages(desk: Desk) -> None:
    made = {name: desk.define(name) for name in ("c", "a", "b")}
    desk.do(DefineScan(name="d", content=Definition(source_id="other")))
    desk.do(RetireDefinition(definition_id=made["b"].id))
    assert [view.name for view in queries.definitions(desk.session)] == ["a", "c", "d"]
    assert [view.name for view in queries.definitions(desk.session, after="a", limit=1)] == ["c"]
    assert [view.name for view in queries.definitions(desk.session, SOURCE, retired=True)] == ["a", "b", "c"]


def test_a_retired_definition_is_over_until_it_is_defined_again(desk: Desk) -> None:
    definition = desk.define()
    desk.add(definition, kind="interval", seconds=60)
    retired = desk.do(RetireDefinition(definition_id=definition.id))
    assert retired.retired
    assert desk.do(RetireDefinition(definition_id=definition.id)) == retired
    desk.now += timedelta(hours=1)
    desk.do(FireTriggers())
    assert queries.occurrences(desk.session) == []
    for command in (RunDefinition(definition_id=definition.id, key="k"), _interval(definition)):
        with pytest.raises(Conflict):
            desk.do(command)
    again = desk.define()
    assert (again.id, again.version, again.retired) == (definition.id, 3, False)
    assert queries.triggers(desk.session, again.id) == []


def _interval(definition: DefinitionView) -> AddTrigger:
    return AddTrigger(definition_id=definition.id, content=Trigger(kind="interval", seconds=60))


def test_a_trigger_is_added_changed_and_removed(desk: Desk) -> None:
    definition = desk.define()
    made = desk.add(definition, kind="cron", expression="0 3 * * *", timezone="Europe/Berlin")
    assert made.next_at == datetime(2026, 3, 3, 2, tzinfo=UTC)
    desk.now += timedelta(hours=1)
    assert desk.do(ChangeTrigger(trigger_id=made.id, content=made.content)) == made
    off = desk.do(ChangeTrigger(trigger_id=made.id, content=made.content.model_copy(update={"enabled": False})))
    assert (off.id, off.next_at) == (made.id, None)
    every = desk.do(ChangeTrigger(trigger_id=made.id, content=Trigger(kind="interval", seconds=90)))
    assert every.next_at == desk.now + timedelta(seconds=90)
    assert queries.triggers(desk.session, definition.id) == [every]
    desk.do(RemoveTrigger(trigger_id=made.id))
    desk.do(RemoveTrigger(trigger_id=made.id))
    assert queries.triggers(desk.session, definition.id) == []
    assert desk.kinds()[1:] == ["trigger_added", "trigger_changed", "trigger_changed", "trigger_removed"]
    with pytest.raises(NotFound):
        desk.do(ChangeTrigger(trigger_id=made.id, content=made.content))


NEVER: list[dict[str, Any]] = [
    {"kind": "cron"},
    {"kind": "cron", "expression": "0 3 * *"},
    {"kind": "cron", "expression": "0 0 3 * * *"},
    {"kind": "cron", "expression": "0 25 * * *"},
    {"kind": "cron", "expression": "0 0 31 4 *"},
    {"kind": "cron", "expression": "0 0 1L/2 * *"},
    {"kind": "cron", "expression": "0 3 * * *", "timezone": "Mars/Olympus"},
    {"kind": "cron", "expression": "0 3 * * *", "timezone": "../../etc/passwd"},
    {"kind": "cron", "expression": "0 3 * * *", "timezone": ""},
    {"kind": "interval"},
    {"kind": "after"},
]


def test_a_trigger_that_would_never_fire_is_refused(desk: Desk) -> None:
    definition = desk.define()
    for content in NEVER:
        with pytest.raises(InvalidInput) as caught:
            desk.add(definition, **content)
        assert caught.value.remedy
    assert queries.triggers(desk.session, definition.id) == []


def test_pinned_rules_never_change(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        desk.add(desk.define(ruleset_version=1), kind="rule_change")


def test_a_definition_has_at_most_twenty_triggers(desk: Desk) -> None:
    definition = desk.define()
    for _ in range(20):
        desk.add(definition, kind="interval", seconds=60)
    with pytest.raises(Conflict):
        desk.add(definition, kind="interval", seconds=60)
    assert len(queries.triggers(desk.session, definition.id)) == 20


def test_circles_are_refused_however_long(desk: Desk) -> None:
    a, b, c, d = (desk.define(name) for name in "abcd")
    with pytest.raises(Conflict):
        desk.add(a, kind="after", after=a.id)
    desk.add(b, kind="after", after=a.id)
    link = desk.add(c, kind="after", after=b.id)
    with pytest.raises(Conflict):
        desk.add(a, kind="after", after=c.id)
    desk.add(d, kind="after", after=a.id)
    desk.add(d, kind="after", after=c.id)  # two ways are no circle
    other = desk.add(a, kind="interval", seconds=60)
    with pytest.raises(Conflict):
        desk.do(ChangeTrigger(trigger_id=other.id, content=Trigger(kind="after", after=d.id)))
    desk.do(RemoveTrigger(trigger_id=link.id))
    assert desk.add(a, kind="after", after=c.id).content.after == c.id
    with pytest.raises(NotFound):
        desk.add(a, kind="after", after="nobody")
    with pytest.raises(Conflict):
        desk.do(RetireDefinition(definition_id=c.id))


def test_asking_twice_with_one_key_runs_once(desk: Desk) -> None:
    definition, other = desk.define(), desk.define("other")
    first = desk.do(RunDefinition(definition_id=definition.id, key="k"))
    assert desk.do(RunDefinition(definition_id=definition.id, key="k")) == first
    assert desk.do(RunDefinition(definition_id=other.id, key="k")).id != first.id
    assert first.state == "waiting"
    assert desk.kinds().count("definition_run") == 2
    desk.define(enabled=False)
    with pytest.raises(Conflict):
        desk.do(RunDefinition(definition_id=definition.id, key="k2"))


def test_an_occurrence_is_settled_once(desk: Desk) -> None:
    made = desk.do(RunDefinition(definition_id=desk.define().id, key="k"))
    with pytest.raises(InvalidInput):
        desk.do(SettleOccurrence(occurrence_id=made.id))
    with pytest.raises(InvalidInput):
        desk.do(SettleOccurrence(occurrence_id=made.id, run_id="r", problem="p"))
    desk.do(SettleOccurrence(occurrence_id=made.id, run_id="r"))
    desk.do(SettleOccurrence(occurrence_id=made.id, problem="too late"))
    (settled,) = queries.occurrences(desk.session)
    assert (settled.state, settled.run_id, settled.problem) == ("started", "r", None)
    assert desk.kinds().count("occurrence_settled") == 1
    with pytest.raises(NotFound):
        desk.do(SettleOccurrence(occurrence_id="nobody", problem="p"))


def test_occurrences_are_listed_newest_first_and_old_ones_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occurrences, "KEPT", 3)
    definition, other = desk.define(), desk.define("other")
    kept = desk.do(RunDefinition(definition_id=other.id, key="k"))
    made = []
    for number in range(5):
        desk.now += timedelta(seconds=1)
        made.append(desk.do(RunDefinition(definition_id=definition.id, key=str(number))))
    for one in made[:4]:
        desk.do(SettleOccurrence(occurrence_id=one.id, problem="no"))
    ids = [one.id for one in made]
    listed = [one.id for one in queries.occurrences(desk.session, definition.id)]
    assert listed == ids[:0:-1]  # the oldest is gone
    assert [one.id for one in queries.occurrences(desk.session, state="waiting")] == [ids[4], kept.id]
    assert [one.id for one in queries.occurrences(desk.session, after=ids[4], limit=2)] == [ids[3], ids[2]]
    with pytest.raises(NotFound):
        queries.occurrences(desk.session, after=ids[0])


def test_what_comes_next_is_foretold(desk: Desk) -> None:
    definition = desk.define()
    quick = desk.add(definition, kind="interval", seconds=600)
    slow = desk.add(definition, kind="cron", expression="15 * * * *")
    desk.add(definition, kind="rule_change")
    desk.add(definition, kind="interval", seconds=10, enabled=False)
    found = queries.upcoming(desk.session, START, 4)
    minutes = [(int((one.at - START).total_seconds() // 60), one.trigger_id) for one in found]
    assert minutes == [(10, quick.id), (15, slow.id), (20, quick.id), (30, quick.id)]
    assert {one.definition for one in found} == {"nightly"}
    late = queries.upcoming(desk.session, START + timedelta(minutes=12), 3)
    assert [int((one.at - START).total_seconds() // 60) for one in late] == [12, 15, 20]


def test_nothing_is_made_up_for_when_a_definition_is_enabled_again(desk: Desk) -> None:
    definition = desk.define()
    desk.add(definition, kind="interval", seconds=60)
    desk.define(enabled=False)
    assert desk.session.scalars(select(Row.next_at)).all() == [None]
    desk.now += timedelta(hours=1)
    desk.do(FireTriggers())
    desk.define()
    assert queries.occurrences(desk.session) == []
    assert desk.session.scalars(select(Row.next_at)).all() == [desk.now + timedelta(seconds=60)]
