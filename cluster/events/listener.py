"""One LISTEN connection per process that wakes everybody who waits for news."""

import asyncio
import contextlib

import psycopg
from sqlalchemy.engine import make_url

from cluster.events.feed import CHANNEL

POLL_SECONDS = 1.0


class Listener:
    """Wakes waiters when events were committed, and once a second all the same, since a NOTIFY can be lost."""

    def __init__(self, url: str) -> None:
        self._conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts listening in the running event loop; a second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def bell(self) -> asyncio.Event:
        """The next ring. Who takes it before looking for news, and waits for it after, misses none between the two."""
        return self._bell

    async def wait(self, bell: asyncio.Event | None = None) -> None:
        """Returns at this ring or the next one, or after a second."""
        bell = bell or self._bell
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), POLL_SECONDS)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _ring(self) -> None:
        # Each ring has its own Event: whoever waits now is woken, and whoever waits next waits for the next one.
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for _ in connection.notifies():
                        self._ring()
            await asyncio.sleep(POLL_SECONDS)
