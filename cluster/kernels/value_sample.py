"""A random sample of the distinct values of a column: those with the smallest keyed hashes.

It depends on the set of values alone, not on their order, their number or how they were cut into batches.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from cluster.kernels.sketch import Hashes


class ValueSample:
    """Collects at most `size` values as text, of each what `kept` leaves of it."""

    def __init__(self, size: int, kept: Callable[[str], str]) -> None:
        self._size, self._short = size, kept
        self._kept: dict[int, str] = {}
        self._bound: int | None = None

    def add(self, values: pl.Series, hashes: Hashes) -> None:
        """Takes distinct values of a batch, with their hashes in order."""
        if self._bound is not None:
            places = np.flatnonzero(hashes < np.uint64(self._bound))
        elif len(hashes) > self._size:
            places = np.argpartition(hashes, self._size)[: self._size]
        else:
            places = np.arange(len(hashes))
        if not len(places):
            return
        for key, value in zip(hashes[places].tolist(), values.gather(places).to_list(), strict=True):
            self._kept[key] = self._short(_text_of(value))
        if len(self._kept) >= self._size:
            smallest = sorted(self._kept)[: self._size]
            self._kept = {key: self._kept[key] for key in smallest}
            self._bound = smallest[-1]

    def drawn(self) -> list[tuple[int, str]]:
        """The values with their hashes, by hash."""
        return [(key, self._kept[key]) for key in sorted(self._kept)]

    @property
    def full(self) -> bool:
        """Whether there may be values that are not among those drawn."""
        return self._bound is not None


def _text_of(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    return str(value)
