"""Which values can match which patterns at all, from one look at their bytes: presence, length and number of digits."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, joined_bytes
from cluster.detectors.needs import Need, needs_of

_BITS: Final = 64
_KEPT: Final = 3
_CHUNK: Final = 1 << 20
_DIGITS: Final = sum(1 << byte for byte in b"0123456789")
_IS_DIGIT: Final = np.array([48 <= byte <= 57 for byte in range(256)], dtype=np.uint8)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Traits:
    """Of each value: which byte sets of the screen it holds a byte of, its length in bytes, and its ASCII digits."""

    bits: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.int64]
    digits: npt.NDArray[np.int64]

    def where(self, chosen: Mask) -> "Traits":
        """Those of some of the values."""
        return Traits(self.bits[chosen], self.lengths[chosen], self.digits[chosen])

    def together(self) -> "Traits":
        """One row, which has what any of the values has: what it cannot match, none of them can."""
        return Traits(
            np.bitwise_or.reduce(self.bits, keepdims=True),
            self.lengths.max(keepdims=True),
            self.digits.max(keepdims=True),
        )


class Screen:
    """The needs of some patterns, and the traits by which values are held against them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        needs = {pattern: needs_of(pattern) for pattern in patterns}
        wanted = {bits for ways in needs.values() for way in ways for bits in _telling(way)}
        kept = {bits: place for place, bits in enumerate(sorted(wanted, key=_likelihood)[:_BITS])}
        self._table = np.zeros(256, dtype=np.uint64)
        for bits, place in kept.items():
            self._table[[byte for byte in range(256) if bits >> byte & 1]] |= np.uint64(1 << place)
        self._needs = {
            pattern: tuple((_code(way, kept), way.width, way.digits) for way in ways) for pattern, ways in needs.items()
        }
        rows = [way for ways in self._needs.values() for way in ways]
        self._codes = np.array([code for code, _, _ in rows], dtype=np.uint64)
        self._widths = np.array([width for _, width, _ in rows], dtype=np.int64)
        self._digits = np.array([digits for _, _, digits in rows], dtype=np.int64)
        self._owners = [pattern for pattern, ways in self._needs.items() for _ in ways]

    def traits(self, values: pl.Series) -> Traits:
        """The traits of texts, none of which is null."""
        data, offsets = joined_bytes(values)
        lengths = np.diff(offsets)
        bits = np.zeros(len(values), dtype=np.uint64)
        digits = np.zeros(len(values), dtype=np.int64)
        start = 0
        while start < len(values):
            # In pieces, as eight bytes are needed for one of text.
            end = max(start + 1, int(np.searchsorted(offsets, offsets[start] + _CHUNK, side="right")) - 1)
            filled = np.flatnonzero(lengths[start:end]) + start
            if len(filled):
                piece = data[offsets[start] : offsets[end]]
                places = offsets[filled] - offsets[start]
                bits[filled] = np.bitwise_or.reduceat(self._table[piece], places)
                digits[filled] = np.add.reduceat(_IS_DIGIT[piece], places, dtype=np.int64)
            start = end
        return Traits(bits, lengths, digits)

    def together(self, data: Bytes, offsets: Offsets) -> Traits:
        """What the texts of `joined_bytes` may have together, from which bytes occur: cheaper than their traits."""
        present = np.zeros(256, dtype=np.bool_)
        present[data] = True
        longest = int(np.diff(offsets).max(initial=0))
        digits = longest if (present & (_IS_DIGIT == 1)).any() else 0
        return Traits(self._bits_of(present), np.array([longest]), np.array([digits]))

    def whole_numbers(self, longest: int) -> Traits:
        """What whole numbers of up to so many characters may have together."""
        present = _IS_DIGIT == 1
        present[ord("-")] = True
        return Traits(self._bits_of(present), np.array([longest]), np.array([longest]))

    def able(self, together: Traits) -> frozenset[str]:
        """The patterns that may match a value, given what the values have together; all others match none."""
        bits, longest, digits = together.bits[0], together.lengths[0], together.digits[0]
        fits = ((self._codes & bits) == self._codes) & (self._widths <= longest) & (self._digits <= digits)
        return frozenset(self._owners[place] for place in np.flatnonzero(fits))

    def _bits_of(self, present: Mask) -> npt.NDArray[np.uint64]:
        return np.bitwise_or.reduce(self._table[present], keepdims=True)

    def passing(self, pattern: str, traits: Traits) -> Mask:
        """Which values the pattern may match; those left out it cannot."""
        passed = np.zeros(len(traits.bits), dtype=np.bool_)
        for code, width, digits in self._needs[pattern]:
            fits = traits.lengths >= width
            if code:
                fits &= (traits.bits & code) == code
            if digits:
                fits &= traits.digits >= digits
            passed |= fits
        return passed


def _code(way: Need, kept: dict[int, int]) -> np.uint64:
    return np.uint64(reduce(or_, (1 << kept[bits] for bits in _telling(way) if bits in kept), 0))


def _telling(way: Need) -> list[int]:
    # A set within another says more than it, and the number of digits says more than that there is one.
    found = [bits for bits in way.sets if not (way.digits and bits & _DIGITS == _DIGITS)]
    least = [bits for bits in found if not any(other != bits and other & bits == other for other in found)]
    return sorted(least, key=_likelihood)[:_KEPT]


def _likelihood(bits: int) -> tuple[int, int]:
    """Orders sets of bytes by how likely a text holds one of them: rare signs first, letters and digits last."""
    score = 0
    for char in map(chr, range(128)):
        if bits >> ord(char) & 1:
            score += 6 if char.isdigit() or char in " -" or char.islower() else 2 if char.isupper() else 1
    return score, bits
