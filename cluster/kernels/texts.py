"""A column of a batch, in whatever Arrow type it comes, as distinct values with their counts."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cluster.connectors.interface import LogicalType
from cluster.detectors.joined import Bytes, Offsets, joined_bytes


@dataclass(frozen=True)
class Values:
    """Distinct non-null values with counts. `kind` says which of the profiles applies.

    rows, nulls, empties, unreadable: row counts; empties are blank texts and NaN, which are not among the values.
    truncated: rows whose text was cut to the limit before anything looked at it. bytes: size of the values that were
    looked at, texts in UTF-8 and others at their width, which is the same however the rows are cut into batches.
    joined: `joined_bytes` of distinct texts, where they are known.
    """

    kind: LogicalType
    distinct: pl.Series
    counts: pl.Series
    rows: int
    nulls: int
    empties: int = 0
    unreadable: int = 0
    truncated: int = 0
    bytes: int = 0
    joined: tuple[Bytes, Offsets] | None = None

    @property
    def looked_at(self) -> int:
        """Rows whose value was really looked at."""
        return self.rows - self.nulls - self.empties - self.unreadable


def values_of(array: pa.Array, text_limit: int) -> Values:
    """The values of an Arrow array of any type. Types without a meaning of their own become JSON text."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = logical_type(array.type)
    if pt.is_dictionary(array.type):
        array = array.dictionary_decode()
    rows, nulls = len(array), array.null_count
    if pt.is_null(array.type):
        return Values(kind, pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.UInt32), rows, rows)
    if kind in ("integer", "number"):
        return _numbers(kind, array, rows, nulls)
    if kind in ("date", "timestamp", "boolean"):
        return _counted(kind, pl.Series(_plain(array)), rows, nulls)
    unreadable = 0
    if kind == "binary":
        array, unreadable = _decoded(array)
    elif kind in ("nested", "unknown"):
        array, unreadable = _as_json(array)
    elif not _is_text(array.type):
        array = pc.cast(array, pa.large_string(), safe=False)
    return replace(_texts(kind, pl.Series(array), text_limit), rows=rows, nulls=nulls, unreadable=unreadable)


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


_BLANKS: Final = np.frombuffer(b" \t\r\n\x00", dtype=np.uint8)
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


def _numbers(kind: LogicalType, array: pa.Array, rows: int, nulls: int) -> Values:
    if kind == "integer":
        wide = pt.is_uint64(array.type)
        return _counted(kind, pl.Series(pc.cast(array, pa.uint64() if wide else pa.int64())), rows, nulls)
    series = pl.Series(pc.cast(array, pa.float64(), safe=False))
    empties = int(series.is_nan().sum() or 0)
    series = series.fill_nan(None)
    # Zero has two signs in IEEE 754 but is one value.
    series = series.zip_with((series != 0).fill_null(value=True), pl.Series([0.0]))
    values = _counted(kind, series, rows, nulls)
    return replace(values, empties=empties)


def _counted(kind: LogicalType, series: pl.Series, rows: int, nulls: int) -> Values:
    frame = series.alias("v").drop_nulls().value_counts(name="n")
    return Values(kind, frame["v"], frame["n"], rows, nulls, bytes=8 * (rows - nulls))


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


def _texts(kind: LogicalType, series: pl.Series, limit: int) -> Values:
    truncated = 0
    long = series.str.len_bytes() > limit
    if long.any():
        # A cell of many megabytes would otherwise be matched against every pattern; bytes first, as they are cheap.
        truncated = int((series.str.len_chars() > limit).sum() or 0)
        series = series.str.head(limit)
    frame = series.alias("v").drop_nulls().value_counts(name="n")
    distinct, counts = frame["v"], frame["n"]
    empties = 0
    joined = joined_bytes(distinct)
    blank = _blank(distinct, *joined)
    if blank.any():
        empties = int(counts.filter(blank).sum())
        distinct, counts = distinct.filter(~blank), counts.filter(~blank)
        joined = joined_bytes(distinct)
    size = int(np.dot(np.diff(joined[1]), counts.cast(pl.Int64).to_numpy()))
    return Values(kind, distinct, counts, 0, 0, empties=empties, truncated=truncated, bytes=size, joined=joined)


def _blank(texts: pl.Series, data: Bytes, offsets: Offsets) -> pl.Series:
    """Which texts are empty or white space: hardly any begin with it, and only those are looked at whole."""
    blank = offsets[:-1] == offsets[1:]
    begins = ~blank
    begins[begins] = np.isin(data[offsets[:-1][begins]], _BLANKS)
    if begins.any():
        blank[begins] = (texts.filter(pl.Series(begins)).str.strip_chars(" \t\r\n\x00").str.len_bytes() == 0).to_numpy()
    return pl.Series(blank)


def months_of(values: pl.Series) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """year * 12 + month - 1 of dates and timestamps."""
    return (values.dt.year().cast(pl.Int64) * 12 + values.dt.month().cast(pl.Int64) - 1).to_numpy()
