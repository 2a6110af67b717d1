"""A column of a batch, in whatever Arrow type it comes, as distinct values with their counts."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cluster.connectors.interface import LogicalType
from cluster.detectors.joined import Bytes, Offsets, joined_array, joined_bytes, texts_of
from cluster.kernels.loops import blank, different
from cluster.kernels.sketch import Hashes, Hashing

Counts = npt.NDArray[np.int64]
_HEAD: Final = 1_024
_MOSTLY: Final = 0.95


@dataclass(frozen=True)
class Values:
    """Distinct non-null values with counts. `kind` says which of the profiles applies.

    rows, nulls, empties, unreadable: row counts; empties are blank texts and NaN, which are not among the values.
    truncated: rows whose text was cut to the limit before anything looked at it. bytes: size of the values that were
    looked at, texts in UTF-8 and others at their width, which is the same however the rows are cut into batches.
    hashes: those of the distinct values, where they are known. joined: `joined_bytes` of distinct texts.
    """

    kind: LogicalType
    distinct: pl.Series
    counts: Counts
    rows: int
    nulls: int
    empties: int = 0
    unreadable: int = 0
    truncated: int = 0
    bytes: int = 0
    hashes: Hashes | None = None
    joined: tuple[Bytes, Offsets] | None = None

    @property
    def looked_at(self) -> int:
        """Rows whose value was really looked at."""
        return self.rows - self.nulls - self.empties - self.unreadable


def values_of(array: pa.Array, text_limit: int, hashing: Hashing) -> Values:
    """The values of an Arrow array of any type. Types without a meaning of their own become JSON text."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = logical_type(array.type)
    rows, nulls = len(array), array.null_count
    weights: Counts | None = None
    if pt.is_dictionary(array.type):
        array, weights = _used(array)
        nulls = array.null_count if weights is None else nulls
    if pt.is_null(array.type):
        return Values(kind, pl.Series([], dtype=pl.String), np.zeros(0, dtype=np.int64), rows, rows)
    if kind in ("integer", "number"):
        return _numbers(kind, array, rows, nulls, hashing)
    if kind in ("date", "timestamp", "boolean"):
        return _counted(kind, pl.Series(_plain(array)), rows, nulls, hashing)
    unreadable = 0
    if kind == "binary":
        array, unreadable = _decoded(array)
    elif kind in ("nested", "unknown"):
        array, unreadable = _as_json(array)
    elif not _is_text(array.type):
        array = pc.cast(array, pa.large_string(), safe=False)
    values = _texts(kind, pc.cast(array, pa.large_string()).drop_null(), weights, text_limit, hashing)
    return replace(values, rows=rows, nulls=nulls, unreadable=unreadable)


def _used(array: pa.DictionaryArray) -> tuple[pa.Array, Counts | None]:
    """The texts of a dictionary that are used, with their rows; of all other dictionaries the values row by row."""
    if not _is_text(array.type.value_type) or array.dictionary.null_count:
        return array.dictionary_decode(), None
    places = array.indices.drop_null().to_numpy(zero_copy_only=False)
    weights = np.bincount(places, minlength=len(array.dictionary))
    used = np.flatnonzero(weights)
    return (array.dictionary, weights) if len(used) == len(weights) else (array.dictionary.take(used), weights[used])


def logical_type(kind: pa.DataType) -> LogicalType:
    """The logical type of an Arrow type."""
    if pt.is_dictionary(kind):
        return logical_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return "json" if kind.extension_name == "arrow.json" else logical_type(kind.storage_type)
    for test, name in _TYPES:
        if test(kind):
            return name
    return "unknown"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind) or pt.is_binary_view(kind)
    )


_TYPES: Final[tuple[tuple[Any, LogicalType], ...]] = (
    (_is_text, "string"),
    (pt.is_integer, "integer"),
    (pt.is_floating, "number"),
    (pt.is_decimal, "number"),
    (pt.is_boolean, "boolean"),
    (pt.is_date, "date"),
    (pt.is_timestamp, "timestamp"),
    (pt.is_time, "time"),
    (pt.is_duration, "time"),
    (_is_bytes, "binary"),
    (pt.is_nested, "nested"),
    (pt.is_null, "unknown"),
)


def _plain(array: pa.Array) -> pa.Array:
    # Dates and timestamps of every unit and zone as microseconds, so that equal moments are equal values.
    if pt.is_date(array.type):
        return pc.cast(array, pa.date32(), safe=False)
    if pt.is_timestamp(array.type):
        return pc.cast(array, pa.timestamp("us", tz=array.type.tz), safe=False)
    return array


