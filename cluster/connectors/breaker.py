"""A circuit breaker with hysteresis: what fails again and again is left alone for a while, then tried with care.

Closed: everything passes. After `trip` failures in a row it opens, and nothing passes for `pause` seconds. Then it is
half open: one trial passes at a time. `settle` trials in a row that go well close it; one that fails opens it again,
for twice as long, up to `longest` (Nygard, "Release It!", 2007; the doubling is binary exponential backoff).
"""

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Breaker:
    """One breaker. Not shared by threads without a lock of their own."""

    def __init__(
        self, trip: int = 3, settle: int = 2, pause: float = 5.0, longest: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._trip, self._settle, self._pause, self._longest, self._clock = trip, settle, pause, longest, clock
        self._failures = self._successes = self._openings = 0
        self._until: float | None = None
        self._trial = False

    @property
    def state(self) -> State:
        """What it is now."""
        if self._until is None:
            return "closed"
        return "open" if self._clock() < self._until else "half_open"

    @property
    def wait(self) -> float:
        """Seconds until it lets a trial pass; 0 where it does."""
        return 0.0 if self._until is None else min(self._longest, max(0.0, self._until - self._clock()))

    def passes(self) -> bool:
        """Whether to try. Half open, the answer is yes once until that trial is told of."""
        state = self.state
        if state == "half_open" and not self._trial:
            self._trial = True
            return True
        return state == "closed"

    def succeeded(self) -> None:
        """What was tried went well."""
        self._trial, self._failures = False, 0
        if self._until is not None:
            self._successes += 1
            if self._successes >= self._settle:
                self._until, self._successes, self._openings = None, 0, 0

    def failed(self) -> None:
        """What was tried failed."""
        half_open = self.state == "half_open"
        self._trial, self._successes = False, 0
        self._failures += 1
        if half_open or (self._until is None and self._failures >= self._trip):
            self._until = self._clock() + min(self._longest, self._pause * 2**self._openings)
            self._openings = min(self._openings + 1, 30)
            self._failures = 0
