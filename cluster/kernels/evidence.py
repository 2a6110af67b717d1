"""What is kept of the values that a detector matched, and the values while they are looked at."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, joined_bytes
from cluster.kernels.automaton import Rows, automaton
from cluster.kernels.sketch import DistinctSketch, Hashes, Hashing

EXAMPLES: Final = 3

Mask = npt.NDArray[np.bool_]


@dataclass
class Evidence:
    """Counts of one detector on one column so far (see DetectorCounts)."""

    matched: int = 0
    whole: int = 0
    validated: int = 0
    distinct_matched: DistinctSketch = field(default_factory=DistinctSketch)
    distinct_validated: DistinctSketch = field(default_factory=DistinctSketch)
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """Some of the distinct values, each with its count and hash; none null. `bytes_`: their `joined`, where known."""

    values: pl.Series
    counts: npt.NDArray[np.int64]
    hashes: Hashes
    bytes_: tuple[Bytes, Offsets] | None = None

    @cached_property
    def joined(self) -> tuple[Bytes, Offsets]:
        """The `joined_bytes` of the values, which have to be texts."""
        return joined_bytes(self.values) if self.bytes_ is None else self.bytes_

    @property
    def rows(self) -> Rows:
        """The places of all values."""
        return np.arange(len(self.counts))

    def at(self, rows: Rows) -> "View":
        """Those at these places, which are in order."""
        if len(rows) == len(self.counts):
            return self
        return View(self.values.gather(rows), self.counts[rows], self.hashes[rows])

    def holding(self, regex: str, rows: Rows) -> Rows:
        """Those of the places whose text holds the regex."""
        return rows[automaton(regex).holds(*self.joined, rows)] if len(rows) else rows


def joined_views(views: list[View]) -> View:
    """All of them in one; there has to be one."""
    if len(views) == 1:
        return views[0]
    return View(
        pl.concat([view.values for view in views]).rechunk(),
        np.concatenate([view.counts for view in views]),
        np.concatenate([view.hashes for view in views]),
    )


def examples_of(view: View, hashing: Hashing) -> list[str]:
    """Keyed hashes of a few of the values, among which are the three that `keep_examples` keeps."""
    # The first 16 bits of the fast hash choose, so that not every match has to be hashed with BLAKE2b.
    lead = (view.hashes >> np.uint64(48)).astype(np.int64)
    # Values of several batches may repeat, and several may share a lead: `keep_examples` settles both.
    seen = np.zeros(1 << 16, dtype=np.bool_)
    seen[lead] = True
    places = np.flatnonzero(lead <= np.flatnonzero(seen)[:EXAMPLES][-1])
    texts = view.values.gather(places.tolist()).to_list()
    return [f"{lead[p]:04x}{hashing.keyed(str(t)).hex()}" for p, t in zip(places, texts, strict=True)]


def keep_examples(examples: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest three: the same three, however the values were spread over partitions."""
    return tuple(sorted(set(examples))[:EXAMPLES])
