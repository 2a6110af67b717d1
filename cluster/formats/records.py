"""Where records end in delimited text: at a newline that is not inside a quoted field (RFC 4180, section 2).

A quote opens a field only at the field's beginning; one elsewhere is a character like any other (`5" disk`).
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

BLOCK = 8 << 20
# A record longer than this is cut: what looks like one is then a quote that was never closed.
LONGEST_RECORD = 64 << 20

Positions = npt.NDArray[np.int64]


def record_ends(block: bytes, delimiter: int, quote: int | None) -> Positions:
    """Offsets just behind every record's newline in a block that begins with a record."""
    data = np.frombuffer(block, dtype=np.uint8)
    newlines = np.flatnonzero(data == 10)
    if quote is None or quote not in block:
        return newlines + 1
    quotes = np.flatnonzero(data == quote)
    if _regular(data, quotes, delimiter, quote):
        before = np.searchsorted(quotes, newlines)
        return newlines[before % 2 == 0] + 1
    return np.fromiter(_walk(block, delimiter, quote), dtype=np.int64)


def cut_points(file: BinaryIO, start: int, size: int, target: int, delimiter: int, quote: int | None) -> list[int]:
    """Offsets that cut the bytes from `start` to `size` into ranges of about `target`, each beginning with a record.

    Reads the file once, in blocks; memory does not depend on its size.
    """
    points = [start]
    for offset, block in record_blocks(file, start, size, delimiter, quote):
        if offset - points[-1] >= target:
            points.append(offset)
        elif offset + len(block) - points[-1] > target:
            ends = record_ends(block, delimiter, quote)
            for _ in range(len(block) // target + 1):
                place = int(np.searchsorted(ends, points[-1] + target - offset))
                if place >= len(ends) or offset + int(ends[place]) >= size:
                    break
                points.append(offset + int(ends[place]))
    return [*points, size] if points[-1] < size else points


def record_blocks(
    file: BinaryIO, start: int, end: int, delimiter: int, quote: int | None, size: int = BLOCK
) -> Iterator[tuple[int, bytes]]:
    """The bytes from `start` to `end` as (offset, block) of whole records, each block about `size` bytes."""
    file.seek(start)
    offset, rest = start, b""
    while True:
        fresh = file.read(max(1, min(size, end - offset - len(rest)))) if offset + len(rest) < end else b""
        block = rest + fresh
        if not block:
            return
        last = len(block)
        if fresh and offset + len(block) < end:
            ends = record_ends(block, delimiter, quote)
            if len(ends):
                last = int(ends[-1])
            elif len(block) < LONGEST_RECORD:
                rest = block
                continue
        yield offset, block[:last]
        offset, rest = offset + last, block[last:]


def _regular(data: npt.NDArray[np.uint8], quotes: Positions, delimiter: int, quote: int) -> bool:
    """Whether every other quote opens a field and the ones between close it, so that counting them is enough."""
    opening, closing = quotes[::2], quotes[1::2]
    before = data[opening[opening > 0] - 1]
    after = data[closing[closing < len(data) - 1] + 1]
    outside = (delimiter, 10, 13, quote)
    return bool(np.isin(before, outside).all() and np.isin(after, outside).all())


def _walk(block: bytes, delimiter: int, quote: int) -> Iterator[int]:
    """The same, byte by byte between the bytes that matter: for text with quotes in odd places."""
    position, size, starts = 0, len(block), True
    opener, separator = bytes([quote]), bytes([delimiter])
    while position < size:
        if starts and block[position : position + 1] == opener:
            position = _behind_quoted(block, position + 1, opener)
        newline, cut = block.find(b"\n", position), block.find(separator, position)
        if newline < 0:
            return
        if 0 <= cut < newline:
            position, starts = cut + 1, True
            continue
        yield newline + 1
        position, starts = newline + 1, True


def _behind_quoted(block: bytes, position: int, opener: bytes) -> int:
    while True:
        close = block.find(opener, position)
        if close < 0:
            return len(block)
        if block[close + 1 : close + 2] != opener:
            return close + 1
        position = close + 2
