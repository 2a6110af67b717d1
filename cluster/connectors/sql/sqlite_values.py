"""The values in a range of a SQLite table: which types they have, as SQLite's types are of values, not of columns."""

from collections.abc import Callable
from typing import Any

from cluster.connectors.interface import LogicalType
from cluster.connectors.sql.database import Delivered, Survey

_MOST_TERMS = 200  # an expression may be 1000 deep
_LARGE = f"({{c}} > {2**53} OR {{c}} < {-(2**53)})"
_UNLIKE = 2
_INTEGERS = "max(CASE typeof({c}) WHEN 'integer' THEN 1 WHEN 'null' THEN 0 ELSE 2 END)"
_AS_DECLARED = {
    "integer": _INTEGERS,
    "boolean": _INTEGERS,
    "number": "max(CASE typeof({c}) WHEN 'real' THEN 1 WHEN 'null' THEN 0 WHEN 'integer' THEN 1 + "
    + _LARGE
    + " ELSE 2 END)",
}
"""Whether a column of such a declaration holds another value than it says, or one that a double does not hold."""
_HELD = (
    "max(typeof({c}) = 'text') + 2 * max(typeof({c}) = 'blob') + 4 * max(typeof({c}) = 'real')"
    f" + 8 * max(typeof({{c}}) = 'integer') + 16 * max(typeof({{c}}) = 'integer' AND {_LARGE})"
)
"""Which types a column holds, as bits; the last one is for integers that a double does not hold."""


def survey(columns: dict[str, LogicalType], run: Callable[[list[str]], list[Any]]) -> Survey:
    """How each column is delivered, and the most bytes that a row holds. `run` runs aggregates over the range."""
    numbers = [name for name, type_ in columns.items() if type_ in _AS_DECLARED]
    others = [name for name in columns if columns[name] not in _AS_DECLARED]
    plain = [_AS_DECLARED[columns[name]].format(c=quoted(name)) for name in numbers]
    found = run([*plain, *(f"max({sums})" for sums in lengths_of(others))])
    unlike = [name for name, test in zip(numbers, found, strict=False) if test == _UNLIKE]
    asked = [*unlike, *(name for name in others if columns[name] in ("binary", "unknown"))]
    lengths = [f"max({sums})" for sums in lengths_of(unlike)]
    more = run([*(_HELD.format(c=quoted(name)) for name in asked), *lengths])
    types: dict[str, Delivered] = dict.fromkeys(others, "string")
    types |= {name: "double" if columns[name] == "number" else "int64" for name in numbers}
    types |= {name: _delivered(columns[name], int(bits or 0)) for name, bits in zip(asked, more, strict=False)}
    sizes = [*found[len(numbers) :], *more[len(asked) :]]
    return Survey(types, 16 * len(columns) + sum(int(size or 0) for size in sizes))


def lengths_of(columns: list[str]) -> list[str]:
    """The bytes that a row has in the columns, in sums of so many terms as SQLite takes in one expression."""
    terms = [f"coalesce(length(CAST({quoted(name)} AS BLOB)), 0) + 8" for name in columns]
    return [" + ".join(terms[start : start + _MOST_TERMS]) for start in range(0, len(terms), _MOST_TERMS)]


def quoted(name: str) -> str:
    """A name as SQLite takes any."""
    return '"' + name.replace('"', '""') + '"'


def _delivered(type_: LogicalType, bits: int) -> Delivered:
    """How a column is delivered that holds such values: as what it was declared if all are that, else as text."""
    text, blob, real, integer, large = (bool(bits >> place & 1) for place in range(5))
    if not bits:
        return {"binary": "binary", "number": "double", "unknown": "string"}.get(type_, "int64")  # type: ignore[return-value]
    if blob and not (text or real or integer):
        return "binary"
    if text or blob or (real and large):
        return "string"
    return "double" if real or (type_ == "number" and not large) else "int64"
