"""Partitions that take much longer than their like are given up and read again by another worker.

A worker may hang on a connection that nobody answers, or share its machine with something else. What has been waited
for is lost; so it is given up only when it is clearly not the partition that is slow.
"""

from collections import deque
from statistics import median

FACTOR = 4.0
"""Times the median: running times have a long tail, and even skewed ones seldom reach four times their median."""
LEAST_SECONDS = 60.0
"""Less is not worth the work that would be thrown away: a partition is planned to take some seconds."""
LIKE = 5
"""So many must have been read to know what is usual."""
KEPT = 101
"""Of so many the median is taken: what a source was like an hour ago says nothing."""


def patience(like: list[float], size: int | None, attempt: int, pace: float | None = None) -> float | None:
    """The seconds that a partition of `size` bytes may take; None for as long as it likes.

    `like` are the seconds per byte of partitions like it, `pace` the bytes a second that it is held to. Each attempt is
    given twice as long as the one before: a partition that is slow itself must come to its end.
    """
    if not size or len(like) < LIKE:
        return None
    usual = median(like) * size
    held = size / pace if pace else 0.0
    return float(max(LEAST_SECONDS, FACTOR * usual, FACTOR * held) * 2 ** (attempt - 1))


class Likes:
    """The seconds per byte of partitions that were read, by asset and by source."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], deque[float]] = {}

    def saw(self, source: str, asset: str, size: int | None, seconds: float) -> None:
        """A partition of the asset was read."""
        if size:
            for key in ((source, asset), (source, "")):
                self._seen.setdefault(key, deque(maxlen=KEPT)).append(seconds / size)

    def of(self, source: str, asset: str) -> list[float]:
        """Those of the asset if enough of it was read, else those of its source."""
        own = self._seen.get((source, asset), ())
        return list(own if len(own) >= LIKE else self._seen.get((source, ""), ()))

    def keep(self, sources: set[str]) -> None:
        """Forgets all other sources."""
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] in sources}
