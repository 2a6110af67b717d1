"""Data contracts in the Open Data Contract Standard 3.1: read, turned into tests, held against assets, written.

A contract is kept whole as it came. What of it can be checked here is checked: fields with their logical types and the
options of these, required, unique and primary keys, quality rules of type library and sql (`odcs_rules`), the SLA
properties frequency, latency and freshness. All else that says something of the data is named as unsupported, never
passed over in silence: other rules, keys of several columns, relationships, and what is nested in a property.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

import yaml

from actors.catalog.odcs_rules import Rule, as_quality, of_type, rules
from cluster.errors import InvalidInput
from cluster.packs import NOT_YAML, WithoutAliases

VERSIONS: Final = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
DEEPEST: Final = 30
MOST: Final = 10**300  # what a number of the contract may be
_BESIDE: Final = ("relationships", "properties", "items", "map", "vector")  # of a schema object or a property
# The logical types of ODCS, and the types of columns that are such.
LOGICAL: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"string", "json"}), "date": frozenset({"date", "timestamp"}),
    "timestamp": frozenset({"timestamp"}), "time": frozenset({"time"}),
    "number": frozenset({"number", "integer"}), "integer": frozenset({"integer"}),
    "boolean": frozenset({"boolean"}), "object": frozenset({"nested", "json"}), "array": frozenset({"nested", "json"}),
}  # fmt: skip
BACK: Final = {
    "string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp", "time": "time", "json": "object", "nested": "object",
}  # fmt: skip


class Field(NamedTuple):
    name: str
    logical: str | None
    required: bool
    unique: bool


class Terms(NamedTuple):
    """What can be checked of a contract's schema object."""

    name: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    most_hours: float | None
    unsupported: tuple[str, ...]


class _Loader(WithoutAliases):
    """YAML whose dates stay text."""


# A date stays the text that it is, so that the contract can be kept as JSON.
_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parsed(text: str) -> dict[str, Any]:
    """The contract in a text of YAML or JSON. Raises InvalidInput that names what is not as ODCS says."""
    try:
        body = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without aliases
    except NOT_YAML:
        raise InvalidInput("The text is neither YAML nor JSON, or holds aliases.", "Correct it.") from None
    if not isinstance(body, dict) or body.get("kind") != "DataContract":
        raise InvalidInput("The text is no data contract: `kind` is not DataContract.", "Send an ODCS document.")
    if body.get("apiVersion") not in VERSIONS:
        raise InvalidInput("The version of ODCS is not one that is read.", f"Read are: {', '.join(VERSIONS)}.")
    for name in ("id", "version"):
        if not isinstance(body.get(name), str) or not 0 < len(body[name]) <= 200:
            raise InvalidInput(f"The {name} of the contract is missing, long, or no text.", "Write it in quotes.")
    if not isinstance(body.get("status"), str) or not 0 < len(body["status"]) <= 100:
        raise InvalidInput("The contract has no status, or a long one.", "Give it one, such as draft or active.")
    if not isinstance(body.get("schema"), list) or not all(isinstance(each, dict) for each in body["schema"]):
        raise InvalidInput("The contract has no schema.", "List its objects under `schema`.")
    _plain(body)
    _shaped(body)
    return body


def _shaped(body: Mapping[str, Any]) -> None:
    """Raises InvalidInput that says which part of the contract is not the list, or lacks the name, that ODCS wants."""
    _objects(body, "slaProperties", "")
    for place, told in enumerate(body["schema"]):
        at = f"schema[{place}]."
        _objects(told, "quality", at)
        for number, one in enumerate(_objects(told, "properties", at)):
            inside = f"{at}properties[{number}]"
            if not isinstance(one.get("name"), str) or not one["name"]:
                raise InvalidInput(f"{inside} has no name.", "Give it one.")
            _objects(one, "quality", f"{inside}.")


def _objects(holder: Mapping[str, Any], name: str, at: str) -> list[dict[str, Any]]:
    told = holder.get(name)
    if told is None:
        return []
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise InvalidInput(f"{at}{name} is no list of objects.", "Write it as ODCS says.")
    return told


def _plain(value: Any, depth: int = 0) -> None:
    """Raises InvalidInput for what JSON has no form for, and for nesting beyond reason."""
    if depth > DEEPEST:
        raise InvalidInput("The contract is nested too deeply.", "Flatten it.")
    if isinstance(value, dict):
        for key, held in value.items():
            if not isinstance(key, str):
                raise InvalidInput("A key of the contract is no text.", "Quote it.")
            _plain(held, depth + 1)
    elif isinstance(value, list):
        for held in value:
            _plain(held, depth + 1)
    elif isinstance(value, int | float) and (not isfinite(value) if isinstance(value, float) else abs(value) > MOST):
        raise InvalidInput("The contract holds a number out of range.", "Correct it.")
    elif not isinstance(value, str | int | float | bool | None):
        raise InvalidInput("The contract holds a value that JSON has no form for.", "Quote it.")


