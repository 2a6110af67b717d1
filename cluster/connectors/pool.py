"""A pool of opened connectors of one source in one process: bounded, with figures of how it was used.

Whoever borrows waits for a free place, in the order of asking, and no longer than it says. What is given back whole is
kept for a while and lent again, if it still answers; what was given back after an error is closed.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict

from cluster.connectors.interface import Connector
from cluster.errors import SourceError, TooManyRequests

KEPT_SECONDS = 30.0


class PoolFigures(BaseModel):
    """How a pool stands, and what it did since it was made. `waited_ms` is what all borrowers waited together."""

    model_config = ConfigDict(frozen=True)

    size: int
    in_use: int = 0
    idle: int = 0
    waiters: int = 0
    most_waiters: int = 0
    opened: int = 0
    reused: int = 0
    discarded: int = 0
    timeouts: int = 0
    waited_ms: float = 0.0


class Pool:
    """At most `size` connectors of `open_` at a time. `answers` says of an idle one whether it still does."""

    def __init__(
        self, size: int, open_: Callable[[], Connector], answers: Callable[[Connector], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._size, self._open, self._answers, self._clock = size, open_, answers, clock
        self._changed = threading.Condition()
        self._idle: list[tuple[float, Connector]] = []
        self._queue: deque[object] = deque()
        self._in_use = self._opened = self._reused = self._discarded = self._timeouts = self._most = 0
        self._waited = 0.0

    @contextmanager
    def borrowed(self, patience: float) -> Iterator[Connector]:
        """A connector for as long as the context is open. Raises TooManyRequests if none is free in `patience` seconds.

        Raises SourceError where a new one cannot be opened.
        """
        connector = self._taken(patience)
        whole = False
        try:
            yield connector
            whole = True
        finally:
            self._given_back(connector, whole)

    def resize(self, size: int) -> None:
        """Changes the most that may be in use; those above it are not taken back."""
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def figures(self) -> PoolFigures:
        """How it stands now."""
        with self._changed:
            return PoolFigures(
                size=self._size, in_use=self._in_use, idle=len(self._idle), waiters=len(self._queue),
                most_waiters=self._most, opened=self._opened, reused=self._reused, discarded=self._discarded,
                timeouts=self._timeouts, waited_ms=round(self._waited * 1000, 3),
            )  # fmt: skip

    def shrink(self, kept: float = KEPT_SECONDS) -> None:
        """Closes what has been idle for longer than `kept` seconds."""
        with self._changed:
            old = [entry for entry in self._idle if self._clock() - entry[0] >= kept]
            self._idle = [entry for entry in self._idle if entry not in old]
            self._discarded += len(old)
        for _, connector in old:
            connector.close()

    def _taken(self, patience: float) -> Connector:
        ticket, asked = object(), self._clock()
        with self._changed:
            self._queue.append(ticket)
            self._most = max(self._most, len(self._queue) - (self._in_use < self._size))
            try:
                while self._queue[0] is not ticket or self._in_use >= self._size:
                    left = asked + patience - self._clock()
                    if left <= 0:
                        self._timeouts += 1
                        raise TooManyRequests(
                            f"All {self._size} connections to the source are in use.", "Wait, or allow more of them."
                        )
                    self._changed.wait(left)
                self._in_use += 1
            finally:
                self._queue.remove(ticket)
                self._waited += self._clock() - asked
                self._changed.notify_all()
        try:
            return self._idle_one() or self._opened_one()
        except BaseException:
            self._leave()
            raise

    def _idle_one(self) -> Connector | None:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                _, connector = self._idle.pop()  # the one used last: the others may be closed
            try:
                if self._answers(connector):
                    with self._changed:
                        self._reused += 1
                    return connector
            except SourceError:
                pass
            with self._changed:
                self._discarded += 1
            connector.close()

    def _opened_one(self) -> Connector:
        connector = self._open()
        with self._changed:
            self._opened += 1
        return connector

    def _given_back(self, connector: Connector, whole: bool) -> None:
        if not whole:
            connector.close()
        with self._changed:
            if whole:
                self._idle.append((self._clock(), connector))
            else:
                self._discarded += 1
        self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._in_use -= 1
            self._changed.notify_all()
