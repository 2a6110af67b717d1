"""The shapes of a column so far, numbered in the order in which they were first seen, each with its rows."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, texts_of
from cluster.kernels.shape_loop import WORDS, index_shapes, number_shapes
from cluster.kernels.shapes import KEPT, LONGEST, LONGEST_RUN, TABLE, keep_shapes
from cluster.kernels.sketch import Hashing

NO_SHAPE: Final = -1
REMEMBERED: Final = 32_768
_AT_FIRST: Final = 256
_SLOTS: Final = 4  # for each shape, so that most are found where they are looked for first
_OTHERS: Final = 4_096
_LETTERS: Final = frozenset(b"aA")

Numbers = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]


class ShapeBook:
    """Numbers shapes, of any number of texts. A book has room for so many shapes; of more than that it counts those
    that may be kept, and gives no number."""

    def __init__(self, hashing: Hashing, room: int = REMEMBERED) -> None:
        self._room = room
        self._seed = hashing.seed
        self._state = np.zeros(2, dtype=np.int64)
        self._others: dict[str, int] = {}
        self._slots = np.zeros(0, dtype=np.int32)
        self._keys = np.zeros(0, dtype=np.uint64)
        self._words = np.zeros(0, dtype=np.uint64)
        self._sizes = np.zeros(0, dtype=np.uint8)
        self._rows = np.zeros(0, dtype=np.int64)
        self._ranks = np.zeros(0, dtype=np.uint32)
        self._grow(min(_AT_FIRST, room))

    def __len__(self) -> int:
        return int(self._state[0])

    def add(self, data: Bytes, offsets: Offsets, counts: Counts) -> Numbers:
        """Counts the shapes of `joined_bytes`; the number of each one's, or `NO_SHAPE`."""
        numbers = np.empty(len(counts), dtype=np.int32)
        others = np.empty(len(counts), dtype=np.int64)
        self._state[1] = row = 0
        while True:
            row = number_shapes(
                data, offsets, counts, row, self._seed, self._room, self._limit(), self._slots, self._keys,
                self._words, self._sizes, self._rows, self._ranks, numbers, others, self._state,
            )  # fmt: skip
            if row == len(numbers):
                break
            if len(self) < self._room:
                self._grow(min(self._room, 2 * len(self)))
        for place in others[: self._state[1]].tolist():
            shape = shape_of(data[offsets[place] : offsets[place + 1]].tobytes())
            self._others[shape] = self._others.get(shape, 0) + int(counts[place])
        if len(self._others) > _OTHERS:
            # Exact, as what is left out here is left out of the whole too.
            self._others = keep_shapes(self._others)
        return numbers

    def texts(self, first: int = 0) -> pl.Series:
        """The shapes from this number on."""
        return self._texts(np.arange(first, len(self)))

    def _texts(self, numbers: Counts) -> pl.Series:
        sizes = self._sizes[numbers]
        signs = self._words.reshape(len(self._sizes), WORDS)[numbers].view(np.uint8)
        offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
        np.cumsum(sizes, out=offsets[1:])
        return texts_of(signs[np.arange(LONGEST) < sizes[:, None]], offsets)

    def kept(self) -> dict[str, int]:
        """The kept shapes of all so far, with their rows, in the order of their text."""
        ranks = self._ranks[: len(self)]
        lowest = np.flatnonzero(ranks <= np.partition(ranks, KEPT - 1)[KEPT - 1] if len(ranks) > KEPT else ranks >= 0)
        shapes = dict(zip(self._texts(lowest).to_list(), self._rows[lowest].tolist(), strict=True))
        for shape, rows in self._others.items():
            shapes[shape] = shapes.get(shape, 0) + rows
        return keep_shapes(shapes)

    def _limit(self) -> int:
        """The rank above which a shape is not kept, once there is no room left; -1 before, or where all are kept."""
        if len(self) < self._room:
            return -1
        return int(np.partition(self._ranks, KEPT - 1)[KEPT - 1]) if self._room >= KEPT else 0xFFFFFFFF

    def _grow(self, size: int) -> None:
        more = size - len(self._keys)
        self._keys = np.concatenate([self._keys, np.zeros(more, dtype=np.uint64)])
        self._words = np.concatenate([self._words, np.zeros(more * WORDS, dtype=np.uint64)])
        self._sizes = np.concatenate([self._sizes, np.zeros(more, dtype=np.uint8)])
        self._rows = np.concatenate([self._rows, np.zeros(more, dtype=np.int64)])
        self._ranks = np.concatenate([self._ranks, np.zeros(more, dtype=np.uint32)])
        self._slots = np.full(1 << (_SLOTS * size - 1).bit_length(), NO_SHAPE, dtype=np.int32)
        index_shapes(self._keys, len(self), self._slots)


def shape_of(text: bytes) -> str:
    """The shape of one text."""
    signs = bytearray()
    run = 0
    for sign in text.translate(TABLE):
        run = run + 1 if signs and sign == signs[-1] else 1
        if run <= LONGEST_RUN or sign not in _LETTERS:
            signs.append(sign)
    return signs.decode("ascii")
