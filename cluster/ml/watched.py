"""What is watched of columns and of scores, and the bins that it is counted in: the same in training and in a source.

Fixed bins, so that counts of different times, sources and versions can be held against each other. The figures are of
profiles and say nothing of a single value.
"""

import math
from collections.abc import Mapping
from typing import Final

from cluster.kernels.report import ColumnProfile

SCORE: Final = "score"
NULL_SHARE, DISTINCT_SHARE, LONGEST, ROWS = "null_share", "distinct_share", "longest", "rows"
_TENTHS: Final = tuple(tenth / 10 for tenth in range(1, 10))
# Inner edges; a value on an edge belongs to the bin above it.
EDGES: Final[Mapping[str, tuple[float, ...]]] = {
    SCORE: _TENTHS,
    NULL_SHARE: _TENTHS,
    DISTINCT_SHARE: _TENTHS,
    LONGEST: (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024),  # characters of the longest value
    ROWS: (10, 100, 1_000, 10_000, 100_000, 1_000_000),
}
# What the column model calls the same figures: its training keeps their distribution in bins of its own.
TRAINED: Final[Mapping[str, str]] = {
    "profile:nulls": NULL_SHARE,
    "profile:distinct_share": DISTINCT_SHARE,
    "profile:longest": LONGEST,
}
FEATURES: Final = (NULL_SHARE, DISTINCT_SHARE, LONGEST, ROWS)


def watched_features(profile: ColumnProfile) -> dict[str, float]:
    """The watched figures of a column; not a number where there is nothing to tell them by."""
    held = profile.rows - profile.nulls - profile.empties - profile.unreadable
    return {
        NULL_SHARE: profile.nulls / max(1, profile.rows),
        DISTINCT_SHARE: profile.distinct / held if held > 0 else math.nan,
        LONGEST: math.nan if profile.length_max is None else float(profile.length_max),
        ROWS: float(profile.rows),
    }
