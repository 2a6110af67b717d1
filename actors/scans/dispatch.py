"""How many partitions of a source are read at once: fewer while it suffers, as TCP does with packets that are lost.

Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the increase and decrease algorithms for
congestion avoidance in computer networks", 1989): a source that refuses, times out, or answers much slower than it did
is given half of what it has under way; each round that goes well gives it one more, until nothing is held back.

One that is not reached at all, round after round, is left alone by a circuit breaker: its partitions wait, and one of
them tries now and then. What such a trial costs is charged to none of them, until `PATIENCE_SECONDS` have passed.

So an absence charges a partition `TRIP - 1` failures at most, however many read: each of its failures ends a read in
whose time one was counted, its own or that of another reader, and the one that makes `TRIP` opens the breaker before
it is charged. Reports of what was read before a failure do not count against it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.connectors.breaker import Breaker
from cluster.connectors.steps import OF_ONE, diagnosis_of
from cluster.errors import SextantError, SourceUnreachable

SUFFERING = frozenset({"source-unreachable", "source-auth-failed", "too-many-requests"})
"""Codes of errors that say that a source has too much to do, is not well, or lets nobody in just now."""
SLOWER = 3.0  # answers that take three times the best are of a queue, not of chance
LEAST_SECONDS = 1.0  # shorter waits than this do no harm, and are mostly of the machine's own making
LEARNED = 5  # reports by which it is known how fast the source can answer
WEIGHT = 0.3  # of the newest report in the running mean
FORGETS = 1.005  # the best that was seen fades by half in 140 reports: a source may have become slower for good
TRIP, PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 3, 5.0, 60.0
PATIENCE_SECONDS = 1800.0
"""How long partitions wait for a source that is not reached before it is their own fault again."""
SECONDS_AHEAD = 300.0
"""Work is to be done in this time if the cluster can grow so far: less would not pay for the start of a machine."""


@dataclass
class _Source:
    """`limit` is None while nothing is held back. `round` counts the times that it was halved.

    `lost` is when the breaker opened that no answer has closed since.
    """

    breaker: Breaker
    limit: int | None = None
    round: int = 0
    under_way: int = 0
    well: int = 0
    reports: int = 0
    recent: float | None = None
    best: float = math.inf
    lost: float | None = None

    def reached(self) -> None:
        """It answered: it is no longer waited for."""
        self.breaker.succeeded()
        self.lost = None


class Dispatch:
    """What the sources stand just now. Each incarnation learns it anew: it says how they are, not how they were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources: dict[str, _Source] = {}
        self._clock = clock

    def limits(self, slots: int) -> dict[str, int]:
        """The most partitions that may be under way of each source that is held back below `slots`."""
        for source in self._sources.values():
            if source.limit is not None and source.limit >= slots:
                source.limit = None
        found = {name: source.limit for name, source in self._sources.items() if source.limit is not None}
        return found | {name: int(self._sources[name].breaker.state != "open") for name in self.waited_for()}

    def waited_for(self) -> list[str]:
        """The sources that are not reached just now, in order."""
        return sorted(name for name in self._sources if self.waits(name))

    def waits(self, name: str) -> bool:
        """Whether the partitions of the source wait until it is reached again."""
        lost = self._sources[name].lost
        return lost is not None and self._clock() - lost < PATIENCE_SECONDS

    def begun(self, name: str) -> int:
        """A partition of the source is being read. The number that is returned is given back when it has ended."""
        if (source := self._sources.get(name)) is None:
            breaker = Breaker(TRIP, settle=1, pause=PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS, clock=self._clock)
            source = self._sources[name] = _Source(breaker)
        source.under_way += 1
        return source.round

    def ended(self, name: str) -> None:
        """It is no longer."""
        self._sources[name].under_way -= 1

    def read(self, name: str, begun: int, size: int, waited: float, *, mostly: bool) -> None:
        """It was read: `size` bytes, for which it waited so many seconds, `mostly` if that was the most of its time."""
        source = self._sources[name]
        if begun < source.round:
            return  # it tells how things were before the source was given less, or was away
        each = waited / max(1, size)
        source.recent = each if source.recent is None else (1 - WEIGHT) * source.recent + WEIGHT * each
        source.reports += 1
        slow = source.reports > LEARNED and source.recent > SLOWER * source.best
        if source.reports >= LEARNED:
            source.best = min(source.best * FORGETS, source.recent)
        if slow and mostly and waited > LEAST_SECONDS:
            self.suffered(name, begun)
        else:
            self.answered(name, begun)

    def answered(self, name: str, begun: int) -> None:
        """It was read, in a time that says nothing against the source."""
        source = self._sources[name]
        if begun < source.round:
            return
        source.reached()
        if source.limit is not None:
            source.well += 1
            if source.well >= source.limit:
                source.limit, source.well = source.limit + 1, 0

    def suffered(self, name: str, begun: int, *, unreached: bool = False) -> None:
        """The source refused it, answered too late, or not at all. Those that began together count once."""
        source = self._sources[name]
        if not unreached:
            source.reached()
        if begun < source.round:
            return
        if unreached:
            source.breaker.failed()
            if source.breaker.state == "open" and source.lost is None:
                source.lost = self._clock()
        before = source.under_way if source.limit is None else min(source.limit, source.under_way)
        source.limit = max(1, before // 2)
        source.round += 1
        source.well, source.recent = 0, None


def is_unreached(error: SextantError) -> bool:
    """Whether the source as a whole was not there: not where it said that one table is locked, or a statement late."""
    return isinstance(error, SourceUnreachable) and diagnosis_of(error) not in OF_ONE


def cpus_wanted(cpu_seconds: float, partitions: int) -> int:
    """The CPUs needed for work that waits: as many as do it in time, and no more than there are parts of it."""
    return min(partitions, math.ceil(cpu_seconds / SECONDS_AHEAD))
