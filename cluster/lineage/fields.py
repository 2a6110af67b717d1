"""Values made of parts, and the parts taken out of them again: structs, rows, documents, arrays of these.

An origin says where it stands in the value that is made (`Origin.at`), so that a field taken out later is known to come
from what was put in under that name, and from nothing beside it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from sqlglot import exp

from cluster.lineage.origins import Parts

EXTRACTS: Final = (exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar, exp.StructExtract)
DOCUMENTS: Final = frozenset({"json_build_object", "jsonb_build_object", "json_object"})
# What a value of parts goes through with its parts as they are: texts of documents, rows of arrays.
SHAPED: Final = (
    exp.Explode, exp.ExplodeOuter, exp.Posexplode, exp.PosexplodeOuter, exp.Inline, exp.Unnest, exp.ParseJSON,
    exp.JSONFormat, exp.ToVariant, exp.Array,
)  # fmt: skip
SHAPED_NAMES: Final = frozenset({"to_json", "to_jsonb", "to_object", "to_array", "parse_json", "row_to_json"})
_STRUCT: Final = re.compile(r"\s*(?:STRUCT|ROW)\s*[<(]", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:(?:lax|strict) +)?\$((?:\.[\w\"*]+|\[[^\]]*\])*)")
# Where the fields of a row have no names but places.
_BY_PLACE: Final = frozenset({"clickhouse", "trino", "presto", "athena"})


def members(node: exp.Expr, dialect: str) -> list[tuple[str, Any]] | None:
    """The named parts that an expression makes a value of; None if it makes none."""
    if isinstance(node, exp.Cast):
        return _typed(node)
    if isinstance(node, exp.Struct):
        return [(_name(each, place, dialect), _content(each)) for place, each in enumerate(node.expressions)]
    pairs: list[tuple[Any, Any]] | None = None
    if isinstance(node, exp.JSONObject) and all(isinstance(each, exp.JSONKeyValue) for each in node.expressions):
        pairs = [(each.this, each.expression) for each in node.expressions]
    elif isinstance(node, exp.Anonymous) and node.name.lower() in DOCUMENTS:
        pairs = list(zip(node.expressions[::2], node.expressions[1::2], strict=False))
    elif isinstance(node, exp.VarMap) and isinstance(node.args.get("keys"), exp.Array):
        pairs = list(zip(node.args["keys"].expressions, node.args["values"].expressions, strict=False))
    return _literally(pairs) if pairs is not None else None


def alike(node: exp.Expr, dialect: str) -> list[tuple[str, Any]]:
    """The parts of an array's structs, where others than the first go by their places; [] for any other value."""
    if not isinstance(node, exp.Array) or not all(isinstance(each, exp.Struct) for each in node.expressions):
        return []
    found = [members(each, dialect) or [] for each in node.expressions]
    names = [name for name, _ in found[0]] if found else []
    if any(len(parts) != len(names) for parts in found):
        return []
    same = [{name.lower() for name, _ in parts} == {name.lower() for name in names} for parts in found]
    return [
        (own if known else name, part)
        for parts, known in zip(found, same, strict=True)
        for name, (own, part) in zip(names, parts, strict=True)
    ]


def _typed(node: exp.Cast) -> list[tuple[str, Any]] | None:
    """A row whose type names its fields."""
    inner = node.this.unnest() if isinstance(node.this, exp.Paren) else node.this
    kinds = [each for each in node.to.expressions if isinstance(each, exp.ColumnDef)]
    if not isinstance(inner, exp.Struct) or len(kinds) != len(inner.expressions):
        return None
    return [(kind.name, _content(each)) for kind, each in zip(kinds, inner.expressions, strict=True)]


def _literally(pairs: list[tuple[Any, Any]]) -> list[tuple[str, Any]] | None:
    """Pairs of key and value, where each key is a text; else nobody knows the keys."""
    return [(key.name, value) for key, value in pairs] if all(key.is_string for key, _ in pairs) else None


def _content(node: Any) -> Any:
    return node.expression if isinstance(node, exp.PropertyEQ) else node.unalias()


def _name(node: Any, place: int, dialect: str) -> str:
    if isinstance(node, exp.PropertyEQ):
        return str(node.this.name)
    named = node.alias_or_name if isinstance(node, exp.Alias | exp.Column) else ""
    return named if named and dialect not in _BY_PLACE else str(place + 1)


def taken(node: exp.Expr) -> tuple[Any, Parts] | None:
    """The value that an expression takes a part of, and the path to it; None if it takes none that is known."""
    path: list[str] = []
    first = node
    while True:
        if isinstance(node, EXTRACTS):
            keys = _keys(node.expression)
        elif isinstance(node, exp.Bracket) and len(node.expressions) == 1:
            keys = [node.expressions[0].name] if node.expressions[0].is_string else _place(node.expressions[0])
        elif isinstance(node, exp.Paren) and node is not first:
            keys = []
        else:
            return (node, tuple(path)) if node is not first else None
        if keys is None:
            return None
        path[:0] = keys
        node = node.this


def _place(node: Any) -> list[str] | None:
    """An element of an array by its number has no name: its parts are those of all of them."""
    return [] if isinstance(node, exp.Literal) else None


def _keys(node: Any) -> list[str] | None:
    if isinstance(node, exp.JSONPath):
        return list(_steps(node))
    if isinstance(node, exp.Literal) and node.is_string:
        text = str(node.this)
        if text.startswith("{"):
            return [each.strip() for each in text[1:-1].split(",")]
        steps = _PATH.fullmatch(text)
        return re.findall(r"[^.\[\]\"*]+", steps[1]) if steps is not None else [text]
    return None


def _steps(path: exp.JSONPath) -> Iterator[str]:
    for each in path.expressions:
        if isinstance(each, exp.JSONPathKey) and isinstance(each.this, str):
            yield each.this


def declared(kind: str, path: Parts = ()) -> list[tuple[str, str]]:
    """The names and types of a struct's fields by its type, or of the struct in it that a path leads to; else []."""
    opened = _STRUCT.match(kind)
    if opened is None:
        return []
    found: list[tuple[str, str]] = []
    depth, start = 0, opened.end()
    for place in range(start, len(kind)):
        mark = kind[place]
        if depth == 0 and mark in ",>)":
            name, _, of = kind[start:place].strip().replace(":", " ", 1).partition(" ")
            found.append((name.strip('`"'), of.strip()))
            start = place + 1
            if mark != ",":
                break
        depth += (mark in "<([") - (mark in ">)]")
    if not path:
        return [field for field in found if field[0] and field[1]]
    inner = next((of for name, of in found if name.lower() == path[0].lower()), "")
    return declared(inner, path[1:])
