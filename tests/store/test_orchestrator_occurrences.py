"""Setting off through the orchestrator's loop on a real database: every occurrence is started once, or skipped."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

import cluster.store.engine
from actors.orchestrator import occurrences
from actors.orchestrator import queries as workflows
from actors.orchestrator.contract import CancelWorkflow, RecordPhase, StartWorkflow
from actors.orchestrator.service import service as orchestrator
from actors.orchestrator.workflows import PHASES
from actors.rulesets.contract import ReviseRuleSet
from actors.rulesets.service import service as rulesets
from actors.scans import queries
from actors.scans.contract import (
    AddTrigger,
    CancelScan,
    DefineScan,
    Definition,
    DefinitionView,
    FinishScan,
    FireTriggers,
    OccurrenceView,
    RecordPlan,
    RunDefinition,
    Sampling,
    Trigger,
)
from actors.scans.service import service as scans
from actors.scans.tables import Asset, Run
from actors.sources.contract import DiscoverSource, RecordDiscovery, RegisterSource, RetireSource
from actors.sources.service import service as sources
from actors.sources.tables import Discovery
from cluster.connectors.interface import AssetInfo, Enumeration, Problem
from cluster.context import system
from cluster.detectors.compile import load_rule_set
from cluster.errors import Internal, Unavailable
from cluster.events.feed import append, read_after
from cluster.naming import asset_id
from cluster.runtime.commands import Command, Service, UnitOfWork
from cluster.store.engine import make_engine

SERVICES: dict[str, Service] = {service.group: service for service in (orchestrator, rulesets, scans, sources)}
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
GONE = Problem(path="", code="source-unreachable", detail="No answer.", remedy="Wait.")


class House:
    """All groups that take part, a transaction for each command, with a clock that only the test moves."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.now = engine, START
        self.sent: list[str] = []
        self.lost: set[str] = set()
        self.paths: dict[str, str] = {"a.csv": "1", "b.csv": "1"}
        spec = load_rule_set("default").value
        self.do(ReviseRuleSet(name="default", spec=spec))
        self.do(ReviseRuleSet(name="default", spec=spec.model_copy(update={"exclude_assets": ("b*",)})))
        self.source: str = self.do(RegisterSource(url=SecretStr("postgresql://db.example/shop"))).id

    def do(self, command: Command[Any]) -> Any:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            work = UnitOfWork(session, system(command.group), command.group, self.now)
            result = SERVICES[command.group].carry_out(work, command)
            session.flush()
            append(session, work.events)
        return result

    async def _send(self, command: Command[Any]) -> Any:
        name = type(command).__name__
        self.sent.append(name)
        result = self.do(command)
        if name in self.lost:  # it was carried out, and the orchestrator dies before it knows
            raise Unavailable("Gone.", "Wait.")
        return result

    def turn(self, seconds: float = 1) -> list[str]:
        """One turn of the loop, and the discoveries that it asked for; the names of what it sent."""
        self.now += timedelta(seconds=seconds)
        self.sent = []
        asyncio.run(occurrences.take_turn(self._send, self.now))
        self.discover()
        return self.sent

    def discover(self, problem: Problem | None = None) -> None:
        with Session(self.engine) as session:
            waiting = session.scalars(select(Discovery.id).where(Discovery.state == "queued")).all()
        assets = tuple(AssetInfo(path=path, kind="file", fingerprint=mark) for path, mark in self.paths.items())
        found = None if problem else Enumeration(assets=assets, complete=True)
        for identifier in waiting:
            self.do(RecordDiscovery(discovery_id=identifier, enumeration=found, facts=None, problem=problem))

    def define(self, name: str = "nightly", **more: Any) -> DefinitionView:
        view: DefinitionView = self.do(DefineScan(name=name, content=Definition(source_id=self.source, **more)))
        return view

    def run(self, definition: DefinitionView, key: str = "k") -> None:
        self.now += timedelta(seconds=1)
        self.do(RunDefinition(definition_id=definition.id, key=key))

    def made(self) -> list[OccurrenceView]:
        """The oldest first."""
        with Session(self.engine) as session:
            return queries.occurrences(session)[::-1]

    def states(self) -> list[str]:
        return [one.state for one in self.made()]

    def scans(self) -> list[Run]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Run).order_by(Run.requested_at)))

    def end(self, state: str = "succeeded") -> None:
        """Ends every scan."""
        with Session(self.engine) as session, session.begin():
            session.execute(update(Run).values(state=state, finished_at=self.now))


@pytest.fixture
def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    engine = make_engine(database_url)
    monkeypatch.setattr(cluster.store.engine, "engine", lambda: engine)
    yield House(engine)
    engine.dispose()


