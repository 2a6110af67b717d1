"""The loop that makes the shape of each text and looks its number up (`cluster.kernels.shapes`)."""

import numpy as np

from cluster.kernels.compiled import Byte, Int, Long, Nothing, Rank, Word, compiled, read, written
from cluster.kernels.shapes import LONGEST, LONGEST_RUN, TABLE

WORDS = LONGEST // 8
_SIGNS = np.frombuffer(TABLE, dtype=np.uint8)
_LETTER = np.isin(np.arange(256), list(b"aA")).astype(np.uint8)
_POLYNOMIAL = 0xEDB88320  # CRC-32 as in ISO 3309 and zlib, least significant bit first
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_ONE, _SHIFT = np.uint64(1), np.uint64(32)
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
    sign_word = np.empty(WORDS, dtype=np.uint64)
    signs = sign_word.view(np.uint8)
    mask = np.uint64(len(slots) - 1)
    for row in range(first, len(numbers)):
        start, end = offsets[row], offsets[row + 1]
        numbers[row] = -1
        if end - start > LONGEST:
            continue
        sign_word[:] = 0
        size, run, last = 0, 0, np.uint8(0)
        for at in range(start, end):
            sign = _SIGNS[data[at]]
            run = run + 1 if sign == last else 1
            last = sign
            signs[size] = sign
            # Runs of letters are cut: the next sign is then written over this one.
            size += run <= LONGEST_RUN or not _LETTER[sign]
        for left in range(size, min(size + 1, LONGEST)):
            signs[left] = 0
        key = seed
        for word in range((size + 7) >> 3):
            key = (key ^ sign_word[word]) * _FACTOR
            key ^= key >> _SHIFT
        place = key & mask
        while True:
            shape = slots[place]
            if shape < 0:
                break
            if keys[shape] == key and sizes[shape] == size:
                same = True
                for word in range(WORDS):
                    same &= words[shape * WORDS + word] == sign_word[word]
                if same:
                    break
            place = (place + _ONE) & mask
        if shape < 0:
            if state[0] == len(keys) and (state[0] < room or limit < 0):
                return row
            rank = _FULL
            for sign in signs[:size]:
                rank = (rank >> _EIGHT) ^ _CRC[(rank ^ sign) & _LOW]
            rank ^= _FULL
            if state[0] == room:
                if rank <= limit:
                    others[state[1]] = row
                    state[1] += 1
                continue
            shape = state[0]
            state[0] += 1
            slots[place], keys[shape], sizes[shape], ranks[shape] = shape, key, size, rank
            words[shape * WORDS : shape * WORDS + WORDS] = sign_word
        numbers[row] = shape
        rows[shape] += weights[row]
    return len(numbers)
