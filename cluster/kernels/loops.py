"""Loops over joined bytes of texts (`cluster.detectors.joined`): which differ, which are blank; and over bits."""

import numpy as np

from cluster.kernels.compiled import Byte, Flag, Int, Long, Nothing, Word, compiled, read, written

_BLANK = np.isin(np.arange(256), list(b" \t\r\n\x00"))
_ONE = np.uint64(1)


@compiled(Long(read(Byte), read(Long), read(Word), read(Long), written(Int), written(Long), written(Long)))
def different(data, offsets, hashes, weights, slots, firsts, counts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Writes the places of texts that are like none before, and the weight of all that are like each; how many differ.

    `slots` is a table of minus ones, a power of two of them and more than there are texts.
    """
    mask, found = np.uint64(len(slots) - 1), 0
    for row in range(len(hashes)):
        place = hashes[row] & mask
        while True:
            group = slots[place]
            if group < 0:
                slots[place], firsts[found], counts[found] = found, row, weights[row]
                found += 1
                break
            other = firsts[group]
            size = offsets[row + 1] - offsets[row]
            if hashes[other] == hashes[row] and offsets[other + 1] - offsets[other] == size:
                at, before, same = offsets[row], offsets[other], 0
                while same < size and data[at + same] == data[before + same]:
                    same += 1
                if same == size:
                    counts[group] += weights[row]
                    break
            place = (place + _ONE) & mask
    return found


@compiled(Long(read(Byte), read(Long), written(Flag)))
def blank(data, offsets, flags):  # type: ignore[no-untyped-def]
    """Flags texts that are empty or white space; how many."""
    found = 0
    for row in range(len(flags)):
        at = offsets[row]
        while at < offsets[row + 1] and _BLANK[data[at]]:
            at += 1
        flags[row] = at == offsets[row + 1]
        found += flags[row]
    return found


@compiled(Nothing(read(Byte), Long, written(Long)))
def count_bits(bits, width, counts):  # type: ignore[no-untyped-def]
    """Adds to the count of each bit in how many rows of so many bytes it is set."""
    for place in range(len(bits)):
        byte = bits[place]
        if byte:
            first = place % width * 8
            for bit in range(8):
                counts[first + bit] += byte >> bit & 1


@compiled(Nothing(read(Byte), Long, written(Long), written(Long)))
def spread(bits, width, ends, rows):  # type: ignore[no-untyped-def]
    """Writes to `rows` in which rows of so many bytes each bit is set, one bit after the other.

    `ends` says where the rows of each bit begin, and then where they end.
    """
    for place in range(len(bits)):
        byte = bits[place]
        if byte:
            row, first = place // width, place % width * 8
            for bit in range(8):
                if byte >> bit & 1:
                    rows[ends[first + bit]] = row
                    ends[first + bit] += 1
