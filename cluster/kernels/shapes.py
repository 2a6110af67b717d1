"""Shapes of values: letters become a or A, digits d, other signs stay. A shape shows the form and none of the content.

Runs of more than four letters are cut to four, so that names of different lengths share a shape; values of more than
48 bytes have none. Of many shapes the 48 with the smallest key are kept, where the key is a hash of the shape: a shape
that is among them in the whole is among them in every part, so that counts of the kept are exact, and merging is too.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, joined_bytes, kept_bytes, texts_of
from cluster.kernels.sketch import Hashes, Hashing

KEPT: Final = 48
LONGEST: Final = 48
LONGEST_RUN: Final = 4
NO_SHAPE: Final = -1
REMEMBERED: Final = 32_768
_OTHERS: Final = 4_096
_SLOTS: Final = (1 << 10, 1 << 16)
_PIECE: Final = 8_192
_SIGNS: Final = b" \t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_SMALL: Final = ord("a")

Numbers = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]


def _table() -> bytes:
    table = bytearray(b"?" * 256)
    table[ord("A") : ord("Z") + 1] = b"A" * 26
    table[ord("a") : ord("z") + 1] = b"a" * 26
    table[ord("0") : ord("9") + 1] = b"d" * 10
    table[128:] = b"a" * 128  # the bytes of a letter beyond ASCII; other signs beyond ASCII cannot be told apart here
    for sign in _SIGNS:
        table[sign] = sign
    return bytes(table)


TABLE: Final = _table()


class ShapeBook:
    """The shapes of a column so far, numbered in the order in which they were first seen, each with its rows.

    Shapes are told apart by a seeded hash of 64 bits, with which a batch is looked up at once. A book has room for so
    many shapes; of more than that it counts those that may be kept, and gives no number.
    """

    def __init__(self, hashing: Hashing, room: int = REMEMBERED) -> None:
        self._room = room
        self.texts: list[str] = []
        self._hashing = hashing
        self._rows = np.zeros(0, dtype=np.int64)
        self._keys = np.zeros(0, dtype=np.uint64)
        self._slots = np.zeros(_SLOTS[0], dtype=np.int32)
        self._sorted: tuple[Hashes, npt.NDArray[np.int64]] = (self._keys, np.zeros(0, dtype=np.int64))
        self._others: dict[str, int] = {}

    def add(self, data: Bytes, offsets: Offsets, counts: Counts) -> Numbers:
        """Counts the shapes of texts of at most `LONGEST` bytes, given as `joined_bytes`; the number of each one's."""
        # In pieces that stay in the processor's cache.
        cuts = list(range(0, len(counts), _PIECE)) or [0]
        pieces = [self._add(*_part(data, offsets, cut), counts[cut : cut + _PIECE]) for cut in cuts]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _add(self, data: Bytes, offsets: Offsets, counts: Counts) -> Numbers:
        shapes = _shapes(data, offsets)
        hashes = self._hashing.registers_of(shapes)
        numbers = self._known(hashes)
        strange = np.flatnonzero(numbers == NO_SHAPE)
        if len(strange):
            self._learn(shapes, hashes, strange, numbers, counts)
        known = numbers >= 0
        if known.all():
            self._count(numbers, counts)
        else:
            self._count(numbers[known], counts[known])
        return numbers

    def numbers_of(self, values: pl.Series, data: Bytes, offsets: Offsets, lengths: Counts, counts: Counts) -> Numbers:
        """The same of texts of any length, given with their `joined_bytes`; those that are too long have no shape."""
        short = lengths <= LONGEST
        if short.all():
            return self.add(data, offsets, counts)
        numbers = np.full(len(lengths), NO_SHAPE, dtype=np.int32)
        if short.any():
            numbers[short] = self.add(*joined_bytes(values.filter(pl.Series(short))), counts[short])
        return numbers

    def kept(self) -> dict[str, int]:
        """The kept shapes of all so far, with their rows, in the order of their text."""
        shapes = dict(zip(self.texts, self._rows.tolist(), strict=True))
        for shape, rows in self._others.items():
            shapes[shape] = shapes.get(shape, 0) + rows
        return keep_shapes(shapes)

    def _count(self, numbers: Numbers, counts: Counts) -> None:
        size = len(self._rows)
        if len(counts) and counts.max() == 1:
            self._rows += np.bincount(numbers, minlength=size)
        elif len(counts):
            np.add.at(self._rows, numbers, counts)

    def _known(self, hashes: Hashes) -> Numbers:
        if not self.texts:
            return np.full(len(hashes), NO_SHAPE, dtype=np.int32)
        numbers = self._slots.take((hashes & np.uint64(len(self._slots) - 1)).astype(np.int64))
        missed = np.flatnonzero(self._keys.take(numbers) != hashes)
        if len(missed):
            keys, order = self._sorted
            places = np.minimum(np.searchsorted(keys, hashes[missed]), len(keys) - 1)
            numbers[missed] = np.where(keys[places] == hashes[missed], order[places], NO_SHAPE)
        return numbers

    def _learn(self, shapes: pl.Series, hashes: Hashes, strange: Counts, numbers: Numbers, counts: Counts) -> None:
        new, first, which = np.unique(hashes[strange], return_index=True, return_inverse=True)
        texts = shapes.gather(strange[first]).to_list()
        room = max(0, self._room - len(self.texts))
        known = len(self.texts)
        self.texts += texts[:room]
        self._rows = np.concatenate([self._rows, np.zeros(len(texts[:room]), dtype=np.int64)])
        self._index(new[:room])
        numbers[strange] = np.where(which < room, which + known, NO_SHAPE)
        if len(texts) > room:
            rows = np.zeros(len(texts), dtype=np.int64)
            np.add.at(rows, which, counts[strange])
            for shape, more in zip(texts[room:], rows[room:].tolist(), strict=True):
                self._others[shape] = self._others.get(shape, 0) + more
            if len(self._others) > _OTHERS:
                # Exact, as what is left out here is left out of the whole too.
                self._others = keep_shapes(self._others)

    def _index(self, new: Hashes) -> None:
        if not len(new):
            return
        self._keys = np.concatenate([self._keys, new])
        order = np.argsort(self._keys)
        self._sorted = self._keys[order], order
        size = len(self._slots)
        while size < _SLOTS[1] and size < 4 * len(self._keys):
            size *= 4
        self._slots = np.zeros(size, dtype=np.int32)
        self._slots[(self._keys & np.uint64(size - 1)).astype(np.int64)] = np.arange(len(self._keys))


