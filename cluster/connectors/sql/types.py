"""What Sextant calls the types of columns as SQLAlchemy reflects them."""

from typing import Any

from sqlalchemy import types

from cluster.connectors.interface import LogicalType

_KINDS: tuple[tuple[Any, LogicalType], ...] = (
    (types.Boolean, "boolean"),
    (types.Integer, "integer"),
    (types.Numeric, "number"),
    (types.DateTime, "timestamp"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types.JSON, "json"),
    (types.String, "string"),
    (types.LargeBinary, "binary"),
    (types.Uuid, "string"),
    (types.ARRAY, "nested"),
)


def logical(type_: types.TypeEngine[object]) -> LogicalType:
    """Sextant's name of a reflected type; unknown where a column was declared without one."""
    return next((name for kind, name in _KINDS if isinstance(type_, kind)), "unknown")
