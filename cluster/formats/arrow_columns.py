"""Columns of Arrow data as a scan takes them: plain types, and structs, lists and maps as JSON text."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.connectors.batches import UNREADABLE, in_calendar
from cluster.connectors.interface import LogicalType
from cluster.formats.names import unique

_KINDS: tuple[tuple[Any, LogicalType], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_time, "time"),
    (pa.types.is_string, "string"),
    (pa.types.is_large_string, "string"),
    (pa.types.is_string_view, "string"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_binary_view, "binary"),
    (pa.types.is_fixed_size_binary, "binary"),
    (pa.types.is_nested, "nested"),
    (pa.types.is_null, "string"),
)
_AS_IS = (
    pa.types.is_boolean, pa.types.is_integer, pa.types.is_float32, pa.types.is_float64, pa.types.is_decimal,
    pa.types.is_time, pa.types.is_string, pa.types.is_binary,
)  # fmt: skip


def logical(type_: pa.DataType) -> LogicalType:
    """Sextant's name of an Arrow type."""
    if pa.types.is_dictionary(type_):
        return logical(type_.value_type)
    if isinstance(type_, pa.ExtensionType):
        return "string" if type_.extension_name == "arrow.uuid" else logical(type_.storage_type)
    return next((name for test, name in _KINDS if test(type_)), "unknown")


def columns_of(schema: pa.Schema) -> list[tuple[str, pa.Field]]:
    """The columns of a schema by unique names."""
    return list(zip(unique(field.name for field in schema), schema, strict=True))


def plain(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    """The batch with its columns under `names` and every type a plain one.

    Times outside the years 1 to 9999 become null and are counted (see `cluster.connectors.batches`).
    """
    arrays, unreadable = [], {}
    for name, array in zip(names, batch.columns, strict=True):
        taken, lost = _plain(array)
        arrays.append(taken)
        if lost:
            unreadable[name] = lost
    metadata = {UNREADABLE: json.dumps(unreadable)} if unreadable else None
    schema = pa.schema([(name, array.type) for name, array in zip(names, arrays, strict=True)], metadata)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(array: pa.Array) -> tuple[pa.Array, int]:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if isinstance(array.type, pa.ExtensionType):
        if array.type.extension_name == "arrow.uuid":
            return _as_text(array), 0
        array = array.storage
    if any(test(array.type) for test in _AS_IS):
        return array, 0
    if pa.types.is_date(array.type) or pa.types.is_timestamp(array.type):
        return in_calendar(array)
    for test, target in _CASTS:
        if test(array.type):
            return pc.cast(array, target), 0
    return _as_text(array), 0


_CASTS: tuple[tuple[Any, pa.DataType], ...] = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_float16, pa.float32()),
    (pa.types.is_null, pa.string()),
)


def _as_text(array: pa.Array) -> pa.Array:
    def text(value: Any) -> str | None:
        if value is None:
            return None
        return (
            json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | tuple) else str(value)
        )

    return pa.array([text(value) for value in array.to_pylist()], pa.string())
