"""What is kept of the values that a detector matched, and the values while they are looked at."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, joined_bytes, texts_of
from cluster.kernels.automaton import Rows, automaton
from cluster.kernels.sketch import DistinctSketch, Hashes, Hashing

EXAMPLES: Final = 3
_LEAD: Final = 4

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
    """Some of the distinct values, each with its count and hash; none null. `bytes_`: their `joined`, where known.

    They are those of `source` at its `places`, if there are some given, and are not gathered before they are needed.
    """

    source: pl.Series
    counts: npt.NDArray[np.int64]
    hashes: Hashes
    bytes_: tuple[Bytes, Offsets] | None = None
    places: Rows | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def values(self) -> pl.Series:
        """The values."""
        return self.source if self.places is None else self.source.gather(self.places)

    @cached_property
    def joined(self) -> tuple[Bytes, Offsets]:
        """The `joined_bytes` of the values, which have to be texts."""
        return joined_bytes(self.values) if self.bytes_ is None else self.bytes_

    @property
    def rows(self) -> Rows:
        """The places of all values."""
        return np.arange(len(self))

    def at(self, rows: Rows) -> "View":
        """Those at these places, which are in order."""
        if len(rows) == len(self):
            return self
        places = rows if self.places is None else self.places[rows]
        return View(self.source, self.counts[rows], self.hashes[rows], places=places)

    def holding(self, regex: str, rows: Rows) -> Rows:
        """Those of the places whose text holds the regex."""
        return rows[automaton(regex).holds(*self.joined, rows)] if len(rows) else rows

    def gather(self, rows: list[int]) -> pl.Series:
        """The values at these places."""
        return self.source.gather(rows) if self.places is None else self.source.gather(self.places[rows])

    def to_list(self) -> list[Any]:
        """The values."""
        return self.values.to_list()


def joined_views(views: list[View]) -> View:
    """All of them in one; there has to be one."""
    if len(views) == 1:
        return views[0]
    starts = np.cumsum([0, *(len(view.joined[0]) for view in views)])
    parts = [view.joined[1][1:] + start for view, start in zip(views, starts.tolist(), strict=False)]
    joined = np.concatenate([view.joined[0] for view in views]), np.concatenate([np.zeros(1, dtype=np.int64), *parts])
    return View(
        texts_of(*joined),
        np.concatenate([view.counts for view in views]),
        np.concatenate([view.hashes for view in views]),
        joined,
    )


def examples_of(view: View, hashing: Hashing, known: tuple[str, ...] = ()) -> list[str]:
    """Keyed hashes of a few of the values, among which are those that `keep_examples` keeps beside the known ones."""
    # The first 16 bits of the fast hash choose, so that not every match has to be hashed with BLAKE2b.
    lead = (view.hashes >> np.uint64(48)).astype(np.int64)
    if len(known) == EXAMPLES:
        places = np.flatnonzero(lead <= int(known[-1][:_LEAD], 16))
        lead_of = lead[places]
    else:
        places, lead_of = np.arange(len(lead)), lead
    # Values of several batches may repeat, and several may share a lead: `keep_examples` settles both.
    smallest = np.unique(lead_of)[:EXAMPLES]
    places = places[lead_of <= smallest[-1]] if len(smallest) else places
    texts = view.gather(places.tolist()).to_list()
    return [f"{lead[p]:04x}{hashing.keyed(str(t)).hex()}" for p, t in zip(places, texts, strict=True)]


def keep_examples(examples: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest three: the same three, however the values were spread over partitions."""
    return tuple(sorted(set(examples))[:EXAMPLES])
