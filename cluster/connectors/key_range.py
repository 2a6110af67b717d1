"""Cutting a table by an integer key into ranges that together hold each row exactly once, now and later.

The ranges are nodes of the binary tree over all 64-bit integers, in which a node covers [n * 2**k, (n + 1) * 2**k):
those that hold few enough rows while the node above them holds too many. Rows that come or go so change the ranges
around them only. A range reaches up to where the next one begins, the first one down to the smallest key and to null,
and the last one up to the largest: keys that appear later fall into exactly one range too. Databases that compare
values of other types with integers order them all before or after (as SQLite does); they fall into one of the ends.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

Count = Callable[[int, int, int], Mapping[int, int]]
"""Of (low, high, width): rows by bucket; a row whose key k is from low to high is in bucket (k - low) // width."""
_BUCKETS = 1024


@dataclass(frozen=True)
class KeyRange:
    """Keys from `first` to before `end`; None is open, and null keys are where `first` is None.

    `node` is the end of the node of the tree, which unlike `end` does not depend on what comes after. `rows` is how
    many there were.
    """

    first: int | None = None
    end: int | None = None
    node: int | None = None
    rows: int | None = None

    def where(self, key: "sa.ColumnElement[int]") -> "list[sa.ColumnElement[bool]]":
        """The conditions for a row to be in the range, with its ends as bound values."""
        if self.first is None:
            return [] if self.end is None else [(key < self.end) | key.is_(None)]
        return [key >= self.first] + ([key < self.end] if self.end is not None else [])


def ranges(low: int | None, high: int | None, most_rows: int, count: Count) -> list[KeyRange]:
    """Ranges of at most `most_rows` rows where keys are unique; `low` and `high` are the least and greatest key.

    One range over everything if there is no key at all.
    """
    if low is None or high is None:
        return [KeyRange()]
    cutter = _Cutter(low, high, most_rows, count)
    nodes: list[tuple[int, int, int]] = []
    if low < 0:
        nodes += cutter.under(-_power(-low), 0)
    if high >= 0:
        nodes += cutter.under(0, _power(high + 1))
    found = []
    for place, (first, end, rows) in enumerate(nodes):
        following = nodes[place + 1][0] if place + 1 < len(nodes) else None
        found.append(KeyRange(first if place else None, following, end, rows))
    return found or [KeyRange()]


def _power(number: int) -> int:
    """The smallest power of two that is not below the number."""
    return 1 << max(0, number - 1).bit_length()


@dataclass(frozen=True)
class _Cutter:
    low: int
    high: int
    most: int
    count: Count

    def under(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """(first, end, rows) of the nodes under [start, end) that hold rows, in order."""
        width = max(1, (end - start) // _BUCKETS)
        # Counted from the first bucket that can hold a row, so that no difference of keys leaves 64 bits.
        base = max(start, self.low // width * width)
        counted = self.count(base, min(end - 1, self.high), width)
        yield from self._split(start, end, width, {base + place * width: rows for place, rows in counted.items()})

    def _split(self, start: int, end: int, width: int, buckets: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
        rows = sum(buckets.values())
        if not rows:
            return
        if rows <= self.most or end - start == 1:
            yield start, end, rows
        elif end - start == width:
            yield from self.under(start, end)
        else:
            middle = (start + end) // 2
            yield from self._split(start, middle, width, {k: n for k, n in buckets.items() if k < middle})
            yield from self._split(middle, end, width, {k: n for k, n in buckets.items() if k >= middle})
