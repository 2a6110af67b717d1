"""What an inventory changes in the catalog: pure comparison of what is stored with what the source says now."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.catalog.tables import Asset
from cluster.connectors.interface import AssetInfo, ColumnInfo

_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


@dataclass(frozen=True)
class SchemaChange:
    """How the columns of an asset differ from those before, as names. A moved column is not a changed one."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def schema_change(before: Mapping[str, ColumnInfo], after: Mapping[str, ColumnInfo]) -> SchemaChange:
    """Names of columns added and changed in their new order, of those removed in the old."""
    changed = (name for name in after if name in before and _facts(before[name]) != _facts(after[name]))
    return SchemaChange(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(changed),
    )


def _facts(column: ColumnInfo) -> dict[str, Any]:
    return column.model_dump(exclude={"ordinal"})


def facts_of(info: AssetInfo) -> dict[str, Any]:
    """The facts of an asset whose change counts as a change of the asset, by the name of their table column.

    Estimates of rows and bytes move by themselves in a database that nobody writes to, so they are no such facts.
    """
    return {
        "kind": info.kind,
        "format": info.format,
        "comment": info.comment,
        "definition": info.definition,
        "source_owner": info.owner,
        "foreign_keys": [key.model_dump(mode="json") for key in info.foreign_keys],
        "grants": sorted((grant.model_dump(mode="json") for grant in info.grants), key=str),
    }


def take_over(row: Asset, info: AssetInfo) -> list[str]:
    """Writes the facts into the row and returns the names of those that differed.

    An asset that could not be read keeps what is known of it: a failed read says nothing about the asset.
    """
    facts: dict[str, Any] = {"problem": info.problem, "status": "active"}
    if info.problem is None:
        facts |= facts_of(info)
    changed = [name for name, value in facts.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, facts[name])
    if info.problem is None and (info.fingerprint is None or info.fingerprint != row.fingerprint):
        row.rows_estimate, row.bytes, row.fingerprint = info.rows_estimate, info.bytes, info.fingerprint
    return changed


def short_name(path: str, kind: str) -> str:
    """The last part of a path: a file or a table of a folder without its folders, a table without its schema."""
    if kind == "file" or ("/" in path and '"' not in path):  # a database quotes a name that holds a slash
        return path.rstrip("/").rpartition("/")[2] or path
    return (identifiers(path) or [path])[-1]


def identifiers(path: str) -> list[str]:
    """The parts of a dotted path; a part in double quotes may hold dots, and quotes written twice."""
    return [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(path)]
