"""The pages of a table in a SQLite file (https://www.sqlite.org/fileformat2.html), to tell whether its rows changed.

A table's rows lie in the leaves of its own B-tree and in the overflow pages of long rows. Equal bytes of those pages
are equal rows, so that a hash over them identifies the content of a table, or of the leaves that a range of its keys
reaches into, at about the speed at which the file is read. It is asked only while a read transaction is open and
nothing is in a write-ahead log: then the file holds all there is, and nobody writes to it.
"""

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cluster.connectors.key_range import KeyRange
from cluster.errors import SourceUnreadable

HEADER = 100
_INTERIOR_INDEX, _INTERIOR, _LEAF_INDEX, _LEAF = 2, 5, 10, 13
_DEEPEST = 40
_INTEGERS, _CONSTANTS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}, {8: 0, 9: 1}  # bytes by serial type, and values by it


@dataclass(frozen=True)
class Leaves:
    """Hash, cells and bytes of leaves with their overflow pages. `cells` counts rows only over a whole table."""

    mark: str
    cells: int
    bytes: int


class SqlitePages:
    """Pages of an open file. Raises SourceUnreadable where they make no tree."""

    def __init__(self, handle: int, name: str) -> None:
        self._handle, self._name = handle, name
        header = os.pread(handle, HEADER, 0)
        if len(header) < HEADER:
            raise self._damaged()
        size = int.from_bytes(header[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - header[20]
        self._count = os.fstat(handle).st_size // max(1, self._size)

    def leaves(self, root: int, span: KeyRange) -> Leaves:
        """What the leaves hold that a range of keys reaches into.

        The key is the rowid, or where the tree is that of a table WITHOUT ROWID its first column, in ascending order.
        """
        digest, cells, pages = hashlib.blake2b(digest_size=16), 0, 0
        for part, number in self._walk(root, span, 0):
            digest.update(part)
            cells += number
            pages += len(part) == self._size
            if pages > 2 * self._count + 2:
                raise self._damaged()
        return Leaves(digest.hexdigest(), cells, pages * self._size)

    def _page(self, number: int) -> bytes:
        page = os.pread(self._handle, self._size, (number - 1) * self._size) if 0 < number <= self._count else b""
        if len(page) != self._size:
            raise self._damaged()
        return page

    def _walk(self, number: int, span: KeyRange, depth: int) -> Iterator[tuple[bytes, int]]:
        """The leaves, the rows that lie on inner pages of an index, and overflow pages, with their number of cells."""
        page = self._page(number)
        kind, cells = page[0], int.from_bytes(page[3:5], "big")
        if depth > _DEEPEST or kind not in (_INTERIOR_INDEX, _INTERIOR, _LEAF_INDEX, _LEAF):
            raise self._damaged()
        if kind in (_LEAF, _LEAF_INDEX):
            yield page, cells
            yield from ((overflow, 0) for overflow in self._overflow(page, self._places(page, 8, cells)))
            return
        for child, above, highest in self._children(page, kind, cells):
            below_end = span.end is None or above is None or above < span.end - 1
            if below_end and (span.first is None or highest is None or highest >= span.first):
                yield from self._walk(child, span, depth + 1)
        if kind == _INTERIOR_INDEX:
            yield from self._inner_rows(page, span, cells)

    def _inner_rows(self, page: bytes, span: KeyRange, cells: int) -> Iterator[tuple[bytes, int]]:
        for place in self._places(page, 12, cells):
            key = _first_integer(page, place + 4)
            if key is None or ((span.first is None or key >= span.first) and (span.end is None or key < span.end)):
                size, after = _varint(page, place + 4)
                yield page[place + 4 : after + self._stored(size, self._most_in(page))], 1
                yield from ((overflow, 0) for overflow in self._overflow(page, (place + 4,)))

    def _children(self, page: bytes, kind: int, cells: int) -> Iterator[tuple[int, int | None, int | None]]:
        """Child pages, with the key that all theirs are above and their highest; None where there is no bound."""
        above: int | None = None
        for place in self._places(page, 12, cells):
            (child,) = struct.unpack_from(">I", page, place)
            highest = _signed(_varint(page, place + 4)[0]) if kind == _INTERIOR else _first_integer(page, place + 4)
            yield child, above, highest
            above = highest
        yield struct.unpack_from(">I", page, 8)[0], above, None

    def _places(self, page: bytes, start: int, cells: int) -> tuple[int, ...]:
        if start + 2 * cells > self._size:
            raise self._damaged()
        places = struct.unpack_from(f">{cells}H", page, start)
        if places and max(places) > self._size - (5 if page[0] == _INTERIOR_INDEX else 4):
            raise self._damaged()
        return places

    def _overflow(self, page: bytes, cells: Sequence[int]) -> Iterator[bytes]:
        """The overflow pages of cells, each given by where the size of its payload stands."""
        most = self._most_in(page)
        places = np.array(cells, np.int64)
        # A varint of one byte is below 128, which is never too long for a page: only the others are decoded.
        for place in places[np.frombuffer(page, np.uint8)[places] >= 128]:
            size, after = _varint(page, int(place))
            if size > most:
                if page[0] == _LEAF:
                    after = _varint(page, after)[1]
                yield from self._chain(page, after + self._stored(size, most))

    def _most_in(self, page: bytes) -> int:
        """The largest payload that lies on the page as a whole."""
        return self._usable - 35 if page[0] == _LEAF else (self._usable - 12) * 64 // 255 - 23

    def _stored(self, size: int, most: int) -> int:
        """How much of a payload lies on the page itself."""
        least = (self._usable - 12) * 32 // 255 - 23
        stored = least + (size - least) % (self._usable - 4)
        return size if size <= most else stored if stored <= most else least

    def _chain(self, page: bytes, place: int) -> Iterator[bytes]:
        if place + 4 > self._size:
            raise self._damaged()
        (number,) = struct.unpack_from(">I", page, place)
        for _ in range(self._count):
            if not number:
                return
            overflow = self._page(number)
            yield overflow
            number = int.from_bytes(overflow[:4], "big")
        raise self._damaged()

    def _damaged(self) -> SourceUnreadable:
        return SourceUnreadable(f"{self._name} is damaged.", "Check it with PRAGMA integrity_check, or restore it.")


def _first_integer(page: bytes, place: int) -> int | None:
    """The first column of the record of a cell of an index, if it is an integer."""
    start = _varint(page, place)[1]
    header, after = _varint(page, start)
    type_ = _varint(page, after)[0]
    if type_ in _CONSTANTS:
        return _CONSTANTS[type_]
    size = _INTEGERS.get(type_)
    body = page[start + header : start + header + (size or 0)]
    return int.from_bytes(body, "big", signed=True) if size is not None and len(body) == size else None


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """A variable-length integer, unsigned, and where it ends."""
    value = 0
    for step in range(9):
        byte = page[place + step] if place + step < len(page) else 0
        if step == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + step + 1
    raise AssertionError


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
