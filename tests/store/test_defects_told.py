"""A defect is told by its place and kind: the message of an exception may quote data and goes nowhere."""

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import Engine, text

from cluster.context import Caller
from cluster.runtime.commands import Command, Outcome, Service, UnitOfWork
from cluster.runtime.writer import GroupWriter
from cluster.store.engine import make_engine

VALUE = "536-48-2917"
ADA = Caller(principal="ada", permissions=frozenset({"people:write"}))


class Nothing(BaseModel):
    pass


class Stumble(Command[Nothing]):
    group: ClassVar[str] = "people"
    permission: ClassVar[str] = "people:write"
    over: str


service = Service("people")


@service.handles(Stumble)
def stumble(work: UnitOfWork, command: Stumble) -> Nothing:
    if command.over == "python":
        raise KeyError(VALUE)
    work.session.execute(text(f"SELECT '{VALUE}'::int"))  # PostgreSQL quotes it in its message
    return Nothing()


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("over", ["python", "postgresql"])
def test_neither_answer_nor_log_nor_table_quotes_the_value(store: Engine, over: str) -> None:
    async def carried_out() -> Outcome:
        writer = GroupWriter(service, store)
        await writer.open()
        running = asyncio.create_task(writer.run())
        outcome = await writer.execute(Stumble(over=over), ADA)
        running.cancel()
        return outcome

    with structlog.testing.capture_logs() as logs:
        outcome = asyncio.run(carried_out())
    assert outcome.error is not None
    assert outcome.error.code == "internal"
    assert VALUE not in outcome.model_dump_json()
    assert logs
    assert VALUE not in str(logs)
    with store.connect() as connection:
        rows = connection.execute(text("SELECT a::text FROM ground.audit a")).scalars().all()
    assert len(rows) == 1
    assert VALUE not in rows[0]