def _numbers(kind: LogicalType, array: pa.Array, rows: int, nulls: int, hashing: Hashing) -> Values:
    if kind == "integer":
        wide = pt.is_uint64(array.type)
        return _counted(kind, pl.Series(pc.cast(array, pa.uint64() if wide else pa.int64())), rows, nulls, hashing)
    series = pl.Series(pc.cast(array, pa.float64(), safe=False))
    empties = int(series.is_nan().sum() or 0)
    series = series.fill_nan(None)
    # Zero has two signs in IEEE 754 but is one value.
    series = series.zip_with((series != 0).fill_null(value=True), pl.Series([0.0]))
    values = _counted(kind, series, rows, nulls, hashing)
    return replace(values, empties=empties)


def _counted(kind: LogicalType, series: pl.Series, rows: int, nulls: int, hashing: Hashing) -> Values:
    distinct, counts, hashes = _distinct(series.drop_nulls(), hashing)
    return Values(kind, distinct, counts, rows, nulls, bytes=8 * (rows - nulls), hashes=hashes)


def _distinct(series: pl.Series, hashing: Hashing) -> tuple[pl.Series, Counts, Hashes | None]:
    """Different values with their counts, and with their hashes if those were needed; none may be null."""
    head = np.unique(hashing.registers_of(series.head(_HEAD)))
    if len(head) > _MOSTLY * min(_HEAD, len(series)):
        hashes = hashing.registers_of(series)
        in_order = np.sort(hashes)
        # Where all hashes differ so do the values, and sorting numbers costs less than grouping them.
        if (in_order[1:] != in_order[:-1]).all():
            return series, np.ones(len(series), dtype=np.int64), hashes
    frame = series.alias("v").value_counts(name="n")
    return frame["v"], frame["n"].cast(pl.Int64).to_numpy(), None


def _decoded(array: pa.Array) -> tuple[pa.Array, int]:
    """Bytes as UTF-8 text; what is none becomes null and is counted."""
    try:
        return pc.cast(pc.cast(array, pa.large_binary()), pa.large_string()), 0
    except pa.ArrowInvalid:
        texts = [_utf8(value) for value in array.to_pylist()]
        unreadable = sum(t is None for t in texts) - array.null_count
        return pa.array(texts, type=pa.large_string()), unreadable


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_json(array: pa.Array) -> tuple[pa.Array, int]:
    """Structures as JSON text; what cannot be turned into it becomes null and is counted."""
    texts: list[str | None] = []
    unreadable = 0
    for scalar in array:
        try:
            value = scalar.as_py()
            texts.append(None if value is None else json.dumps(value, default=str, ensure_ascii=False))
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            texts.append(None)
            unreadable += 1
    return pa.array(texts, type=pa.large_string()), unreadable


def _texts(kind: LogicalType, array: pa.Array, weights: Counts | None, limit: int, hashing: Hashing) -> Values:
    joined, truncated = joined_array(array), 0
    weights = np.ones(len(array), dtype=np.int64) if weights is None else weights
    if np.diff(joined[1]).max(initial=0) > limit:
        # A cell of many megabytes would otherwise be matched against every pattern; bytes first, as they are cheap.
        cut = pl.Series(array)
        truncated = int(weights[(cut.str.len_chars() > limit).to_numpy()].sum())
        joined = joined_bytes(cut.str.head(limit))
    distinct, counts, hashes, joined = _different(joined, weights, hashing)
    empties = 0
    flags = np.empty(len(counts), dtype=np.bool_)
    if blank(*joined, flags):
        empties = int(counts[flags].sum())
        distinct, counts, hashes = distinct.filter(pl.Series(~flags)), counts[~flags], hashes[~flags]
        joined = joined_bytes(distinct)
    size = int(np.dot(np.diff(joined[1]), counts))
    return Values(kind, distinct, counts, 0, 0, empties, 0, truncated, size, hashes, joined)


def _different(
    joined: tuple[Bytes, Offsets], weights: Counts, hashing: Hashing
) -> tuple[pl.Series, Counts, Hashes, tuple[Bytes, Offsets]]:
    """Different texts with their counts, hashes and joined bytes."""
    texts = texts_of(*joined)
    hashes = hashing.registers_of(texts)
    firsts, counts = np.empty(len(texts), dtype=np.int64), np.empty(len(texts), dtype=np.int64)
    slots = np.full(1 << (2 * len(texts)).bit_length(), -1, dtype=np.int32)
    found = different(*joined, hashes, weights, slots, firsts, counts)
    if found == len(texts):
        return texts, counts, hashes, joined
    firsts = firsts[:found]
    texts = texts.gather(pl.Series(firsts))
    return texts, counts[:found], hashes[firsts], joined_bytes(texts)


def months_of(values: pl.Series) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """year * 12 + month - 1 of dates and timestamps."""
    return (values.dt.year().cast(pl.Int64) * 12 + values.dt.month().cast(pl.Int64) - 1).to_numpy()