def terms(body: Mapping[str, Any], schema_name: str | None = None) -> Terms:
    """What can be checked of one of its objects, the first if none is named. Raises InvalidInput if it has none."""
    objects = [each for each in body["schema"] if schema_name is None or each.get("name") == schema_name]
    if not objects or not isinstance(objects[0].get("name"), str):
        raise InvalidInput("The contract's schema has no such object.", "Name one of its objects.")
    chosen = objects[0]
    properties = [each for each in chosen.get("properties") or () if isinstance(each, dict)]
    made: list[Rule] = []
    unsupported: list[str] = []
    for column, holder in (("", chosen), *((_column(each), each) for each in properties)):
        for told in holder.get("quality") or ():
            found = list(rules(column, told)) if isinstance(told, dict) else []
            made += found
            if not found:
                unsupported.append(_label(column, told))
        if column:
            typed, others = of_type(column, holder)
            made += typed
            unsupported += others
        beside = [name for name in _BESIDE if holder.get(name) and (column or name != "properties")]
        unsupported += [f"{column or 'schema'}: {name}" for name in beside]
    keys = [each for each in properties if each.get("primaryKey") is True]
    if len(keys) > 1:
        unsupported.append("schema: primary key of several columns")
    most, others = _freshness(body)
    fields = tuple(_field(each, alone=len(keys) == 1) for each in properties)
    return Terms(chosen["name"], fields, tuple(made), most, (*unsupported, *others))


def _column(told: Mapping[str, Any]) -> str:
    return str(told.get("physicalName") or told.get("name") or "")


def _field(told: Mapping[str, Any], *, alone: bool) -> Field:
    """A column that is one of several of a key need not be unique by itself."""
    key = told.get("primaryKey") is True
    logical = told.get("logicalType")
    return Field(
        _column(told), logical if isinstance(logical, str) else None, key or told.get("required") is True,
        (key and alone) or told.get("unique") is True,
    )  # fmt: skip


def _label(column: str, told: Any) -> str:
    kind = told.get("type", "library") if isinstance(told, dict) else "?"
    name = (told.get("metric") or told.get("rule") or told.get("name") or "") if isinstance(told, dict) else ""
    return f"{column or 'schema'}: {kind} {name}".strip()[:200]


_HOURS: Final = {"h": 1, "hr": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24, "m": 1 / 60, "min": 1 / 60,
                 "minutes": 1 / 60, "w": 168, "weeks": 168}  # fmt: skip


def _freshness(body: Mapping[str, Any]) -> tuple[float | None, list[str]]:
    most: float | None = None
    others: list[str] = []
    for told in body.get("slaProperties") or ():
        name = str(told.get("property", "")) if isinstance(told, dict) else ""
        value, unit = (told.get("value"), str(told.get("unit", "d"))) if isinstance(told, dict) else (None, "")
        fits = name in {"frequency", "latency", "freshness"} and isinstance(value, int | float) and unit in _HOURS
        if fits:
            hours = float(value) * _HOURS[unit]  # type: ignore[arg-type]
            most = hours if most is None else min(most, hours)
        else:
            others.append(f"SLA: {name}"[:200])
    return most, others


def schema_result(held: Terms, columns: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """(missing, duplicate, mismatching) fields of a contract against the columns of an asset, by name and type."""
    names = [each.name for each in held.fields]
    missing = [name for name in dict.fromkeys(names) if name not in columns]
    duplicate = sorted({name for name in names if names.count(name) > 1})
    mismatching = [
        each.name
        for each in held.fields
        if each.name in columns and columns[each.name] not in LOGICAL.get(each.logical or "", {columns[each.name]})
    ]
    return missing, duplicate, mismatching


def written(
    *, identifier: str, name: str, version: str, description: str | None, owner: str | None,
    columns: list[dict[str, Any]], rules: list[Rule],
) -> dict[str, Any]:  # fmt: skip
    """A draft of a contract of an asset that has none, from what the catalog knows."""
    by_column: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        told = as_quality(rule)
        if told is not None:
            by_column.setdefault(rule.column, []).append(told)
    keys = [each["name"] for each in columns if each["primary_key"]]
    properties = [
        {key: value for key, value in {
            "name": each["name"], "logicalType": BACK.get(each["type"]), "physicalType": each["physical_type"],
            "required": not each["nullable"], "primaryKey": each["primary_key"],
            "primaryKeyPosition": keys.index(each["name"]) + 1 if each["primary_key"] else None,
            "description": each.get("description"), "classification": each.get("classification"),
            "quality": by_column.get(each["name"]),
        }.items() if value not in (None, [])}
        for each in columns
    ]  # fmt: skip
    schema = {"name": name, "physicalType": "table", "properties": properties}
    if by_column.get(""):
        schema["quality"] = by_column[""]
    body: dict[str, Any] = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": identifier, "version": version, "status": "draft",
        "name": name, "schema": [schema],
    }  # fmt: skip
    if description:
        body["description"] = {"purpose": description}
    if owner:
        body["team"] = {"members": [{"username": owner, "role": "owner"}]}
    return body
