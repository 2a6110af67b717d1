"""The columns of an Avro schema: the fields of its record, or one column for a schema of any other type."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cluster.connectors.interface import LogicalType
from cluster.formats.names import unique

if TYPE_CHECKING:
    import pyarrow as pa

_SIMPLE: dict[str, LogicalType] = {
    "null": "string", "boolean": "boolean", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "string": "string", "enum": "string", "bytes": "binary", "fixed": "binary",
}  # fmt: skip
_LOGICAL: dict[tuple[str, str], LogicalType] = {
    ("int", "date"): "date",
    ("int", "time-millis"): "time",
    ("long", "time-micros"): "time",
    **{
        ("long", f"{local}timestamp-{unit}"): "timestamp"
        for local in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    },
    ("bytes", "decimal"): "number",
    ("fixed", "decimal"): "number",
    ("string", "uuid"): "string",
    ("fixed", "uuid"): "string",
}
_UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}


@dataclass(frozen=True)
class Column:
    """A column; `schema` is of its values without null, None where they are of several types or nested."""

    name: str
    type: LogicalType
    physical_type: str
    nullable: bool
    schema: Any

    @property
    def arrow(self) -> "pa.DataType":
        """What its values arrive as."""
        import pyarrow as pa

        kind, special = _kind(self.schema), _special(self.schema)
        if self.schema is None or special in ("decimal", "uuid"):
            return pa.string()
        if special.startswith(("timestamp-", "local-timestamp-")):
            return pa.timestamp(_UNITS[special.rpartition("-")[2]], "UTC" if special.startswith("timestamp") else None)
        named = {"date": pa.date32(), "time-millis": pa.time32("ms"), "time-micros": pa.time64("us")}
        simple = {
            "boolean": pa.bool_(), "int": pa.int64(), "long": pa.int64(), "float": pa.float64(), "double": pa.float64(),
            "bytes": pa.binary(), "fixed": pa.binary(),
        }  # fmt: skip
        return named.get(special) or simple.get(kind, pa.string())

    def array(self, values: Sequence[Any]) -> "tuple[pa.Array, int]":
        """The values, and how many became null because no calendar or clock has them."""
        import pyarrow as pa

        from cluster.connectors.batches import in_calendar

        target = self.arrow
        if (text := self._text()) is not None:
            return pa.array([None if value is None else text(value) for value in values], target), 0
        if pa.types.is_time(target):
            milliseconds = target.bit_width == 32
            day = 86_400_000 if milliseconds else 86_400_000_000
            kept = [value if value is None or 0 <= value < day else None for value in values]
            return pa.array(kept, pa.int32() if milliseconds else pa.int64()).view(target), _more(kept, values)
        if pa.types.is_date(target) or pa.types.is_timestamp(target):
            stored = pa.int32() if pa.types.is_date(target) else pa.int64()
            return in_calendar(pa.array(values, stored).view(target))
        return pa.array(values, target), 0

    def _text(self) -> Callable[[Any], str] | None:
        """What makes text of a value, for the columns that arrive as text and are none."""
        if self.schema is None:
            return _json
        special = _special(self.schema)
        if special == "decimal":
            return lambda value: _decimal(value, int(self.schema.get("scale", 0)))
        return _uuid if special == "uuid" else None


def _more(kept: Sequence[Any], values: Sequence[Any]) -> int:
    """How many nulls came to those that were there."""
    return kept.count(None) - values.count(None)


def columns_of(schema: Any) -> list[Column]:
    """The columns by unique names."""
    if isinstance(schema, dict) and schema.get("type") == "record":
        fields = schema["fields"]
        names = unique(str(field["name"]) for field in fields)
        return [_column(name, field["type"]) for name, field in zip(names, fields, strict=True)]
    return [_column("value", schema)]


def plain_schema(schema: Any) -> Any:
    """The schema without logical types: numbers and bytes come as they are, also those that no calendar has."""
    if isinstance(schema, dict):
        return {key: plain_schema(value) for key, value in schema.items() if key != "logicalType"}
    return [plain_schema(part) for part in schema] if isinstance(schema, list) else schema


def _column(name: str, schema: Any) -> Column:
    options = schema if isinstance(schema, list) else [schema]
    given = [option for option in options if option != "null"]
    only = given[0] if len(given) == 1 else None if given else "null"
    kind = _kind(only)
    if only is None or kind not in _SIMPLE:
        nested = only is not None
        return Column(name, "nested" if nested else "unknown", _written(schema), "null" in options, None)
    type_ = _LOGICAL.get((kind, _special(only)), _SIMPLE[kind])
    return Column(name, type_, _written(schema), "null" in options, only)


def _kind(schema: Any) -> str:
    while isinstance(schema, dict):
        schema = schema.get("type")
    return schema if isinstance(schema, str) else ""


def _special(schema: Any) -> str:
    """The logical type of a schema, if it is one that its type may have."""
    found = str(schema.get("logicalType") or "") if isinstance(schema, dict) else ""
    return found if (_kind(schema), found) in _LOGICAL else ""


def _written(schema: Any) -> str:
    return schema if isinstance(schema, str) else json.dumps(schema)


def _decimal(value: bytes, scale: int) -> str:
    return str(Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale))


def _uuid(value: Any) -> str:
    return str(UUID(bytes=value)) if isinstance(value, bytes) else str(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_text)


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
