"""Keeping a process to a share of one CPU, so that what else runs on its machine hardly feels it.

A low priority does not do that: a process that just runs keeps its CPU for some milliseconds, and with it the caches,
while a database waits that would be done in one. So the work is cut into slices of a few milliseconds, and after each
the process rests for as long as its share asks.
"""

import time
from collections.abc import Callable

_SLICE_SECONDS = 0.002  # shorter ones would be paid for with more switches than they save


class Duty:
    """Rests so that the CPU time of this process stays within `share` of the time that passes.

    It is kept over every slice of work: what was not used up is not saved, and what took longer is paid for at once.
    `share` may be changed while it works. `rested` is the seconds of rest so far.
    """

    ROWS = 1024
    """Batches of so many rows are small enough to rest often."""

    def __init__(
        self,
        share: float,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.share, self._clock, self._cpu, self._sleep = share, clock, cpu, sleep
        self._since, self._used = clock(), cpu()
        self.rested = 0.0

    def rest(self) -> None:
        """To be called between small pieces of work."""
        used = self._cpu() - self._used
        if used < _SLICE_SECONDS:
            return
        owed = used / self.share - (self._clock() - self._since)
        if owed > 0:
            self.rested += owed
            self._sleep(owed)
        self._since, self._used = self._clock(), self._cpu()
