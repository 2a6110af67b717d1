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
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    array = array.cast(pa.large_string())
    _, places, data = array.buffers()
    if data is None or places is None:
        return np.zeros(0, dtype=np.uint8), np.zeros(len(array) + 1, dtype=np.int64)
    offsets = np.frombuffer(places, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]
