"""Where a CSV file can be cut into parts, without reading all of it where that can be proved.

Whether a newline ends a record is decided by the quotes before it, in general by all of them. But a quoted field has no
`LONGEST_QUOTED` bytes without a quote in it (see `csv_blocks`), so that a newline behind more bytes than that without a
quote ends a record, whatever came before. Where a part is to end, such a newline is looked for; only where there is
none, as in a file that quotes most of its cells, is the part read from its beginning.
"""

from collections.abc import Iterator

import numpy as np

from cluster.formats import csv_blocks
from cluster.formats.csv_blocks import blocks
from cluster.formats.layout import CHUNK, Content
from cluster.formats.streams import chunks


def ranges(
    content: Content, start: int, marks: tuple[int, int], target_bytes: int, least: int
) -> Iterator[tuple[int, int]]:
    """Byte ranges of whole records from `start` to the end, each of about `target_bytes`, the last up to half more.

    `start` is where a record begins, `marks` are delimiter and quote, `least` the fewest bytes looked at in one step.
    """
    while content.size - start > target_bytes * 3 // 2:
        end = _boundary(content, start, start + target_bytes, marks, least)
        yield start, end
        start = end
    if start < content.size:
        yield start, content.size


def _boundary(content: Content, start: int, wanted: int, marks: tuple[int, int], least: int) -> int:
    """The end of a record at or soon after `wanted`."""
    known = _proved(content, start, wanted, marks[1])
    place = start if known is None else known
    step = least if known is not None else min(CHUNK, max(least, (wanted - start) // 8))
    for block in blocks(chunks(content, place, size=step), *marks, step):
        place += len(block.data)
        if place >= wanted:
            return place
    return content.size


def _proved(content: Content, start: int, wanted: int, quote: int) -> int | None:
    """Where a record begins for certain, at most two quoted fields' length before `wanted`; None if nowhere."""
    longest = csv_blocks.LONGEST_QUOTED
    low = wanted - 2 * longest - 2
    if low <= start:
        return None
    data = content.read_at(low, wanted - low)
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == quote)
    edges = np.concatenate(([-1], quotes, [len(data)]))
    for gap in np.flatnonzero(np.diff(edges) > longest + 1)[::-1]:
        newline = data.rfind(b"\n", int(edges[gap]) + 1 + longest, int(edges[gap + 1]))
        if newline >= 0:
            return low + newline + 1
    return None
