"""The checks of `checksums` that only look at digits, over all matches of a column at once.

`checksums` is the reference: each function here gives for every text what its namesake there gives for that text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors import checksums
from cluster.detectors.joined import joined_bytes, kept_bytes

Mask = npt.NDArray[np.bool_]
ColumnCheck = Callable[[pl.Series], Mask]

_WIDEST: Final = 32
_PIECE: Final = 16_384
_DOUBLED: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.int64)
_NPI_PREFIX: Final = 24  # what the digits 80840 before a provider's number add to its Luhn sum


@dataclass(frozen=True)
class Digits:
    """The digits of each text right-aligned in a row of zeros, and how many they are."""

    rows: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.int64]

    def leading(self, width: int) -> npt.NDArray[np.int64]:
        """The first digits as a number, with zeros behind where there are fewer."""
        rows = self.rows
        if int(self.counts.min(initial=rows.shape[1])) < rows.shape[1]:
            places = (rows.shape[1] - self.counts)[:, None] + np.arange(width)
            inside = places < rows.shape[1]
            rows = np.take_along_axis(rows, np.where(inside, places, 0), axis=1) * inside
        return _as_number(rows[:, :width], width)

    def number(self) -> npt.NDArray[np.int64]:
        """The digits as a number, where they are 18 or fewer."""
        width = min(self.rows.shape[1], 18)
        return _as_number(self.rows[:, self.rows.shape[1] - width :], width)

    def alike(self) -> Mask:
        """Whether all digits are the same one; not where there is none."""
        inside = np.arange(self.rows.shape[1]) >= (self.rows.shape[1] - self.counts)[:, None]
        same = (self.rows == self.leading(1)[:, None]) | ~inside
        return np.asarray(same.all(axis=1) & (self.counts > 0))

    def luhn_sum(self) -> npt.NDArray[np.int64]:
        total = np.zeros(len(self.rows), dtype=np.int64)
        for place, column in enumerate(self.rows.T[::-1]):
            total += _DOUBLED[column] if place % 2 else column
        return total


def _as_number(rows: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.int64]:
    """Rows of digits as numbers; a row that is short of the width has zeros behind."""
    number = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        number *= 10
        number += column
    number *= 10 ** (width - rows.shape[1])
    return number


def _digits_of(values: pl.Series) -> Digits | None:
    """None if a text has so many digits that rows would be wide for its sake."""
    data, offsets = joined_bytes(values)
    data, offsets = kept_bytes(data, offsets, (data - np.uint8(ord("0"))) < 10)
    counts = np.diff(offsets)
    width = int(counts.max(initial=1))
    if width > _WIDEST:
        return None
    if int(counts.min(initial=width)) == width:
        return Digits((data - np.uint8(ord("0"))).reshape(len(counts), width), counts)
    rows = np.zeros(len(counts) * width, dtype=np.uint8)
    right_aligned = np.arange(1, len(counts) + 1) * width - offsets[1:]
    rows[np.arange(len(data)) + np.repeat(right_aligned, counts)] = data - np.uint8(ord("0"))
    return Digits(rows.reshape(len(counts), width), counts)


def _luhn(digits: Digits) -> Mask:
    return np.asarray(~digits.alike() & (digits.luhn_sum() % 10 == 0))


def _payment_card(digits: Digits) -> Mask:
    lead = digits.leading(6)
    issued = np.zeros(len(lead), dtype=np.bool_)
    for low, high, lengths in reversed(checksums.CARDS):
        # Backwards, so that where two ranges overlap the first has the last word.
        issued = np.where((lead >= low) & (lead <= high), np.isin(digits.counts, lengths), issued)
    return np.asarray(issued & _luhn(digits))


def _ssn(digits: Digits) -> Mask:
    number = digits.number()
    area, group, serial = number // 1_000_000, number // 10_000 % 100, number % 10_000
    allowed = (digits.counts == 9) & (area != 0) & (area != 666) & (area < 900) & (group != 0) & (serial != 0)
    published = np.isin(number, [int(text) for text in checksums.PUBLISHED_SSN])
    return np.asarray(allowed & ~published & ~digits.alike())


def _aba_routing(digits: Digits) -> Mask:
    if digits.rows.shape[1] < 9:
        return np.zeros(len(digits.counts), dtype=np.bool_)
    number, lead = digits.number(), digits.leading(2)
    assigned = (lead <= 12) | ((lead >= 21) & (lead <= 32)) | ((lead >= 61) & (lead <= 72)) | (lead == 80)
    weighted = digits.rows[:, -9:] @ np.array((3, 7, 1) * 3, dtype=np.int64)
    return np.asarray((digits.counts == 9) & (number != 0) & assigned & (weighted % 10 == 0))


def _npi(digits: Digits) -> Mask:
    first = digits.leading(1)
    summed = digits.luhn_sum() + _NPI_PREFIX
    return np.asarray((digits.counts == 10) & ((first == 1) | (first == 2)) & (summed % 10 == 0))


def _imei(digits: Digits) -> Mask:
    return np.asarray((digits.counts == 15) & _luhn(digits))


def _over_column(check: Callable[[Digits], Mask], single: Callable[[str], bool]) -> ColumnCheck:
    def over(values: pl.Series) -> Mask:
        # In pieces that stay in the processor's cache.
        pieces = [piece(values[start : start + _PIECE]) for start in range(0, len(values), _PIECE)]
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.bool_)

    def piece(values: pl.Series) -> Mask:
        digits = _digits_of(values)
        if digits is not None:
            return check(digits)
        return np.fromiter((single(text) for text in values.to_list()), dtype=np.bool_, count=len(values))

    return over


def over_digits(check: Callable[[Digits], Mask]) -> ColumnCheck:
    """The check over a column of texts; one with more digits than any number has fails."""

    def single(text: str) -> bool:
        digits = _digits_of(pl.Series([text]))
        return digits is not None and bool(check(digits)[0])

    return _over_column(check, single)


COLUMN_CHECKS: Final[dict[str, ColumnCheck]] = {
    "luhn": _over_column(_luhn, checksums.luhn),
    "payment_card": _over_column(_payment_card, checksums.payment_card),
    "ssn": _over_column(_ssn, checksums.ssn),
    "aba_routing": _over_column(_aba_routing, checksums.aba_routing),
    "npi": _over_column(_npi, checksums.npi),
    "imei": _over_column(_imei, checksums.imei),
}
"""By the name of the validator: texts without null in, which of them hold out."""
