"""Sessions that a process keeps from one partition of a source to the next, so that it does not sign in for each.

One is lent to one reader at a time, and closed when it has been idle for `IDLE_SECONDS` or is `OLDEST_SECONDS` old,
after any error, and as soon as its source is reached in another way: with another credential, URL or option.
"""

import atexit
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol, runtime_checkable

from cluster.connectors.interface import Connector, SourceAccess
from cluster.errors import SourceError

IDLE_SECONDS, OLDEST_SECONDS = 3.0, 120.0
"""A server has one that nobody uses for the first at most; a secret that lies elsewhere is read anew by the second."""


@runtime_checkable
class Keepable(Protocol):
    """A connector that can be used again for another partition."""

    def well(self) -> bool:
        """Whether it is still connected, with nothing unfinished on it; that is asked of the server. Never raises."""
        ...


class Lent(NamedTuple):
    """An opened connector, the endpoint that it reads, and when it was opened."""

    access: SourceAccess
    connector: Connector
    opened: float


class _Kept(NamedTuple):
    of: SourceAccess
    lent: Lent
    since: float


class Sessions:
    """Those of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._idle: list[_Kept] = []
        self._closer: threading.Thread | None = None

    def take(self, access: SourceAccess) -> Lent | None:
        """One that is kept of the source, if it is well; the caller has it alone until it is given back."""
        wanted = _reached(access)
        with self._lock:
            other = [kept for kept in self._idle if kept.of.source_id == access.source_id and kept.of != wanted]
            taken = next((kept for kept in reversed(self._idle) if kept.of == wanted), None)
            self._idle = [kept for kept in self._idle if kept is not taken and kept not in other]
        for kept in other:
            kept.lent.connector.close()
        if taken is None:
            return None
        if self._clock() - taken.lent.opened < OLDEST_SECONDS and _well(taken.lent.connector):
            return taken.lent
        taken.lent.connector.close()
        return None

    def lend(self, access: SourceAccess, connector: Connector) -> Lent:
        """One that was opened just now."""
        return Lent(access, connector, self._clock())

    def give(self, access: SourceAccess, lent: Lent) -> None:
        """Takes one back that was used without an error. What cannot be used again is closed."""
        if not isinstance(lent.connector, Keepable):
            lent.connector.close()
            return
        with self._lock:
            self._idle.append(_Kept(_reached(access), lent, self._clock()))
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_idle, name="sessions", daemon=True)
                self._closer.start()

    def close(self, idle: float = 0.0) -> None:
        """Closes those that have been idle for so many seconds."""
        with self._lock:
            old = [kept for kept in self._idle if self._clock() - kept.since >= idle]
            self._idle = [kept for kept in self._idle if kept not in old]
        for kept in old:
            kept.lent.connector.close()

    def _close_idle(self) -> None:
        while True:
            time.sleep(IDLE_SECONDS / 6)
            self.close(IDLE_SECONDS)
            with self._lock:
                if not self._idle:
                    self._closer = None
                    return


@cache
def sessions() -> Sessions:
    """The sessions of this process, closed when it ends."""
    made = Sessions()
    atexit.register(made.close)
    return made


def _reached(access: SourceAccess) -> SourceAccess:
    """What decides whom a session was opened to, and as whom."""
    return access.model_copy(update={"fetch_rows": None})


def _well(connector: Connector) -> bool:
    try:
        return isinstance(connector, Keepable) and connector.well()
    except SourceError:
        return False
