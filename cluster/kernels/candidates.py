"""Values that detectors still have to look at, and for each value at which: told by its shape, before any regex."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from cluster.kernels.evidence import Mask, View, joined_views
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

    def of(self, probe: int) -> Mask:
        """Which values the probe has to look at."""
        return np.asarray((self.bits[:, probe // _WORD] & np.uint64(1 << probe % _WORD)) != 0)

    def where(self, chosen: Mask) -> "Candidates":
        """Those of the values."""
        return self if chosen.all() else Candidates(self.view.where(chosen), self.bits[chosen])


def joined_candidates(some: list[Candidates]) -> Candidates:
    """All of them in one; there has to be one."""
    if len(some) == 1:
        return some[0]
    return Candidates(joined_views([c.view for c in some]), np.concatenate([c.bits for c in some]))


class ShapeScreen:
    """For each shape the probes that may match a text of that shape.

    A probe is given by regexes that all have to match, and by whether the last has to be the whole value but for white
    space around it. The first `idle` of the probes only take values away from the others.
    """

    def __init__(self, probes: Sequence[tuple[tuple[str, ...], bool]], idle: int = 0) -> None:
        self._regexes = [_of_shapes(regexes, whole) for regexes, whole in probes]
        self._words = max(1, -(-len(probes) // _WORD))
        first = [regexes[0] if regexes else "" for regexes in self._regexes[idle:]]
        self._any = "|".join(dict.fromkeys(first)) if all(first) else ""
        self._known: dict[str, int] = {}

    def passing(self, shapes: pl.Series) -> Mask:
        """Which shapes any probe may match that is not idle."""
        return shapes.str.contains(self._any).to_numpy()

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

    def each(self, masks: Sequence[Mask | None], size: int) -> Bits:
        """Bits of so many values, put together from a mask for each probe, which is None where it can match none."""
        bits = np.zeros((size, self._words), dtype=np.uint64)
        for place, mask in enumerate(masks):
            if mask is not None:
                bits[mask, place // _WORD] |= np.uint64(1 << place % _WORD)
        return bits

    def _learn(self, shapes: list[str]) -> None:
        # Arrow's engine compiles these many regexes in half the time of polars', which is what counts for so few texts.
        texts = pa.array(shapes, type=pa.large_string())
        codes = [0] * len(shapes)
        for place, regexes in enumerate(self._regexes):
            left = np.arange(len(shapes))
            for regex in reversed(regexes):
                if len(left):
                    left = left[_matching(texts.take(pa.array(left)), regex)]
            for row in left.tolist():
                codes[row] |= 1 << place
        self._known.update(zip(shapes, codes, strict=True))


def _matching(texts: pa.Array, regex: str) -> Mask:
    try:
        return np.asarray(pc.match_substring_regex(texts, regex).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:  # too large for that engine
        return pl.Series(texts).str.contains(regex).to_numpy()


def _of_shapes(regexes: tuple[str, ...], whole: bool) -> tuple[str, ...]:
    found = [shape_regex(regex) for regex in regexes]
    if whole and found[-1] is not None:
        # Line breaks are shown as ? in a shape.
        found[-1] = rf"^[ \t?]*(?:{found[-1]})[ \t?]*$"
    return tuple(regex for regex in found if regex is not None)
