"""The health of sources in the store: the prober on a clock of its own, alarms as events, and availability."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from actors.sources import health_queries, prober
from actors.sources.contract import (
    HealthNote,
    MinuteOfProbes,
    ProbeSource,
    RecordHealth,
    RecordTest,
    RegisterSource,
    RetireSource,
    TestSource,
)
from actors.sources.health import Standing, probed
from actors.sources.health_tables import Probes
from actors.sources.prober import Known, Prober
from actors.sources.probing import Sample
from actors.sources.service import service
from cluster.connectors.interface import TestStep
from cluster.context import system
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


class Desk:
    """Carries out commands of the sources group at a time of the test's own, and keeps their events."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.now, self.events = engine, NOW, list[Any]()

    def do(self, command: Command[Any]) -> Any:
        with Session(self.engine) as session, session.begin():
            work = UnitOfWork(session, system("sources"), "sources", self.now)
            result = service.carry_out(work, command)
        self.events += [event for event in work.events if event.kind == "sources.health_changed"]
        return result

    def source(self, number: int = 0) -> str:
        return str(self.do(RegisterSource(url=SecretStr(f"postgresql://127.0.0.1:{number + 1}/db{number}"))).id)

    def health(self, source: str) -> Any:
        with Session(self.engine) as session:
            return health_queries.health(session, source, self.now)


@pytest.fixture
def desk(store: Engine) -> Desk:
    return Desk(store)


def note(source: str, standing: Standing, at: datetime = NOW) -> HealthNote:
    return HealthNote(
        source_id=source,
        standing=standing,
        since=at,
        checked_at=at,
        diagnosis=None,
        breaker="closed",
        next_probe_at=None,
    )


def stood(*outcomes: bool) -> Standing:
    standing = Standing()
    for up in outcomes:
        standing = probed(standing, up, 5.0)
    return standing


def test_an_alarm_is_an_event_with_both_states_once(desk: Desk) -> None:
    source = desk.source()
    desk.do(RecordHealth(notes=(note(source, stood(*[True] * 5)),)))
    assert desk.events == [], "that a new source is well alarms nobody"
    desk.now += timedelta(seconds=1)
    for _ in range(2):
        desk.do(RecordHealth(notes=(note(source, stood(True, True, False, False, False)),)))
    assert [(event.before["state"], event.after["state"]) for event in desk.events] == [("healthy", "unreachable")]
    with Session(desk.engine) as session:
        changes = health_queries.changes(session, source, 10)
    assert [(one.before, one.after) for one in changes][:1] == [("healthy", "unreachable")]
    desk.do(RetireSource(source_id=source))
    desk.do(RecordHealth(notes=(note(source, stood(*[True] * 5)),)))
    assert desk.health(source).state == "unreachable", "what is retired is not looked at any more"


def tell_test(desk: Desk, source: str, code: str | None) -> None:
    status: Any = "failed" if code else "passed"
    step = TestStep(name="CheckAccess", status=status, category="gate", duration_ms=1, summary="x", code=code)
    test = desk.do(TestSource(source_id=source))
    desk.do(RecordTest(test_id=test.id, steps=(step,), facts=None))


def test_a_prober_does_not_forget_what_a_test_found(desk: Desk) -> None:
    source = desk.source()
    desk.do(RecordHealth(notes=(note(source, stood(*[True] * 5)),)))
    tell_test(desk, source, "source-auth-failed")
    assert desk.health(source).state == "auth_failed"
    desk.do(RecordHealth(notes=(note(source, stood(*[True] * 5)),)))
    assert desk.health(source).state == "auth_failed"
    tell_test(desk, source, None)
    assert desk.health(source).state == "healthy"


def minutes(source: str, begin: datetime, count: int, failures: int = 0) -> RecordHealth:
    found = tuple(
        MinuteOfProbes(
            source_id=source, minute=begin + timedelta(minutes=number), probes=6, failures=failures,
            counts={"20": 6 - failures}, max_ms=1.6,
        )
        for number in range(count)
    )  # fmt: skip
    return RecordHealth(minutes=found)


