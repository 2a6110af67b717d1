"""Credentials that run out: told of once before and once when they have, and a step that fails with what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.sources import health_queries, queries, worker
from actors.sources.contract import (
    HealthNote,
    HealthView,
    ProbeSource,
    RecordHealth,
    RecordTest,
    RegisterSource,
    RetireSource,
    RotateCredential,
    SetCredential,
    SourceView,
    WatchCredentials,
)
from actors.sources.contract import TestSource as AskTest
from actors.sources.health import Standing
from actors.sources.service import service
from cluster.connectors.interface import TestStep
from cluster.context import system
from cluster.errors import SourceAuthFailed
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
AUTH = SourceAuthFailed.code


class Desk:
    """The sources group at a time that the test sets."""

    def __init__(self, session: Session) -> None:
        self.session, self.now = session, NOW
        self.events: list[str] = []

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system("sources"), "sources", self.now)
        result = service.carry_out(work, command)
        self.session.flush()
        self.events += [event.kind for event in work.events]
        return result

    def told(self, at: datetime) -> list[str]:
        """What is told of credentials when they are watched then."""
        self.now = at
        before = len(self.events)
        self.do(WatchCredentials())
        return self.events[before:]

    def health(self, source_id: str) -> HealthView:
        return health_queries.health(self.session, source_id, self.now)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine: Engine = make_engine(database_url)
    with Session(engine) as session:
        yield Desk(session)
    engine.dispose()


def registered(desk: Desk, place: Path, days: float) -> SourceView:
    """A folder with a credential that lasts so long."""
    source: SourceView = desk.do(RegisterSource(url=SecretStr(str(place))))
    renew(desk, source, days)
    return source


def renew(desk: Desk, source: SourceView, days: float, secret: str = "x") -> None:
    given = {"password": SecretStr(secret)}
    desk.do(SetCredential(source_id=source.id, credential=given, expires_at=desk.now + days * DAY))


def test_the_end_of_a_credential_is_told_once_before_and_once_when_it_has_come(desk: Desk, tmp_path: Path) -> None:
    source = registered(desk, tmp_path, 90)
    assert desk.told(NOW + 82 * DAY) == []
    assert desk.health(source.id).credential_state == "valid"
    assert desk.told(NOW + 84 * DAY) == ["sources.credential_expiring"]
    desk.session.execute(text("SET TIME ZONE 'Asia/Tokyo'"))
    desk.session.expire_all()
    assert desk.told(NOW + 85 * DAY) == [], "nor to whom the store speaks in another time zone"
    assert (desk.health(source.id).credential_state, desk.health(source.id).state) == ("expiring", "unknown")
    assert desk.told(NOW + 91 * DAY) == ["sources.credential_expired", "sources.health_changed"]
    assert desk.told(NOW + 92 * DAY) == []
    found = desk.health(source.id)
    assert (found.credential_state, found.state, found.diagnosis) == ("expired", "auth_failed", "expired-token")
    assert found.credential_expires_at == NOW + 90 * DAY
    renew(desk, source, 90, "y")
    assert (desk.health(source.id).credential_state, desk.health(source.id).state) == ("valid", "unknown")
    assert desk.told(NOW + 92 * DAY + 89 * DAY) == ["sources.credential_expiring"]


def test_one_that_lives_short_is_told_of_in_its_last_fifth(desk: Desk, tmp_path: Path) -> None:
    registered(desk, tmp_path, 1)
    assert desk.told(NOW + 0.7 * DAY) == []
    assert desk.told(NOW + 0.85 * DAY) == ["sources.credential_expiring"]


def test_what_probes_find_does_not_make_it_told_again(desk: Desk, tmp_path: Path) -> None:
    source = registered(desk, tmp_path, 3)
    assert desk.told(NOW + 4 * DAY) == ["sources.credential_expired", "sources.health_changed"]
    note = HealthNote(
        source_id=source.id, standing=Standing(state="healthy", recent=(True,)), since=desk.now, checked_at=desk.now,
        diagnosis=None, breaker="closed", next_probe_at=None,
    )  # fmt: skip
    desk.do(RecordHealth(notes=(note,)))
    assert desk.told(desk.now + DAY) == []
    assert (desk.health(source.id).state, desk.health(source.id).diagnosis) == ("auth_failed", "expired-token")
    away = Standing(state="unreachable", recent=(False,) * 5)
    for standing, diagnosis in ((away, "port-closed"), (note.standing, None)):
        desk.do(RecordHealth(notes=(note.model_copy(update={"standing": standing, "diagnosis": diagnosis}),)))
    assert (desk.health(source.id).state, desk.health(source.id).diagnosis) == ("auth_failed", "expired-token")


def test_a_probe_that_was_asked_for_is_made_whatever_is_told_meanwhile(desk: Desk, tmp_path: Path) -> None:
    source = registered(desk, tmp_path, 3)
    desk.do(ProbeSource(source_id=source.id))
    assert desk.told(NOW + 2.9 * DAY) == ["sources.credential_expiring"]
    assert desk.health(source.id).checked_at is None, "nobody has looked yet"
    test = desk.do(AskTest(source_id=source.id))
    step = TestStep(name="CheckAccess", status="failed", category="gate", duration_ms=1, summary="x", code=AUTH)
    desk.do(RecordTest(test_id=test.id, steps=(step,), facts=None))
    ((_, row),) = [found for found in health_queries.to_probe(desk.session) if found[0].source_id == source.id]
    assert row is not None
    assert row.asked_at == NOW
    note = HealthNote(
        source_id=source.id, standing=Standing(), since=desk.now, checked_at=desk.now, diagnosis=None,
        breaker="closed", next_probe_at=None,
    )  # fmt: skip
    desk.do(RecordHealth(notes=(note,)))
    assert row.asked_at is None


def test_of_a_retired_source_nothing_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.do(RetireSource(source_id=registered(desk, tmp_path, 3).id))
    assert desk.told(NOW + 4 * DAY) == []


def test_an_expired_credential_is_a_step_that_fails_with_what_to_do(desk: Desk, tmp_path: Path) -> None:
    source = registered(desk, tmp_path, 3)
    (step, *_), _ = worker.test_access(queries.access(desk.session, source.id))
    assert (step.name, step.status) == ("OpenCredential", "passed")
    expired = queries.access(desk.session, source.id).model_copy(update={"expires_at": NOW - DAY})
    (step, *_), facts = worker.test_access(expired)
    assert (step.name, step.status, step.diagnosis, facts) == ("OpenCredential", "failed", "expired-token", None)
    assert "new one" in (step.remedy or "")
    tried = {"password": SecretStr("z")}
    test = desk.do(RotateCredential(source_id=source.id, credential=tried, expires_at=NOW + 9 * DAY))
    assert queries.access_of_test(desk.session, test.id).expires_at == NOW + 9 * DAY
