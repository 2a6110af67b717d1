"""Group commit: all or nothing, once only, in order, by the latest incarnation alone."""

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from cluster.context import Caller, system
from cluster.errors import Conflict, InvalidInput
from cluster.events.feed import read_after
from cluster.runtime.commands import Command, Outcome, Service, UnitOfWork
from cluster.runtime.writer import GroupWriter
from cluster.security.audit import verify
from cluster.store.engine import make_engine
from cluster.store.tables import AuditEntry, Event, Operation, Principal


class Named(BaseModel):
    name: str


class AddPerson(Command[Named]):
    group: ClassVar[str] = "people"
    permission: ClassVar[str] = "people:write"
    name: str
    fail: bool = False
    waits: bool = False
    event: str = ""


class Recount(Command[Named]):
    """Internal."""

    group: ClassVar[str] = "people"
    permission: ClassVar[str] = "people:internal"


service = Service("people")


@service.handles(AddPerson)
def add_person(work: UnitOfWork, command: AddPerson) -> Named:
    work.session.add(Principal(name=command.name, roles=[]))
    work.session.flush()
    work.emit("added", f"person:{command.name}", after={"name": command.name + command.event})
    if command.waits:
        work.session.execute(text("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)"))
    if command.fail:
        raise InvalidInput("No.", "Say yes.")
    return Named(name=command.name)


@service.handles(Recount)
def recount(work: UnitOfWork, command: Recount) -> Named:
    return Named(name="all")


ADA = Caller(principal="ada", permissions=frozenset({"people:write"}))


@pytest.fixture
def store(database_url: str) -> Any:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


async def carried_out(engine: Any, calls: list[tuple[Command[Any], Caller]]) -> list[Outcome]:
    writer = GroupWriter(service, engine)
    await writer.open()
    running = asyncio.create_task(writer.run())
    try:
        return list(await asyncio.gather(*(writer.execute(command, caller) for command, caller in calls)))
    finally:
        running.cancel()


def run(engine: Any, *calls: tuple[Command[Any], Caller]) -> list[Outcome]:
    return asyncio.run(carried_out(engine, list(calls)))


def count(engine: Any, table: type[Any]) -> int:
    with Session(engine) as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_a_failed_command_leaves_nothing_and_its_neighbours_everything(store: Any) -> None:
    calls = [(AddPerson(name=f"p{i}", fail=i == 2), system("people")) for i in range(5)]
    outcomes = run(store, *calls)
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True, True]
    with Session(store) as session:
        assert sorted(session.scalars(select(Principal.name))) == ["p0", "p1", "p3", "p4"]
        events = read_after(session, 0)
    assert [event.entity for event in events] == ["person:p0", "person:p1", "person:p3", "person:p4"]
    assert [event.seq for event in events] == sorted(event.seq for event in events)


def test_a_repeated_operation_is_answered_and_not_done_twice(store: Any) -> None:
    first, again = run(store, (AddPerson(name="eve"), ADA), (AddPerson(name="eve"), ADA))
    assert first.value == again.value == {"name": "eve"}
    assert count(store, Principal) == 1
    assert count(store, Event) == 1
    (other,) = run(store, (AddPerson(name="mallory"), ADA))
    assert other.error is not None
    assert other.error.code == Conflict.code
    assert count(store, Principal) == 1


def test_without_the_permission_nothing_happens_but_an_audit_entry(store: Any) -> None:
    nobody = Caller(principal="nobody", permissions=frozenset({"cats:write"}))
    (outcome,) = run(store, (AddPerson(name="eve"), nobody))
    assert outcome.error is not None
    assert outcome.error.code == "forbidden"
    assert count(store, Principal) == count(store, Operation) == 0
    with Session(store) as session:
        assert session.scalars(select(AuditEntry.outcome)).all() == ["forbidden"]


def test_no_role_reaches_what_is_for_the_groups_own_loops(store: Any) -> None:
    people = [Caller(principal="ada", permissions=frozenset({grant})) for grant in ("*", "people:*", "people:internal")]
    *refused, accepted = run(store, *((Recount(), caller) for caller in (*people, system("orchestrator"))))
    assert [outcome.error.code for outcome in refused if outcome.error] == ["forbidden"] * 3
    assert accepted.error is None


def test_what_cannot_be_committed_does_not_end_the_writer_nor_spoil_its_neighbours(store: Any) -> None:
    half_a_character = "\ud800"  # PostgreSQL takes it in no text, which shows when the events are written
    calls = [(AddPerson(name=f"p{i}", event=half_a_character * (i == 1)), system("people")) for i in range(3)]
    assert [outcome.error is None for outcome in run(store, *calls)] == [True, False, True]
    with Session(store) as session:
        assert sorted(session.scalars(select(Principal.name))) == ["p0", "p2"]


def test_what_took_too_long_may_be_tried_again(store: Any) -> None:
    slow, other = run(store, (AddPerson(name="slow", waits=True), ADA), (AddPerson(name="other"), system("people")))
    assert slow.error is not None
    assert slow.error.raised().retryable
    assert other.error is None


def test_an_older_incarnation_cannot_write(store: Any) -> None:
    async def both() -> tuple[Outcome, Outcome, bool]:
        old, new = GroupWriter(service, store), GroupWriter(service, store)
        await old.open()
        await new.open()
        tasks = [asyncio.create_task(writer.run()) for writer in (old, new)]
        refused = await old.execute(AddPerson(name="old"), system("people"))
        accepted = await new.execute(AddPerson(name="new"), system("people"))
        for task in tasks:
            task.cancel()
        return refused, accepted, old.stale

    refused, accepted, stale = asyncio.run(both())
    assert refused.error is not None
    assert refused.error.code == "stale-epoch"
    assert accepted.error is None
    assert stale
    with Session(store) as session:
        assert session.scalars(select(Principal.name)).all() == ["new"]


def test_a_defect_does_not_show_what_it_stumbled_over(store: Any) -> None:
    (first,) = run(store, (AddPerson(name="x" * 5), system("people")))
    assert first.error is None
    (clash,) = run(store, (AddPerson(name="x" * 5), system("people")))
    assert clash.error is not None
    assert "xxxxx" not in clash.error.model_dump_json()


def test_the_audit_chain_shows_where_it_was_changed(store: Any) -> None:
    run(store, *((AddPerson(name=f"p{i}"), ADA.model_copy(update={"operation_id": str(i)})) for i in range(5)))
    with Session(store) as session, session.begin():
        assert verify(session).broken_at is None
        session.execute(update(AuditEntry).where(AuditEntry.seq == 3).values(principal="someone"))
    with Session(store) as session, session.begin():
        assert verify(session).broken_at == 3
        session.execute(text("DELETE FROM ground.audit WHERE seq = 3"))
    with Session(store) as session:
        assert verify(session).broken_at == 3
