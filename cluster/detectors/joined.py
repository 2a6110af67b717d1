"""A column of texts as one run of bytes, for what numpy does to all values at once."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def joined_bytes(values: pl.Series) -> tuple[Bytes, Offsets]:
    """The UTF-8 bytes of all texts one after the other, and where each begins (one more offset ends the last).

    No value may be null. Text i is `data[offsets[i]:offsets[i + 1]]`; the first offset is 0.
    """
    array = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    return joined_array(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)


def joined_array(array: pa.Array) -> tuple[Bytes, Offsets]:
    """The same of an Arrow array of texts, whose bytes are not copied."""
    array = array.cast(pa.large_string())
    _, places, data = array.buffers()
    if data is None or places is None:
        return np.zeros(0, dtype=np.uint8), np.zeros(len(array) + 1, dtype=np.int64)
    offsets = np.frombuffer(places, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def texts_of(data: Bytes, offsets: Offsets) -> pl.Series:
    """The texts of `joined_bytes`."""
    buffers = pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(np.ascontiguousarray(data))
    return pl.Series(pa.LargeStringArray.from_buffers(len(offsets) - 1, *buffers))


def kept_bytes(data: Bytes, offsets: Offsets, kept: npt.NDArray[np.bool_]) -> tuple[Bytes, Offsets]:
    """The same texts without the bytes that are not kept."""
    if kept.all():
        return data, offsets
    return pl.Series(data).filter(pl.Series(kept)).to_numpy(), _rank(kept, offsets)


def _rank(chosen: npt.NDArray[np.bool_], places: Offsets) -> Offsets:
    """How many are chosen before each place: counted by words of 64, and within the last word by its bits."""
    packed = np.packbits(chosen, bitorder="little")
    words = np.zeros(len(chosen) // 64 + 1, dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    before = np.zeros(len(words), dtype=np.int64)
    np.cumsum(np.bitwise_count(words[:-1]), out=before[1:])
    word, bit = places >> 6, (places & 63).astype(np.uint64)
    within = np.bitwise_count(words[word] & ((np.uint64(1) << bit) - np.uint64(1)))
    return np.asarray(before[word] + within)
