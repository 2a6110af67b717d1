"""Cutting CSV bytes between records, exactly and in bounded memory.

A quote opens a quoted field only as its first byte, and within it two quotes stand for one (RFC 4180, section 2); any
other quote is an ordinary byte, as Python's and Arrow's readers have it. One rule is added so that a stray quote cannot
swallow a file: a quote that would open a field, but is followed by no other one for `LONGEST_QUOTED` bytes or up to the
end, is an ordinary byte, and so are the quotes after it on its line. Planner and reader cut by this same code.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LONGEST_QUOTED = 1 << 20
LONGEST_RECORD = 128 << 20
_NEWLINE, _RETURN = 10, 13
Positions = npt.NDArray[np.int64]


class Block(NamedTuple):
    """Whole records; `plain` if quotes in it are ordinary bytes."""

    data: bytes
    plain: bool


def blocks(parts: Iterator[bytes], delimiter: int, quote: int, block_bytes: int) -> Iterator[Block]:
    """The bytes in blocks of about `block_bytes`; only a record above `LONGEST_RECORD` is ever cut."""
    held = b""
    wanted = block_bytes
    for part in parts:
        held += part
        while len(held) >= wanted:
            cut, plain = last_cut(held[:LONGEST_RECORD], delimiter, quote, final=False)
            if not cut and len(held) < LONGEST_RECORD:
                wanted = min(LONGEST_RECORD, 2 * len(held))
                break
            cut = cut or LONGEST_RECORD
            block, held, wanted = Block(held[:cut], plain), held[cut:], block_bytes
            yield block
            del block  # it may be very long, and is not kept beside the next
    while held:
        cut, plain = last_cut(held, delimiter, quote, final=True)
        yield Block(held[:cut], plain)
        held = held[cut:]


def last_cut(data: bytes, delimiter: int, quote: int, *, final: bool) -> tuple[int, bool]:
    """Where the last record that certainly ends in `data` ends, and whether the quotes up to there are ordinary.

    `data` begins at a record; `final` says that the file ends with it. 0 if more bytes are needed.
    """
    array = np.frombuffer(data, np.uint8)
    quotes: Positions = np.flatnonzero(array == quote)
    if not len(quotes):
        return (len(data) if final else data.rfind(b"\n") + 1), False
    if _regular(array, quotes, delimiter, quote) and not (len(quotes) % 2 and _unclosed(data, quotes[-1], final)):
        if final:
            return len(data), False
        return _last_newline(data, quotes), False
    return _walk(data, [int(place) for place in quotes], delimiter, final)


def _regular(array: npt.NDArray[np.uint8], quotes: Positions, delimiter: int, quote: int) -> bool:
    """Whether every second quote opens a field or follows the one before it at once, so that parity tells the state."""
    opening = quotes[0::2]
    before = array[np.maximum(opening - 1, 0)]
    first = (before == delimiter) | (before == _NEWLINE) | (before == _RETURN) | (opening == 0)
    doubled = np.zeros(len(opening), bool)
    doubled[1:] = opening[1:] == quotes[1 : 2 * len(opening) - 1 : 2] + 1
    closing = quotes[1::2]
    return bool(np.all(first | doubled)) and bool(np.all(closing - opening[: len(closing)] <= LONGEST_QUOTED))


def _unclosed(data: bytes, opening: int, final: bool) -> bool:
    return final or len(data) - opening > LONGEST_QUOTED


def _last_newline(data: bytes, quotes: Positions) -> int:
    end = len(data)
    while (place := data.rfind(b"\n", 0, end)) >= 0:
        before = int(np.searchsorted(quotes, place))
        if before % 2 == 0:
            return place + 1
        end = int(quotes[before - 1])
    return 0


def _walk(data: bytes, quotes: list[int], delimiter: int, final: bool) -> tuple[int, bool]:
    """The same, quote by quote, for bytes with stray quotes."""
    starts = {delimiter, _NEWLINE, _RETURN}
    safe, index = 0, 0  # up to `safe` no quoted field is open at a newline that was passed
    cut = 0
    while index < len(quotes):
        opening = quotes[index]
        if opening and data[opening - 1] not in starts:
            index += 1
            continue
        cut = data.rfind(b"\n", safe, opening) + 1 or cut
        following, closing = _closing(data, quotes, index, final)
        if closing is None:
            if cut or following:
                return cut, False
            newline = data.find(b"\n", opening) + 1
            return (newline or (len(data) if final else 0)), True
        safe, index = closing + 1, following
    if final:
        return len(data), False
    return data.rfind(b"\n", safe) + 1 or cut, False


def _closing(data: bytes, quotes: list[int], index: int, final: bool) -> tuple[int, int | None]:
    """Index of the first quote after the field that quote `index` opens, and where the field closes.

    (0, None) if it never closes, (1, None) if more bytes are needed to know.
    """
    last, index = quotes[index], index + 1
    while index < len(quotes) and quotes[index] - last <= LONGEST_QUOTED:
        if index + 1 < len(quotes) and quotes[index + 1] == quotes[index] + 1:
            last, index = quotes[index + 1], index + 2
            continue
        return index + 1, quotes[index]
    known = index < len(quotes) or _unclosed(data, last, final)
    return (0 if known else 1), None
