"""Shapes of values: letters become a or A, digits d, other signs stay. A shape shows the form and none of the content.

Runs of more than four letters are cut to four, so that names of different lengths share a shape; values of more than
48 bytes have none. Of many shapes the 48 with the smallest key are kept, where the key is a hash of the shape: a shape
that is among them in the whole is among them in every part, so that counts of the kept are exact, and merging is too.
"""

import hashlib
import heapq
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

KEPT: Final = 48
_LONGEST: Final = 48
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


def shapes_of(values: pl.Series, counts: pl.Series) -> dict[str, int]:
    """Counts by shape of distinct texts with their counts, cut to the kept ones."""
    short = (values.str.len_bytes() <= _LONGEST).fill_null(value=False)
    if not short.all():
        values, counts = values.filter(short), counts.filter(short)
    if not len(values):
        return {}
    frame = pl.DataFrame({"s": _masked(values), "n": counts.cast(pl.Int64)})
    grouped = frame.group_by("s").agg(pl.col("n").sum())
    grouped = (
        grouped.with_columns(pl.col("s").str.replace_all("A{5,}", "AAAA").str.replace_all("a{5,}", "aaaa"))
        .group_by("s")
        .agg(pl.col("n").sum())
    )
    return keep_shapes(dict(zip(grouped["s"].to_list(), grouped["n"].to_list(), strict=True)))


def keep_shapes(shapes: dict[str, int]) -> dict[str, int]:
    """The kept shapes of these, in the order of their text."""
    if len(shapes) > KEPT:
        shapes = {shape: shapes[shape] for shape in heapq.nsmallest(KEPT, shapes, key=_key)}
    return dict(sorted(shapes.items()))


@lru_cache(maxsize=4096)
def _key(shape: str) -> bytes:
    return hashlib.blake2b(shape.encode(), digest_size=8).digest()


def _masked(values: pl.Series) -> pl.Series:
    # One table look-up over the joined bytes of all values is many times faster than a regex a value.
    array = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    array = array.cast(pa.large_string())
    _, offsets, data = array.buffers()
    if data is None:
        return values
    masked = _TABLE[np.frombuffer(data, dtype=np.uint8)]
    rebuilt = pa.LargeStringArray.from_buffers(len(array), offsets, pa.py_buffer(masked), offset=array.offset)
    return pl.Series(rebuilt)
