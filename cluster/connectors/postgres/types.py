"""PostgreSQL's types: what Sextant calls them, and which of them the reader takes as they are.

All other types (arrays, ranges, geometry, enums, composites, types of extensions ...) are cast to text by the server,
which every type can be, so that a type nobody expected never fails.
"""

import re

from psycopg import sql

from cluster.connectors.interface import LogicalType

_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_INT8_DIGITS = 18
_FORMS = {  # of a plan only these become SQL
    "": "{0}",
    "text": "{0}::text AS {0}",
    "float8": "{0}::float8 AS {0}",
    "int8": "CASE WHEN {0} <> 'NaN' THEN {0}::int8 END AS {0}",  # an integer has no NaN, which every numeric may be
}
DIRECT: dict[str, LogicalType] = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "float4": "number",
    "float8": "number",
    "numeric": "number",
    "text": "string",
    "varchar": "string",
    "bpchar": "string",
    "name": "string",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "time": "time",
    "bytea": "binary",
    "json": "json",
    "jsonb": "json",
}
_AS_TEXT: dict[str, LogicalType] = {
    "char": "string",
    "citext": "string",
    "uuid": "string",
    "inet": "string",
    "cidr": "string",
    "macaddr": "string",
    "macaddr8": "string",
    "xml": "string",
    "bit": "string",
    "varbit": "string",
    "tsvector": "string",
    "interval": "string",
    "timetz": "time",
    "money": "number",
    "oid": "integer",
}


def logical(base: str, category: str) -> LogicalType:
    """Sextant's name of a base type; `category` is pg_type.typcategory."""
    if category in {"A", "C", "R"}:
        return "nested"
    if category == "E":
        return "string"
    return DIRECT.get(base) or _AS_TEXT.get(base) or "unknown"


def cast(base: str, builtin: bool, type_: str) -> str:
    """How a column is read: "" as it is, or the type that the server casts it to. `type_` is its type with modifiers.

    A numeric with decimals becomes double precision; without any, an integer if it fits; else text, since it may be a
    long number of a card or an account that must keep all its digits.
    """
    if not builtin or base not in DIRECT:
        return "text"
    if base != "numeric":
        return ""
    modifier = _NUMERIC.fullmatch(type_)
    if modifier is None or int(modifier[2]) < 0:
        return "text"
    if int(modifier[2]) > 0:
        return "float8"
    return "int8" if int(modifier[1]) <= _INT8_DIGITS else "text"


def selected(name: str, how: str) -> sql.Composed:
    """A column as it is read; `how` is what `cast` says of it."""
    return sql.SQL(_FORMS[how]).format(sql.Identifier(name))
