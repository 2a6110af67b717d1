"""What is remembered for a while only: how the looks at a source went, and the answers to operations."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.orchestrator.contract import ForgetOperations
from actors.orchestrator.service import service as orchestrator
from actors.sources.contract import DiscoverSource, RecordTest, RegisterSource, TestSource
from actors.sources.service import HISTORY_KEPT
from actors.sources.service import service as sources
from actors.sources.tables import ConnectionTest, Discovery
from cluster.context import system
from cluster.runtime.commands import Command, Service, UnitOfWork
from cluster.store.engine import make_engine
from cluster.store.tables import Operation

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SERVICES: dict[str, Service] = {service.group: service for service in (orchestrator, sources)}


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def done(session: Session, command: Command[Any], at: datetime = NOW) -> Any:
    work = UnitOfWork(session, system(command.group), command.group, at)
    result = SERVICES[command.group].carry_out(work, command)
    session.flush()
    return result


def count(session: Session, cls: Any) -> int:
    return session.execute(select(func.count()).select_from(cls)).scalar_one()


def test_the_newest_ended_tests_of_a_source_stay_and_what_still_waits(session: Session, tmp_path: Path) -> None:
    source = done(session, RegisterSource(url=SecretStr(tmp_path.as_uri()))).id
    done(session, DiscoverSource(source_id=source), NOW - timedelta(days=9))
    waiting = done(session, TestSource(source_id=source), NOW - timedelta(days=9)).id
    ids = []
    for minute in range(HISTORY_KEPT + 3):
        ids.append(done(session, TestSource(source_id=source), NOW + timedelta(minutes=minute)).id)
        done(session, RecordTest(test_id=ids[-1], steps=(), facts=None), NOW + timedelta(minutes=minute))
    kept = set(session.scalars(select(ConnectionTest.id)))
    assert kept == {waiting, *ids[3:]}
    assert count(session, Discovery) == 1


def test_operations_are_forgotten_when_they_are_old(session: Session) -> None:
    for name, age in (("old", 8), ("young", 6)):
        session.add(
            Operation(
                principal="ada", operation_id=name, command="X", request_hash="", response={},
                at=NOW - timedelta(days=age),
            )
        )  # fmt: skip
    session.flush()
    done(session, ForgetOperations())
    assert list(session.scalars(select(Operation.operation_id))) == ["young"]
