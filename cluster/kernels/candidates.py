"""Values that detectors still have to look at, and for each value at which: told by its shape, before any regex."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import joined_bytes
from cluster.kernels.automaton import Rows, automaton
from cluster.kernels.evidence import View, joined_views
from cluster.kernels.loops import count_bits, spread
from cluster.kernels.shape_regex import shape_regex

_WORD: Final = 64
_REMEMBERED: Final = 1 << 15

Bits = npt.NDArray[np.uint64]
"""A row of words for each value: bit p is set where probe p may match the value, and clear where it cannot."""


@dataclass(frozen=True)
class Candidates:
    """Values with their bits."""

    view: View
    bits: Bits

    def of(self, probe: int) -> Rows:
        """The places of the values that the probe has to look at."""
        rows, ends = self._spread
        return rows[ends[probe] : ends[probe + 1]]

    @cached_property
    def _spread(self) -> tuple[Rows, Rows]:
        small = self.bits.astype("<u8").view(np.uint8)
        ends = np.zeros(8 * small.shape[1] + 1, dtype=np.int64)
        count_bits(small.ravel(), small.shape[1], ends[1:])
        np.cumsum(ends, out=ends)
        rows = np.empty(ends[-1], dtype=np.int64)
        spread(small.ravel(), small.shape[1], ends[:-1].copy(), rows)
        return rows, ends


def joined_candidates(some: list[Candidates]) -> Candidates:
    """All of them in one; there has to be one."""
    if len(some) == 1:
        return some[0]
    return Candidates(joined_views([c.view for c in some]), np.concatenate([c.bits for c in some]))


class ShapeScreen:
    """For each shape the probes that may match a text of that shape.

    A probe is given by regexes that all have to match, and by whether the last has to be the whole value but for white
    space around it.
    """

    def __init__(self, probes: Sequence[tuple[tuple[str, ...], bool]]) -> None:
        self._regexes = [_of_shapes(regexes, whole) for regexes, whole in probes]
        self._words = max(1, -(-len(probes) // _WORD))
        self._known: dict[str, int] = {}

    def bits_of(self, shapes: Sequence[str]) -> Bits:
        """The bits of shapes, one row each."""
        if len(self._known) + len(shapes) > _REMEMBERED:
            self._known.clear()
        new = [shape for shape in shapes if shape not in self._known]
        if new:
            self._learn(new)
        codes, full = [self._known[shape] for shape in shapes], (1 << _WORD) - 1
        words = [np.array([c >> w * _WORD & full for c in codes], dtype=np.uint64) for w in range(self._words)]
        return np.stack(words, axis=1)

    def each(self, some: Sequence[Rows], size: int) -> Bits:
        """Bits of so many values, put together from the places of those that each probe may match."""
        bits = np.zeros((size, self._words), dtype=np.uint64)
        for probe, rows in enumerate(some):
            bits[rows, probe // _WORD] |= np.uint64(1 << probe % _WORD)
        return bits

    def _learn(self, shapes: list[str]) -> None:
        joined = joined_bytes(pl.Series(shapes, dtype=pl.String))
        codes = [0] * len(shapes)
        for place, regexes in enumerate(self._regexes):
            left = np.arange(len(shapes))
            for regex in reversed(regexes):
                left = left[automaton(regex).holds(*joined, left)]
            for row in left.tolist():
                codes[row] |= 1 << place
        self._known.update(zip(shapes, codes, strict=True))


def _of_shapes(regexes: tuple[str, ...], whole: bool) -> tuple[str, ...]:
    found = [shape_regex(regex) for regex in regexes]
    if whole and found[-1] is not None:
        # Line breaks are shown as ? in a shape.
        found[-1] = rf"^[ \t?]*(?:{found[-1]})[ \t?]*$"
    return tuple(regex for regex in found if regex is not None)
