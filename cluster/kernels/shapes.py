"""Shapes of values: letters become a or A, digits d, other signs stay. A shape shows the form and none of the content.

Runs of more than four letters are cut to four, so that names of different lengths share a shape; values of more than
48 bytes have none. Of many shapes the 48 with the smallest key are kept, where the key is a hash of the shape: a shape
that is among them in the whole is among them in every part, so that counts of the kept are exact, and merging is too.
"""

import hashlib
import heapq
import re
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from cluster.detectors.joined import Bytes, Offsets, joined_bytes

KEPT: Final = 48
_LONGEST: Final = 48
_FEW: Final = 500
_RUN: Final = re.compile(r"([Aa])\1{4,}")
_SIGNS: Final = b" \t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def _table() -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    table = np.full(256, ord("?"), dtype=np.uint8)
    table[ord("A") : ord("Z") + 1] = ord("A")
    table[ord("a") : ord("z") + 1] = ord("a")
    table[ord("0") : ord("9") + 1] = ord("d")
    table[128:] = ord("a")  # the bytes of a letter beyond ASCII; other signs beyond ASCII cannot be told apart here
    for sign in _SIGNS:
        table[sign] = sign
    return table


_TABLE: Final = _table()


def shapes_of(values: pl.Series, counts: pl.Series, joined: tuple[Bytes, Offsets] | None = None) -> dict[str, int]:
    """Counts by shape of distinct texts with their counts, cut to the kept ones; `joined` are their `joined_bytes`."""
    data, offsets = joined_bytes(values) if joined is None else joined
    short = np.diff(offsets) <= _LONGEST
    if not short.all():
        chosen = pl.Series(short)
        values, counts = values.filter(chosen), counts.filter(chosen)
        data, offsets = joined_bytes(values)
    if not len(values):
        return {}
    frame = pl.DataFrame({"s": _masked(data, offsets), "n": counts.cast(pl.Int64)})
    grouped = frame.group_by("s").agg(pl.col("n").sum())
    if grouped.height > _FEW:
        grouped = (
            grouped.with_columns(pl.col("s").str.replace_all("A{5,}", "AAAA").str.replace_all("a{5,}", "aaaa"))
            .group_by("s")
            .agg(pl.col("n").sum())
        )
        return keep_shapes(dict(zip(grouped["s"].to_list(), grouped["n"].to_list(), strict=True)))
    shapes: dict[str, int] = {}
    for shape, rows in zip(grouped["s"].to_list(), grouped["n"].to_list(), strict=True):
        cut = _RUN.sub(r"\1\1\1\1", shape)
        shapes[cut] = shapes.get(cut, 0) + rows
    return keep_shapes(shapes)


def keep_shapes(shapes: dict[str, int]) -> dict[str, int]:
    """The kept shapes of these, in the order of their text."""
    if len(shapes) > KEPT:
        shapes = {shape: shapes[shape] for shape in heapq.nsmallest(KEPT, shapes, key=_key)}
    return dict(sorted(shapes.items()))


@lru_cache(maxsize=4096)
def _key(shape: str) -> bytes:
    return hashlib.blake2b(shape.encode(), digest_size=8).digest()


def _masked(data: Bytes, offsets: Offsets) -> pl.Series:
    # One table look-up over the joined bytes of all values is many times faster than a regex a value.
    masked = _TABLE[data]
    places = pa.py_buffer(np.ascontiguousarray(offsets))
    return pl.Series(pa.LargeStringArray.from_buffers(len(offsets) - 1, places, pa.py_buffer(masked)))
