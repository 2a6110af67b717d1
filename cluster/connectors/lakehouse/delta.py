"""A Delta table as Sextant takes it: the columns of its schema and the active files of its log.

Tables with deletion vectors and with column mapping (by name or by id) are read exactly. A table whose protocol asks
of readers what is not known here is refused, since its rows could not be counted rightly.
"""

import json
import re
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import LogicalType
from cluster.connectors.lakehouse.deletions import file_of
from cluster.connectors.lakehouse.delta_log import Action, DeltaLog, read_log
from cluster.connectors.lakehouse.places import Places
from cluster.connectors.lakehouse.table import DataFile, Deletion, TableColumn, TableState
from cluster.errors import SourceUnreadable

if TYPE_CHECKING:
    from cluster.connectors.files.tree import Tree

KNOWN_FEATURES = {
    "columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview", "v2Checkpoint",
    "vacuumProtocolCheck",
}  # fmt: skip
"""Reader features of the protocol that are read as they are meant."""
_NEWEST_READER = 3
_TYPES: dict[str, tuple[LogicalType, str]] = {
    "string": ("string", "string"),
    "long": ("integer", "int64"),
    "integer": ("integer", "int32"),
    "short": ("integer", "int16"),
    "byte": ("integer", "int8"),
    "float": ("number", "float"),
    "double": ("number", "double"),
    "boolean": ("boolean", "bool"),
    "binary": ("binary", "binary"),
    "date": ("date", "date32"),
    "timestamp": ("timestamp", "timestamp:us,UTC"),
    "timestamp_ntz": ("timestamp", "timestamp:us"),
}
_DECIMAL = re.compile(r"decimal\((\d+),(-?\d+)\)")
_Mapping = Literal["none", "name", "id"]


def read_delta(tree: "Tree", folder: str, location: str) -> TableState:
    """The newest version of the Delta table in a folder; `location` is the URL of the source's root.

    Raises SourceError: gone, damaged, of a protocol that is not known, or with files outside of the source.
    """
    log, what = read_log(tree, folder), folder or "The table"
    _check_protocol(log.protocol, what)
    places = Places(location, folder, what)
    try:
        mapping = _mapping(log)
        fields = json.loads(log.metadata["schemaString"])["fields"]
        columns = tuple(_column(field, mapping) for field in fields)
        logged = {_name_in_files(field, mapping): str(field["name"]) for field in fields}
        files = [_file(add, logged, places) for _, add in sorted(log.adds.items())]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raised = SourceUnreadable(
            f"The log of {what} is damaged ({type(error).__name__}).", "Check it with the tool that writes it."
        )
        raise raised from None
    identity = str(log.metadata.get("id"))
    return TableState(
        identity=identity,
        fingerprint=digest("delta", identity, log.version),
        columns=columns,
        files=tuple(files),
        by="id" if mapping == "id" else "name",
        log_first=True,
        comment=log.metadata.get("description"),
    )


def _check_protocol(protocol: Action, what: str) -> None:
    features = set(protocol.get("readerFeatures") or ())
    if int(protocol.get("minReaderVersion") or 1) > _NEWEST_READER or features - KNOWN_FEATURES:
        named = ", ".join(sorted(str(name)[:40] for name in features - KNOWN_FEATURES)) or "a newer version"
        raise SourceUnreadable(
            f"{what} can be read only by what knows a part of the Delta protocol that is not known here ({named}).",
            "Leave it out, or rewrite it without that.",
        )


def _mapping(log: DeltaLog) -> _Mapping:
    mode = (log.metadata.get("configuration") or {}).get("delta.columnMapping.mode", "none")
    if mode not in ("none", "name", "id"):
        raise ValueError
    found: _Mapping = mode
    return found


def _column(field: dict[str, Any], mapping: _Mapping) -> TableColumn:
    type_, more = field["type"], field.get("metadata") or {}
    logical, arrow = _type(type_)
    return TableColumn(
        name=str(field["name"]),
        type=logical,
        physical_type=(type_ if isinstance(type_, str) else json.dumps(type_, separators=(",", ":")))[:500],
        nullable=bool(field.get("nullable", True)),
        key=int(more["delta.columnMapping.id"]) if mapping == "id" else _name_in_files(field, mapping),
        arrow=arrow,
        comment=more.get("comment"),
    )


def _name_in_files(field: dict[str, Any], mapping: _Mapping) -> str:
    """What data files call a column, and the log where it gives it a value."""
    return str(field["name"] if mapping == "none" else field["metadata"]["delta.columnMapping.physicalName"])


def _type(type_: Any) -> tuple[LogicalType, str | None]:
    if not isinstance(type_, str):
        return "nested", None
    if found := _DECIMAL.fullmatch(type_):
        return "number", f"decimal:{found[1]},{found[2]}"
    return _TYPES.get(type_, ("unknown", None))


def _file(add: Action, logged: dict[str, str], places: Places) -> DataFile:
    given = dict(add.get("partitionValues") or {})
    values = {logged[name]: value or None for name, value in given.items()}  # an empty text is a null
    vector = add.get("deletionVector")
    deletions = (_deletion(vector, places),) if vector else ()
    rows = add["rows"]
    return DataFile(
        path=places.of(unquote(str(add["path"]))),
        size=int(add["size"]),
        rows=None if rows is None else max(0, rows - sum(deletion.rows for deletion in deletions)),
        constants=values,
        deletions=deletions,
    )


def _deletion(vector: Action, places: Places) -> Deletion:
    kind, text = vector["storageType"], str(vector["pathOrInlineDv"])
    size, rows = int(vector["sizeInBytes"]), int(vector["cardinality"])
    if kind == "i":
        return Deletion("inline", length=size, text=text, rows=rows)
    if kind not in ("u", "p"):
        raise ValueError
    path = places.of(file_of(text) if kind == "u" else unquote(text))
    return Deletion("vector", path=path, offset=int(vector.get("offset") or 0), length=size, rows=rows)
