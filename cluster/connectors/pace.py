"""How fast a task may take from its source: bytes and queries a second, kept in every tenth of a second.

Bytes are granted against a log of the last tenth of a second, so that no window of that length, wherever it begins,
holds more than a tenth of a second's worth. (A token bucket with a burst holds up to the burst more.) A task begins
with a full log: whoever had this share of the source's budget before it may have taken until that very moment.
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
# A batch is known only when it is there: one is asked for that is small against what the window holds.
_BATCHES_A_WINDOW = 8
_SMALLEST_BATCH = 512


class Pace(BaseModel):
    """The share of its source's budget that one task has. None sets no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_per_second: float | None = Field(None, gt=0)
    queries_per_second: float | None = Field(None, gt=0)


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
        rate = self._pace.bytes_per_second
        self._room = None if rate is None else max(1, int(rate * WINDOW_SECONDS))
        self._log: deque[tuple[float, int]] = deque()
        self._lock = threading.RLock()
        self.waited = 0.0
        if self._room is not None:
            self._log.append((clock() + WINDOW_SECONDS, self._room))
        rate = self._pace.queries_per_second
        self._between = 0.0 if rate is None else max(1 / rate, WINDOW_SECONDS / max(1, int(rate * WINDOW_SECONDS)))
        self._next_query = clock() + self._between

    def query(self) -> None:
        """Waits until one more query, statement or request may be sent."""
        with self._lock:
            if self._between:
                self._wait(self._next_query - self._clock())
                self._next_query = self._clock() + self._between
            self._told(0, 1)

    def read(self, wanted: int, fetch: Callable[[int], bytes]) -> bytes:
        """What `fetch` brings of at most `wanted` bytes, as soon as some may be taken, and no more than may be."""
        with self._lock:
            return self._taken(self._granted(wanted), fetch, len)

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
        taken = measure(made)
        if self._room is not None and taken:
            over = max(0.0, taken / self._room - 1) * WINDOW_SECONDS
            self._log.append((self._clock() + WINDOW_SECONDS + over, taken))
        self._told(taken, 0)
        return made

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.waited += seconds
            self._sleep(seconds)

    def _told(self, size: int, queries: int) -> None:
        if self._record is not None and (size or queries):
            self._record(self._clock(), size, queries)
