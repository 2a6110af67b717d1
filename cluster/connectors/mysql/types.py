"""MySQL's types: what Sextant calls them, how the server is asked for them, and what they arrive as.

Types that nobody expected are cast to text by the server. A decimal with a fraction becomes double precision; without
one an integer if it fits; else text, since it may be a long number of a card or an account that must keep its digits.
"""

import re
from typing import NamedTuple

from cluster.connectors.interface import LogicalType
from cluster.formats.long_texts import LONGEST_TEXT

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_INT_DIGITS = 18
INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_LOGICAL: dict[str, LogicalType] = {
    **dict.fromkeys((*INTEGERS, "year", "bit"), "integer"),
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "string"),
    **dict.fromkeys(("uuid", "inet4", "inet6", "xmltype"), "string"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    "date": "date",
    "time": "time",  # from -838 to 838 hours: it arrives as text
    "json": "json",
}
SHAPES = (
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
)  # fmt: skip
_LONG = ("mediumtext", "longtext", "mediumblob", "longblob")
FORMS = {  # of a plan only these become SQL
    "plain": "{c}",
    "real": "{c} * 1e0",  # a float as it is would come with six digits only
    "bits": "{c} + 0",
    "cut": f"LEFT({{c}}, {LONGEST_TEXT})",
    "json": f"LEFT(CAST({{c}} AS CHAR), {LONGEST_TEXT})",
    "shape": "ST_AsText({c})",
    "text": "CAST({c} AS CHAR)",
}
"""How the server is asked; texts that are longer than any scan looks at are cut there."""
ARRIVALS = ("int64", "uint64", "double", "string", "binary", "date", "timestamp", "timestamptz")


class Reading(NamedTuple):
    """`form` is one of FORMS, `arrives` one of ARRIVALS."""

    form: str
    arrives: str


_READINGS: dict[str, Reading] = {
    **dict.fromkeys((*INTEGERS, "year"), Reading("plain", "int64")),
    **dict.fromkeys(("float", "double"), Reading("real", "double")),
    **{name: Reading("plain", kind) for name, kind in _LOGICAL.items() if kind in ("string", "binary")},
    **{name: Reading("cut", "binary" if "blob" in name else "string") for name in _LONG},
    **dict.fromkeys(SHAPES, Reading("shape", "string")),
    "bit": Reading("bits", "uint64"),
    "json": Reading("json", "string"),
    "date": Reading("plain", "date"),
    "time": Reading("plain", "string"),
    "datetime": Reading("plain", "timestamp"),
    "timestamp": Reading("plain", "timestamptz"),
}


def logical(type_: str) -> LogicalType:
    """Sextant's name of a type (`information_schema.columns.data_type`)."""
    return "string" if type_ in SHAPES else _LOGICAL.get(type_, "unknown")


def reading(type_: str, full: str) -> Reading:
    """How a column is read; `full` is its type as it was declared."""
    if type_ == "decimal":
        return Reading("plain", _decimal(full))
    if type_ == "bigint" and "unsigned" in full:
        return Reading("plain", "uint64")
    return _READINGS.get(type_, Reading("text", "string"))


def quoted(name: str) -> str:
    """A name as MySQL takes any."""
    return "`" + name.replace("`", "``") + "`"


def selected(name: str, form: str) -> str:
    """A column as it is read."""
    return f"{FORMS[form].format(c=quoted(name))} AS {quoted(name)}"


def hashed(name: str, form: str) -> str:
    """A column as a part of what its row is known by: its whole content, as bytes."""
    whole = {"cut": "{c}", "json": "CAST({c} AS CHAR)", "shape": "ST_AsWKB({c})"}.get(form, FORMS[form])
    value = f"CAST({whole.format(c=quoted(name))} AS BINARY)"
    return f"MD5({value})" if form in ("cut", "json", "shape") else value


def _decimal(full: str) -> str:
    found = _DECIMAL.match(full)
    if found is None:
        return "string"
    if int(found[2]):
        return "double"
    return "int64" if int(found[1]) <= _INT_DIGITS else "string"
