"""Shapes of values: letters become a or A, digits d, other signs stay. A shape shows the form and none of the content.

Runs of more than four letters are cut to four, so that names of different lengths share a shape; values of more than
48 bytes have none. Of many shapes the 48 of the lowest rank are kept, where the rank is the shape's CRC-32, and between
equal ones the order of the text: a shape that is among them in the whole is among them in every part, so that counts of
the kept are exact, and merging is too.
"""

import zlib
from typing import Final

KEPT: Final = 48
LONGEST: Final = 48
LONGEST_RUN: Final = 4
_SIGNS: Final = b" \t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


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


def keep_shapes(shapes: dict[str, int]) -> dict[str, int]:
    """The kept shapes of these, in the order of their text."""
    if len(shapes) > KEPT:
        ranked = sorted(shapes, key=lambda shape: (zlib.crc32(shape.encode()), shape))
        shapes = {shape: shapes[shape] for shape in ranked[:KEPT]}
    return dict(sorted(shapes.items()))