def test_minutes_become_hours_and_hours_availability(desk: Desk) -> None:
    source = desk.source()
    hour = NOW.replace(minute=0)
    desk.do(minutes(source, hour - timedelta(hours=3), 60))
    desk.do(minutes(source, hour - timedelta(hours=2), 60, failures=3))
    desk.do(minutes(source, hour, 20))
    for _ in range(2):
        desk.do(minutes(source, hour + timedelta(minutes=20), 1))
    with Session(desk.engine) as session:
        found = health_queries.availability(session, source, 30, NOW)
        assert (found.probes, found.failures) == (6 * 141, 180)
        assert found.availability == pytest.approx(1 - 180 / 846, abs=1e-5)
        assert found.covered == pytest.approx(3 / 720, abs=1e-4)
        by_hour = health_queries.history(session, source, NOW - timedelta(hours=24), NOW)
        assert [(point.probes, point.failures) for point in by_hour.points] == [(360, 0), (360, 180), (126, 0)]
        closely = health_queries.history(session, source, NOW - timedelta(hours=1), NOW)
        assert (closely.step, len(closely.points)) == ("minute", 21)
    view = desk.health(source)
    assert (view.probes, view.failures) == (126, 0)
    assert view.p50_ms == pytest.approx(1.47, rel=0.1)


def test_what_is_old_is_dropped_and_hours_outlive_minutes(desk: Desk) -> None:
    source = desk.source()
    desk.do(minutes(source, NOW.replace(minute=0) - timedelta(hours=1), 60))
    desk.now = NOW + timedelta(days=4)
    desk.do(minutes(source, desk.now, 1))
    with Session(desk.engine) as session:
        steps = session.execute(select(Probes.step, Probes.probes).order_by(Probes.at)).all()
    assert [tuple(row) for row in steps] == [("hour", 360), ("minute", 6)]


def test_the_prober_tells_changes_at_once_and_counts_by_the_minute(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [desk.source(number) for number in range(3)]
    down: set[str] = set()

    async def samples(targets: Any, labels: Any = None) -> list[Sample]:
        return [
            Sample(source_id=one.source_id, up=one.source_id not in down, ms=2.0, diagnosis=None) for one in targets
        ]

    def known() -> list[Known]:
        with Session(desk.engine) as session:
            return [
                Known(access, row and Standing.model_validate(row.standing), row and row.asked_at)
                for access, row in health_queries.to_probe(session)
            ]

    async def tell(command: RecordHealth) -> None:
        desk.do(command)

    clock, minute = [0.0], [NOW]
    monkeypatch.setattr(prober, "probe_all", samples)
    monkeypatch.setattr(prober.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(prober, "_minute", lambda: minute[0])

    async def run() -> None:
        looking = Prober(known, tell, samples, 10.0)

        async def on(seconds: int) -> None:
            for _ in range(seconds):
                clock[0] += 1
                await looking.look()
                await asyncio.gather(*looking._tasks)

        await on(60)
        assert {desk.health(one).state for one in sources} == {"healthy"}
        down.add(sources[0])
        await on(40)
        assert desk.health(sources[0]).state == "unreachable"
        assert [event.after["state"] for event in desk.events] == ["degraded", "unreachable"]
        await on(60)
        minute[0] = NOW + timedelta(minutes=1)
        await on(1)
        well, lost = desk.health(sources[1]), desk.health(sources[0])
        assert 14 <= well.probes <= 17, "every ten seconds"
        assert (well.failures, lost.breaker) == (0, "open")
        assert lost.probes < well.probes, "what is down is left alone more and more"
        before = lost.checked_at
        down.clear()
        desk.do(ProbeSource(source_id=sources[0]))
        await on(6)
        assert desk.health(sources[0]).checked_at > before, "a probe that is asked for is done all the same"

    asyncio.run(run())
