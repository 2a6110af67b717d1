"""Events are numbered in the order of their commit: who has seen a number will never find a smaller one appear."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cluster.events import listener
from cluster.events.feed import EventDraft, append, latest, read_after
from cluster.store.engine import make_engine


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def event(name: str) -> EventDraft:
    return EventDraft(group="people", kind="people.added", entity=f"person:{name}", principal="p", request_id="r")


def test_no_number_is_given_while_a_smaller_one_is_not_committed(store: Engine) -> None:
    with Session(store) as first, Session(store) as second:
        append(first, [event("first")])
        second.execute(text("SET LOCAL lock_timeout = '200ms'"))
        with pytest.raises(OperationalError):
            append(second, [event("second")])
        second.rollback()
        first.commit()
        append(second, [event("second")])
        second.commit()
        assert [found.entity for found in read_after(second, 0)] == ["person:first", "person:second"]


def test_a_reader_that_goes_on_from_the_newest_number_misses_nothing(store: Engine) -> None:
    writers, each = 4, 25

    def write(number: int) -> None:
        for turn in range(each):
            with Session(store) as session, session.begin():
                append(session, [event(f"{number}-{turn}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads) or len(seen) < writers * each:
        with Session(store) as session:
            found = read_after(session, seen[-1] if seen else 0, limit=7)
            seen += [one.seq for one in found]
            if not found and not any(thread.is_alive() for thread in threads) and latest(session) == (seen or [0])[-1]:
                break
    assert len(seen) == writers * each


def test_what_comes_while_a_reader_is_busy_wakes_it_when_it_waits(
    store: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "POLL_SECONDS", 3600.0)  # what is not woken by news sleeps for ever

    def tell() -> None:
        with Session(store) as session, session.begin():
            append(session, [event("while-busy")])

    async def rung(bell: asyncio.Event) -> None:
        while not bell.is_set():
            await asyncio.to_thread(tell)
            await asyncio.sleep(0.05)

    async def busy() -> None:
        ear = listener.Listener(database_url)
        ear.start()
        try:
            await asyncio.wait_for(rung(ear.bell()), 60)  # from here on it listens
            bell = ear.bell()
            await asyncio.wait_for(rung(bell), 60)  # the reader is at work meanwhile
            await asyncio.wait_for(ear.wait(bell), 60)
        finally:
            await ear.close()

    asyncio.run(busy())
