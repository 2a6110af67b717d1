"""The end of the event log, read once per replica for all who follow it.

A follower has a cursor of its own. What lies inside the window is given from memory, what lies before it from the
store; events are numbered in the order of commit, so a cursor that passed a number has missed none below it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine

from cluster.errors import SextantError
from cluster.events.feed import PAGE, EventView, latest, read_after
from cluster.events.listener import Listener
from cluster.store.engine import reading

WINDOW = 2000

log = structlog.get_logger("events")


class Tail:
    """The newest events of one replica. It reads only while somebody follows, so an idle replica asks nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listener = Listener(engine.url.render_as_string(hide_password=False))
        self._window: deque[EventView] = deque(maxlen=WINDOW)
        self._floor = self._seq = -1
        self._news = asyncio.Event()
        self._followers = 0
        self._reading: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Keeps the tail up to date while the context is open."""
        self._followers += 1
        if self._reading is None:
            self._listener.start()
            self._reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self._followers -= 1

    async def after(
        self, cursor: int, kinds: list[str] | None, entity: str | None
    ) -> tuple[Sequence[EventView], int]:  # fmt: skip
        """Events behind the cursor that pass the filters, and the cursor that has seen them all. May be none."""
        floor = self._floor  # taken before the read: what the window drops meanwhile was not looked at
        if self._seq < 0 or cursor < floor:
            found = await run_in_threadpool(self._stored, cursor, kinds, entity)
            return found, found[-1].seq if found else max(cursor, floor)
        chosen = [event for event in self._window if event.seq > cursor and passes(event, kinds, entity)]
        return chosen, max(cursor, self._seq)

    @property
    def news(self) -> asyncio.Event:
        """Rings with the next event that is read. Take it before looking, or what comes in between is overheard."""
        return self._news

    async def wait(self, news: asyncio.Event, seconds: float) -> bool:
        """True when `news` (taken before looking for events) has rung, False after `seconds`."""
        try:
            return await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            return False

    async def newest(self) -> int:
        """The highest number so far."""
        return await run_in_threadpool(self._latest)

    async def close(self) -> None:
        """Stops reading."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._listener.close()

    async def _read(self) -> None:
        while self._followers:
            try:
                if self._seq < 0:
                    self._floor = self._seq = await self.newest()
                    self._ring()  # events up to here were looked for in the store, perhaps too early
                found = await run_in_threadpool(self._stored, self._seq, None, None)
            except SextantError as error:
                log.warning("cannot read events", error=error.code)
                await asyncio.sleep(1)
                continue
            if found:
                self._take(found)
            if len(found) < PAGE:
                await self._listener.wait()
        self._window.clear()
        self._floor = self._seq = -1
        self._reading = None

    def _take(self, found: Sequence[EventView]) -> None:
        overflow = len(self._window) + len(found) - WINDOW
        if overflow > 0:
            self._floor = [*self._window, *found][overflow - 1].seq
        self._window.extend(found)
        self._seq = found[-1].seq
        self._ring()

    def _ring(self) -> None:
        # Each ring has its own Event, so that whoever waits next waits for the next one.
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _stored(self, cursor: int, kinds: list[str] | None, entity: str | None) -> list[EventView]:
        with reading(self._engine) as session:
            return read_after(session, cursor, PAGE, kinds, entity)

    def _latest(self) -> int:
        with reading(self._engine) as session:
            return latest(session)


def passes(event: EventView, kinds: list[str] | None, entity: str | None) -> bool:
    """Whether an event passes the filters of `read_after`."""
    if entity and event.entity != entity:
        return False
    return not kinds or any(kind in {event.kind, f"{event.group}.*"} for kind in kinds)