def test_a_schedule_starts_the_scan_that_its_definition_says(house: House) -> None:
    sampling = Sampling(method="fraction", share=0.3)
    definition = house.define(include=("*.csv",), exclude=("c*",), sampling=sampling, priority=8, ruleset_version=1)
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="interval", seconds=3600)))
    house.paths["c.csv"] = house.paths["d.txt"] = "1"
    assert house.turn() == []
    assert house.turn(3600) == ["FireTriggers", "DiscoverSource"]  # what the source holds now is what is scanned
    assert house.turn() == ["StartScan", "SettleOccurrence"]
    assert house.turn() == []
    (scan,), (occurrence,) = house.scans(), house.made()
    assert (occurrence.state, occurrence.run_id) == ("started", scan.id)
    assert (scan.definition_id, scan.priority, scan.key) == (definition.id, 8, f"occurrence:{occurrence.id}")
    assert Sampling.model_validate(scan.sampling) == sampling
    assert scan.rules["version"] == 1
    with Session(house.engine) as session:
        assert set(session.scalars(select(Asset.path))) == {"a.csv", "b.csv"}


def test_each_time_what_the_source_holds_now_is_scanned(house: House) -> None:
    definition = house.define()
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="interval", seconds=60)))
    for _ in range(2):
        house.turn(60)
        house.turn()
        house.end()
        house.paths["new.csv"] = "1"
    with Session(house.engine) as session:
        assert session.scalars(select(Asset.path).order_by(Asset.path)).all() == ["a.csv", "a.csv", "new.csv"]


def test_a_definition_that_pins_nothing_takes_the_current_rules(house: House) -> None:
    house.run(house.define())
    house.turn()
    house.turn()
    (scan,) = house.scans()
    assert scan.rules["version"] == 2
    with Session(house.engine) as session:
        assert session.scalars(select(Asset.path)).all() == ["a.csv"]


@pytest.mark.parametrize("action", ["scan", "govern"])
def test_a_start_whose_answer_was_lost_is_not_done_twice(house: House, action: str) -> None:
    house.run(house.define(action=action))
    house.lost = {"StartScan", "StartWorkflow"}
    while house.turn()[-1] not in house.lost:
        assert house.states() == ["waiting"]
    assert house.states() == ["waiting"]
    assert house.turn() == ["SettleOccurrence"]
    (occurrence,) = house.made()
    assert occurrence.state == "started"
    with Session(house.engine) as session:
        assert len(house.scans()) == (action == "scan")
        assert len(workflows.list_workflows(session)) == (action == "govern")


def test_runs_of_a_definition_do_not_pile_up(house: House) -> None:
    definition, other = house.define(), house.define("other")
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="interval", seconds=60)))
    for _ in range(3):
        house.turn(60)
        house.turn()
        house.turn()
    assert house.states() == ["started", "skipped", "skipped"]
    assert house.scans()[0].id in str(house.made()[1].problem)
    house.run(other)
    house.turn()
    house.turn()
    assert len(house.scans()) == 2
    house.do(CancelScan(scan_id=house.scans()[0].id))
    house.turn(60)
    house.turn()
    assert len(house.scans()) == 3


def test_what_is_only_planned_holds_no_run_up(house: House) -> None:
    definition = house.define()
    house.run(definition)
    house.turn()
    house.turn()
    with Session(house.engine) as session, session.begin():
        session.execute(update(Run).values(state="planning", plan_only=True))
    house.run(definition, "again")
    house.turn()
    house.turn()
    assert house.states() == ["started", "started"]


def test_arrivals_during_a_scan_are_scanned_after_it_and_once(house: House) -> None:
    definition = house.define()
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="file_arrival", poll_seconds=30)))
    assert house.turn() == ["DiscoverSource"]
    assert house.turn() == ["FireTriggers", "StartScan", "SettleOccurrence"]
    assert house.turn() == []
    assert house.turn(30) == ["DiscoverSource"]
    assert house.turn() == ["FireTriggers"]  # nothing has arrived
    for mark in ("2", "3"):
        house.paths["a.csv"] = mark
        assert house.turn(30) == ["DiscoverSource"]
        house.turn()
    assert house.states() == ["started", "waiting", "skipped"]
    assert len(house.scans()) == 1
    house.end()
    house.turn()
    assert house.states() == ["started", "started", "skipped"]
    with Session(house.engine) as session:
        newest = select(Asset.info["fingerprint"].as_string()).where(Asset.run_id == house.scans()[-1].id)
        assert session.scalars(newest).all() == ["3"]


def test_new_rules_and_finished_scans_are_heard_of_from_those_who_tell(house: House) -> None:
    first, second = house.define("first"), house.define("second")
    house.do(AddTrigger(definition_id=first.id, content=Trigger(kind="rule_change")))
    house.do(AddTrigger(definition_id=second.id, content=Trigger(kind="after", after=first.id)))
    house.do(ReviseRuleSet(name="default", spec=load_rule_set("default").value))
    house.turn()
    house.turn()
    (scan,) = house.scans()
    assert (scan.definition_id, scan.rules["version"]) == (first.id, 3)
    for path in house.paths:
        house.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(house.source, path)))
    house.do(FinishScan(scan_id=scan.id))
    house.turn()
    house.turn()
    assert [run.definition_id for run in house.scans()] == [first.id, second.id]


