"""How far a distribution has moved: three measures over counts in the same bins, and the bins to count in.

- PSI, the population stability index: sum of (q - p) ln(q / p). It is the symmetric Kullback-Leibler divergence
  (Jeffreys); between two normal distributions of variance 1 whose means differ by d it is d squared.
- KS, Kolmogorov and Smirnov's distance: the largest gap between the cumulative shares, for ordered bins.
- JS, the Jensen-Shannon distance: the root of the divergence to the mean of both, in bits, so between 0 and 1.

PSI above 0.1 is commonly read as a moderate and above 0.25 as a large shift (Siddiqi, Credit Risk Scorecards, 2006).
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from cluster.errors import InvalidInput

MODERATE: Final = 0.1
LARGE: Final = 0.25
# Added to every bin, as if half a value had been seen in each: an empty bin would make PSI infinite.
PRIOR: Final = 0.5

Counts = npt.ArrayLike


class Drift(BaseModel):
    """How far a distribution has moved from the one it is held against. `before` and `after` are numbers of values."""

    model_config = ConfigDict(frozen=True)

    psi: float
    ks: float
    js: float
    before: int
    after: int
    bins: int

    @property
    def verdict(self) -> Literal["stable", "moderate", "large"]:
        """By PSI, less what chance alone makes of samples of this size: (bins - 1) (1 / before + 1 / after)."""
        excess = self.psi - (self.bins - 1) * (1 / self.before + 1 / self.after)
        return "large" if excess > LARGE else "moderate" if excess > MODERATE else "stable"


def drift(before: Counts, after: Counts) -> Drift:
    """The three measures between counts in the same bins.

    Raises InvalidInput if the bins differ or nothing was counted.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if old.ndim != 1 or old.shape != new.shape or not old.size:
        raise InvalidInput("The two distributions are counted in different bins.", "Count both in the same ones.")
    if (old < 0).any() or (new < 0).any() or not old.sum() or not new.sum():
        raise InvalidInput("A distribution has no values.", "Wait until something was counted.")
    p, q = (old + PRIOR) / (old + PRIOR).sum(), (new + PRIOR) / (new + PRIOR).sum()
    middle = (p + q) / 2
    divergence = (np.sum(p * np.log2(p / middle)) + np.sum(q * np.log2(q / middle))) / 2
    gap = np.abs(np.cumsum(old / old.sum()) - np.cumsum(new / new.sum()))
    return Drift(
        psi=float(np.sum((q - p) * np.log(q / p))),
        ks=float(gap.max()),
        js=float(np.sqrt(max(0.0, divergence))),
        before=int(old.sum()),
        after=int(new.sum()),
        bins=old.size,
    )


def edges_of(values: npt.ArrayLike, bins: int = 10) -> npt.NDArray[np.float64]:
    """Inner edges of bins that hold about equally many of the values; fewer where values repeat.

    Raises InvalidInput without a value.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        raise InvalidInput("There are no values to make bins of.", "Wait until something was counted.")
    return np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))


def counted(values: npt.ArrayLike, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """How many values lie in each of the len(edges) + 1 bins; a value on an edge belongs to the bin above it."""
    known = np.asarray(values, dtype=np.float64)
    places = np.searchsorted(edges, known[np.isfinite(known)], side="right")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.int64)
