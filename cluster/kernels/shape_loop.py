"""The loop that makes the shape of each text and looks its number up (`cluster.kernels.shapes`)."""

import numpy as np

from cluster.kernels.compiled import Byte, Int, Long, Nothing, Rank, Word, compiled, read, written
from cluster.kernels.shapes import LONGEST, TABLE

WORDS = LONGEST // 8
_SIGNS = np.frombuffer(TABLE, dtype=np.uint8)
# Four of a letter as one number; for other signs what no four of them are.
_FOUR = np.where(np.isin(_SIGNS, list(b"aA")), _SIGNS.astype(np.uint32) * 0x01010101, 0xFFFFFFFF).astype(np.uint32)
_POLYNOMIAL = 0xEDB88320  # CRC-32 as in ISO 3309 and zlib, least significant bit first
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_NONE, _ONE, _SHIFT = np.uint64(0), np.uint64(1), np.uint64(32)
_FULL, _EIGHT, _LOW = np.uint32(0xFFFFFFFF), np.uint32(8), np.uint32(0xFF)


def _crc_table() -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_CRC = _crc_table()


@compiled(Nothing(read(Word), Long, written(Int)))
def index_shapes(keys, size, slots):  # type: ignore[no-untyped-def]
    """Enters the numbers of so many keys into a table of minus ones, a power of two of them."""
    mask = np.uint64(len(slots) - 1)
    for number in range(size):
        place = keys[number] & mask
        while slots[place] >= 0:
            place = (place + _ONE) & mask
        slots[place] = number


@compiled(
    Long(
        read(Byte), read(Long), read(Long), Long, Word, Long, Long,
        written(Int), written(Word), written(Word), written(Byte), written(Long), written(Rank),
        written(Int), written(Long), written(Long),
    )
)  # fmt: skip
def number_shapes(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0917
    data, offsets, weights, first, seed, room, limit,
    slots, keys, words, sizes, rows, ranks, numbers, others, state,
):  # fmt: skip
    """Writes the number of each text's shape from the row `first` on, -1 where it has none, and adds up its rows.

    `state` holds how many shapes there are and how many rows were written to `others`: those of shapes for which there
    is no room and whose rank (CRC-32) is not above the limit. Gives the row at which the arrays of shapes were too
    short for another one, or at which a limit was missing, or the number of texts.
    """
    found = np.zeros(WORDS + 1, dtype=np.uint64)
    signs = found.view(np.uint8)
    mask = np.uint64(len(slots) - 1)
    for row in range(first, len(numbers)):
        start, end = np.uint64(offsets[row]), np.uint64(offsets[row + 1])
        numbers[row] = -1
        if end - start > np.uint64(LONGEST):
            continue
        size, before = _NONE, np.uint32(0)
        for at in range(start, end):
            sign = _SIGNS[data[at]]
            signs[size] = sign
            # What repeats a letter for the fifth time is left out: what comes next is written over it.
            size += np.uint64(before != _FOUR[data[at]])
            before = np.uint32((before << _EIGHT) | np.uint32(sign))
        parts = (size + np.uint64(7)) >> np.uint64(3)
        for left in range(size, parts << np.uint64(3)):
            signs[left] = 0
        key = seed ^ size
        for part in range(parts):
            key = (key ^ found[part]) * _FACTOR
            key ^= key >> _SHIFT
        place = key & mask
        while True:
            shape = slots[place]
            if shape < 0:
                break
            if keys[shape] == key and sizes[shape] == size:
                same, base = True, np.uint64(shape) * np.uint64(WORDS)
                for part in range(parts):
                    same &= words[base + part] == found[part]
                if same:
                    break
            place = (place + _ONE) & mask
        if shape < 0:
            if state[0] == len(keys) and (state[0] < room or limit < 0):
                return row
            rank = _FULL
            for sign in signs[:size]:
                rank = (rank >> _EIGHT) ^ _CRC[(rank ^ np.uint32(sign)) & _LOW]
            rank ^= _FULL
            if state[0] == room:
                if rank <= limit:
                    others[state[1]] = row
                    state[1] += 1
                continue
            shape = state[0]
            state[0] += 1
            slots[place], keys[shape], sizes[shape], ranks[shape] = shape, key, size, rank
            for part in range(parts):
                words[shape * WORDS + part] = found[part]
        numbers[row] = shape
        rows[shape] += weights[row]
    return len(numbers)