def test_a_discovery_tells_of_the_first_arrivals_and_that_there_are_more(house: House) -> None:
    house.paths = {f"{number:04}.csv": "1" for number in range(300)}
    for mark in ("1", "1", "2"):
        house.paths["0000.csv"] = mark
        house.do(DiscoverSource(source_id=house.source))
        house.discover()
    with Session(house.engine) as session:
        told = [event.after or {} for event in read_after(session, 0, kinds=["sources.discovered"])]
    assert [(len(after["arrived"]), after["arrived_more"]) for after in told] == [(200, True), (0, False), (1, False)]
    assert told[2]["arrived"] == [{"path": "0000.csv", "kind": "file"}]


def test_what_cannot_be_started_is_skipped_with_its_reason(house: House) -> None:
    absent = Definition(source_id="nobody")
    cases = {
        "scope": house.define("scope", include=("nothing/*",)),
        "version": house.define("version", ruleset_version=9),
        "rule set": house.define("rules", ruleset="unheard-of"),
        "no source": house.do(DefineScan(name="absent", content=absent)),
        "not enabled": house.define("off"),
        "no such source": house.do(DefineScan(name="g", content=absent.model_copy(update={"action": "govern"}))),
    }
    for definition in cases.values():
        house.run(definition)
    house.define("off", enabled=False)
    house.turn()
    house.turn()
    assert house.states() == ["skipped"] * len(cases)
    problems = {one.definition_id: str(one.problem) for one in house.made()}
    for word, definition in cases.items():
        assert word.removeprefix("no such ") in problems[definition.id], word
    assert house.scans() == []


def test_a_source_that_cannot_be_listed_or_is_retired_is_not_scanned(house: House) -> None:
    definition, govern = house.define(), house.define("govern", action="govern")
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="file_arrival")))
    house.discover()
    house.run(definition)
    asyncio.run(occurrences.take_turn(house._send, house.now))
    house.discover(GONE)
    house.turn()
    assert "could not be listed. No answer." in str(house.made()[0].problem)
    house.do(RetireSource(source_id=house.source))
    house.run(definition, "again")
    house.run(govern)
    assert "DiscoverSource" not in house.turn(3600)
    assert [("is retired" in str(one.problem), one.state) for one in house.made()[1:]] == [(True, "skipped")] * 2


def test_to_govern_starts_the_phases_and_what_follows_runs_behind_them(house: House) -> None:
    govern, after = house.define("first", action="govern"), house.define("second")
    house.do(AddTrigger(definition_id=after.id, content=Trigger(kind="after", after=govern.id)))
    under_way = house.do(StartWorkflow(source_id=house.source))
    house.run(govern)
    house.turn()
    assert house.states() == ["skipped"]
    house.do(CancelWorkflow(workflow_id=under_way.id))
    house.run(govern, "again")
    house.turn()
    workflow_id = house.made()[-1].workflow_id
    assert workflow_id not in (None, under_way.id)
    for number in range(1, len(PHASES) + 1):
        house.do(
            RecordPhase(workflow_id=str(workflow_id), number=number, step=9, state="succeeded", counters={})
        )  # fmt: skip
    house.turn()
    house.turn()
    assert [one.definition_id for one in house.made()] == [govern.id, govern.id, after.id]
    assert house.states()[-1] == "started"
    house.end()


def test_a_workflow_that_somebody_else_started_just_before_is_not_taken_for_its_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(house.define(action="govern"))
    real = house.do

    def outrun(command: Command[Any]) -> Any:
        if isinstance(command, StartWorkflow):
            real(StartWorkflow(source_id=house.source, ruleset="default"))
        return real(command)

    monkeypatch.setattr(house, "do", outrun)
    house.turn()
    assert house.states() == ["waiting"]
    house.turn()
    assert house.states() == ["skipped"]


def test_a_failed_start_leaves_the_others_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = house.define("first", action="govern"), house.define("second")
    house.run(first)
    house.run(second)
    real = house.do

    def flaky(command: Command[Any]) -> Any:
        if isinstance(command, StartWorkflow):
            raise Unavailable("Not now.", "Wait.")
        return real(command)

    monkeypatch.setattr(house, "do", flaky)
    house.turn()
    house.turn()
    assert house.states() == ["waiting", "started"]
    monkeypatch.setattr(house, "do", real)
    house.turn()
    assert house.states() == ["started", "started"]


def test_what_waits_is_started_though_triggers_cannot_be_fired(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    definition = house.define(action="govern")
    house.do(AddTrigger(definition_id=definition.id, content=Trigger(kind="interval", seconds=60)))
    house.run(definition)
    real = house.do

    def broken(command: Command[Any]) -> Any:
        if isinstance(command, FireTriggers):
            raise Internal("A defect.", "See the log.")
        return real(command)

    monkeypatch.setattr(house, "do", broken)
    assert house.turn(60)[0] == "FireTriggers"
    assert house.states() == ["started"]


def test_a_loop_that_finds_nothing_to_do_writes_nothing(house: House) -> None:
    house.define()
    assert house.turn(10**6) == []
    with Session(house.engine) as session:
        assert session.execute(select(func.count()).select_from(Discovery)).scalar_one() == 0
