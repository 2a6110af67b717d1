"""How fast a task may take from its source: bytes and queries a second, kept in every tenth of a second.

Bytes and queries are granted against logs of the last tenth of a second, so that no window of that length, wherever it
begins, holds more than a tenth of a second's worth. (A token bucket with a burst holds up to the burst more.) What was
taken counts from the end of its answer, so that this is true wherever on the way somebody counts, and a fifth longer.
So a source gives at most five sixths of its budget.
A task begins with full logs: whoever had this share of the source's budget before may have taken until that moment.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R")

WINDOW_SECONDS = 0.1
HELD_SECONDS = 0.12
"""How long what was taken counts: longer than a window, for the clock of whoever samples it is not exact either."""
EASED_SHARE = 0.05
"""Of one CPU for the tasks of a source that is at work for others on the same machine, all together."""
# A batch is known only when it is there: one is asked for that is small against what the window holds.
_BATCHES_A_WINDOW = 8
_SMALLEST_BATCH = 512


class Pace(BaseModel):
    """The share of its source's budget that one task has. None sets no limit.

    `cpu_share` is of one CPU; `readers` is how many tasks share the budget, this one among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_per_second: float | None = Field(None, gt=0)
    queries_per_second: float | None = Field(None, gt=0)
    cpu_share: float | None = Field(None, gt=0, le=1)
    readers: int = Field(1, ge=1)

    @property
    def window_bytes(self) -> int | None:
        """The bytes of one window."""
        return None if self.bytes_per_second is None else max(1, int(self.bytes_per_second * WINDOW_SECONDS))

    @property
    def window_queries(self) -> int | None:
        """The queries of one window, or one of a longer time where they are rarer."""
        return None if self.queries_per_second is None else max(1, int(self.queries_per_second * WINDOW_SECONDS))

    @property
    def usable(self) -> float | None:
        """The bytes a second that can be had of it: no answer is larger than a window, and what was taken is held."""
        if self.bytes_per_second is None:
            return None
        answers = 1 / WINDOW_SECONDS if self.queries_per_second is None else self.queries_per_second
        return self.bytes_per_second * min(1.0, answers * WINDOW_SECONDS) * WINDOW_SECONDS / HELD_SECONDS


class Pacer:
    """Keeps one task to its pace by making it wait. `record` is told (time, bytes, queries) of all that is taken.

    `waited` is the seconds that it made its task wait. May be shared by the threads of the task.
    """

    def __init__(
        self,
        pace: Pace | None = None,
        record: Callable[[float, int, int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace, self._record, self._clock, self._sleep = pace or Pace(), record, clock, sleep
        self._room = self._pace.window_bytes
        self._log: deque[tuple[float, int]] = deque()
        self._lock = threading.RLock()
        self.waited = 0.0
        if self._room is not None:
            self._log.append((clock() + HELD_SECONDS, self._room))
        rate = self._pace.queries_per_second
        self._most = self._pace.window_queries
        self._each = 0.0 if rate is None else max(1 / rate, WINDOW_SECONDS) * HELD_SECONDS / WINDOW_SECONDS
        self._asked = deque([clock() + self._each] * (self._most or 0))  # until when each counts

    @property
    def limited(self) -> bool:
        """Whether bytes or queries have to wait."""
        return self._room is not None or self._most is not None

    @property
    def room(self) -> int | None:
        """The bytes of one window, None for any number."""
        return self._room

    @property
    def queries_a_window(self) -> int | None:
        """The queries of one window, None for any number."""
        return self._most

    def query(self) -> None:
        """Waits until one more query, statement or request may be sent."""
        with self._lock:
            if self._most is not None:
                while len(self._asked) >= self._most:
                    self._wait(self._asked[0] - self._clock())
                    while self._asked and self._asked[0] <= self._clock():
                        self._asked.popleft()
                self._asked.append(self._clock() + self._each)
            self._told(0, 1)

    def answered(self) -> None:
        """The last query has its answer: it may have arrived as late as now."""
        with self._lock:
            if self._asked:
                self._asked[-1] = self._clock() + self._each

    def read(self, wanted: int, fetch: Callable[[int], bytes], beside: int = 0) -> bytes:
        """What `fetch` brings of at most `wanted` bytes, as soon as some may be taken, and no more than may be.

        `beside` is what comes with any answer.
        """
        with self._lock:
            granted = max(1, self._granted(wanted + beside) - beside)
            return self._taken(granted, fetch, lambda made: len(made) + beside)

    def reserve(self, size: int) -> None:
        """Waits until that much may come in, or all that a window has room for if it is more."""
        with self._lock:
            if self._room is not None:
                self._grant(min(size, self._room))

    def took(self, size: int) -> None:
        """That much has come in, at any time since it was reserved."""
        with self._lock:
            if self._room is not None and size:
                self._log.append((self._clock() + HELD_SECONDS * max(1.0, size / self._room), size))
            self._told(size, 0)

    def batch_bytes(self, wanted: int) -> int:
        """The size of batch that a reader is to aim for."""
        return wanted if self._room is None else min(wanted, max(_SMALLEST_BATCH, self._room // _BATCHES_A_WINDOW))

    def batches(self, found: "Iterator[pa.RecordBatch]", aim: int) -> "Iterator[pa.RecordBatch]":
        """The batches of a reader that aims for batches of `aim` bytes, each taken when it may be.

        A row is never cut: one that is larger than a window's worth takes all of it, and is then paid for by waiting.
        """
        if self._room is None:
            for batch in found:
                self._told(batch.nbytes, 0)
                yield batch
            return
        largest = 2 * aim
        while True:
            with self._lock:
                self._grant(min(largest, self._room))
                batch = self._taken(0, lambda _: next(found, None), lambda made: 0 if made is None else made.nbytes)
            if batch is None:
                return
            largest = max(largest, batch.nbytes)
            yield batch

    def _granted(self, wanted: int) -> int:
        """How much of `wanted` may be taken now. Waits for a quarter of a window, so that reads do not shrink."""
        if self._room is None:
            return wanted
        self._grant(min(wanted, max(1, self._room // 4)))
        return min(wanted, self._room - self._held())

    def _grant(self, size: int) -> None:
        assert self._room is not None
        while self._held() + size > self._room:
            self._wait(self._log[0][0] - self._clock())

    def _held(self) -> int:
        """What the log holds of the last tenth of a second."""
        now = self._clock()
        while self._log and self._log[0][0] <= now:
            self._log.popleft()
        return sum(size for _, size in self._log)

    def _taken(self, size: int, fetch: Callable[[int], R], measure: Callable[[R], int]) -> R:
        """Counts what was fetched from when it is there: until then nothing else is granted."""
        made = fetch(size)
        self.took(measure(made))
        return made

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.waited += seconds
            self._sleep(seconds)

    def _told(self, size: int, queries: int) -> None:
        if self._record is not None and (size or queries):
            self._record(self._clock(), size, queries)