def shapes_of(values: pl.Series, counts: pl.Series, room: int = REMEMBERED) -> dict[str, int]:
    """Counts by shape of distinct texts with their counts, cut to the kept ones."""
    short = values.str.len_bytes() <= LONGEST
    book = ShapeBook(Hashing(b""), room)
    book.add(*joined_bytes(values.filter(short)), counts.filter(short).cast(pl.Int64).to_numpy())
    return book.kept()


def keep_shapes(shapes: dict[str, int]) -> dict[str, int]:
    """The kept shapes of these, in the order of their text."""
    if len(shapes) > KEPT:
        texts = list(shapes)
        keys = b"".join([hashlib.blake2b(shape.encode(), digest_size=8).digest() for shape in texts])
        smallest = np.argsort(np.frombuffer(keys, dtype=">u8").astype(np.uint64), kind="stable")[:KEPT]
        shapes = {texts[place]: shapes[texts[place]] for place in smallest.tolist()}
    return dict(sorted(shapes.items()))


def _shapes(data: Bytes, offsets: Offsets) -> pl.Series:
    # One look at a table for the joined bytes of all values is many times faster than a regex a value.
    masked = np.frombuffer(data.tobytes().translate(TABLE), dtype=np.uint8)
    starts = offsets[:-1][offsets[:-1] < offsets[1:]]
    if len(masked) > 4:
        same = np.empty(len(masked), dtype=np.bool_)
        np.equal(masked[1:], masked[:-1], out=same[1:])
        same &= (masked | 32) == _SMALL
        same[starts] = False
        pairs = same[1:] & same[:-1]
        fifth = pairs[2:] & pairs[:-2]
        if fifth.any():
            keep = np.ones(len(masked), dtype=np.bool_)
            np.logical_not(fifth, out=keep[3:])
            masked, offsets = kept_bytes(masked, offsets, keep)
    return texts_of(masked, offsets)


def _part(data: Bytes, offsets: Offsets, first: int) -> tuple[Bytes, Offsets]:
    places = offsets[first : first + _PIECE + 1]
    return data[places[0] : places[-1]], places - places[0]
