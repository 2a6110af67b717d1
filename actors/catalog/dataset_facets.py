"""What the facets of a dataset say of it, read without trust: what has not the form of the specification says nothing.

Formats: schema 1-2-0, documentation 1-1-0, ownership 1-0-1, tags 1-0-0, storage 1-0-1, dataSource 1-0-1, version 1-0-1,
datasetType 1-0-0, lifecycleStateChange 1-0-1. `_deleted: true` takes a facet back, as the specification says.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from actors.catalog.quality_facets import SIZES, sizes
from cluster.connectors.interface import LogicalType

MOST_COLUMNS: Final = 10_000
MOST_WORDS: Final = 200  # owners, and tags
DEEPEST: Final = 20
LONGEST: Final = 10_000
STATES: Final = ("ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE")
Value = dict[str, Any]
_TYPES: Final[tuple[tuple[LogicalType, str], ...]] = (
    ("nested", r"struct|record|row\b|array|list|map|nested|multiset|union"),
    ("boolean", r"bool|bit\b"),
    ("timestamp", r"timestamp|datetime|instant"),
    ("date", r"date"),
    ("time", r"time"),
    ("json", r"json|variant|super\b"),
    ("integer", r"(tiny|small|medium|big|unsigned )?(int|integer)\d*\b|u?int\d+|long|short|byte\b|u?hugeint|serial"),
    ("number", r"float|double|decimal|numeric|number|real|money|bignumeric|half"),
    ("binary", r"binary|varbinary|bytea|bytes|blob|fixed|image"),
    ("string", r"string|(n|var|long)*char|n?text|character|utf8|clob|uuid|enum|symbol"),
)  # fmt: skip
_KNOWN: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _TYPES)


class Statement(NamedTuple):
    """What one facet says; a value of None takes back what it said before."""

    facet: str
    value: Value | None


def statements(told: Mapping[str, Any]) -> Iterator[Statement]:
    """What the facets of a dataset say, by the name of the facet; those that nobody here knows are passed over."""
    for facet, read in _READERS.items():
        body = told.get(facet)
        if not isinstance(body, dict):
            continue
        if body.get("_deleted") is True:
            yield Statement(facet, None)
        elif (value := read(body)) is not None:
            yield Statement(facet, value)


def logical(type_: str) -> LogicalType:
    """The logical type that a type of any engine is, by the words that engines use; "unknown" where none is."""
    text = type_.strip().lower()
    return next((kind for kind, pattern in _KNOWN if pattern.match(text)), "unknown")


def _text(value: Any, most: int = LONGEST) -> str | None:
    return (value.strip()[:most] or None) if isinstance(value, str) else None


def _parts(value: Any, most: int) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)][:most] if isinstance(value, list) else []


def _schema(body: Value) -> Value | None:
    """Columns by name in their order. A field of a struct is a column too: `address.city` behind `address`."""
    if "fields" not in body:
        return None
    fields: dict[str, Value] = {}
    for name, field in _fields(body["fields"], "", 0):
        if len(fields) >= MOST_COLUMNS:
            break
        told = {"type": _text(field.get("type"), 500), "description": _text(field.get("description"))}
        fields.setdefault(name, told | {"ordinal": len(fields)})
    return {"fields": fields}


def _fields(value: Any, before: str, depth: int) -> Iterator[tuple[str, Value]]:
    for field in _parts(value, MOST_COLUMNS):
        name = field.get("name")
        if isinstance(name, str) and 0 < len(before + name) <= 1_000:
            yield before + name, field
            if depth < DEEPEST:
                yield from _fields(field.get("fields"), f"{before}{name}.", depth + 1)


def _documentation(body: Value) -> Value | None:
    text = _text(body.get("description"))
    return {"description": text, "content_type": _text(body.get("contentType"), 200)} if text else None


def ownership_of(body: Value) -> list[Value]:
    """The owners that a facet of a dataset or job names."""
    return [
        {"name": name, "type": _text(owner.get("type"), 200)}
        for owner in _parts(body.get("owners"), MOST_WORDS)
        if (name := _text(owner.get("name"), 200))
    ]


def _ownership(body: Value) -> Value | None:
    return {"owners": ownership_of(body)} if "owners" in body else None


def tags_of(body: Value) -> list[Value]:
    """The tags of a facet of a dataset, job or run. `name` is the key, with the value behind it if that says more."""
    found = []
    for tag in _parts(body.get("tags"), MOST_WORDS):
        key, value = _text(tag.get("key"), 200), _text(tag.get("value"), 200)
        if key:
            name = key if value is None or value.lower() == "true" else f"{key}:{value}"
            source, field = _text(tag.get("source"), 200), _text(tag.get("field"), 1_000)
            found.append({"name": name, "key": key, "value": value, "source": source, "field": field})
    return found


def _tags(body: Value) -> Value | None:
    return {"tags": tags_of(body)} if "tags" in body else None


def _storage(body: Value) -> Value | None:
    layer, file_format = _text(body.get("storageLayer"), 100), _text(body.get("fileFormat"), 100)
    return {"storage_layer": layer, "file_format": file_format} if layer or file_format else None


def _data_source(body: Value) -> Value | None:
    """Where it lies. Addresses of JDBC carry passwords: of a URI the user and all parameters are left out."""
    name, uri = _bare(_text(body.get("name"), 1_000)), _bare(_text(body.get("uri"), 1_000))
    return {"name": name, "uri": uri} if name or uri else None


def _bare(uri: str | None) -> str | None:
    return re.sub(r"(?<=//)[^/]*@", "", re.split(r"[?;#]", uri, maxsplit=1)[0]) if uri else None


def _version(body: Value) -> Value | None:
    version = _text(body.get("datasetVersion"), 500)
    return {"version": version} if version else None


def _dataset_type(body: Value) -> Value | None:
    kind = _text(body.get("datasetType"), 100)
    return {"type": kind.upper(), "sub_type": _text(body.get("subType"), 100)} if kind else None


def _lifecycle(body: Value) -> Value | None:
    state, previous = body.get("lifecycleStateChange"), body.get("previousIdentifier")
    if state not in STATES:
        return None
    value: Value = {"state": state}
    if state == "RENAME" and isinstance(previous, dict):
        namespace, name = _text(previous.get("namespace"), 2_000), _text(previous.get("name"), 2_000)
        if namespace and name:
            value["previous"] = {"namespace": namespace, "name": name}
    return value


_READERS: Final[Mapping[str, Callable[[Value], Value | None]]] = {
    "schema": _schema, "documentation": _documentation, "ownership": _ownership, "tags": _tags, "storage": _storage,
    "dataSource": _data_source, "version": _version, "datasetType": _dataset_type, "lifecycleStateChange": _lifecycle,
    **dict.fromkeys(SIZES, sizes),
}  # fmt: skip
