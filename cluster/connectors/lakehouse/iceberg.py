"""An Iceberg table as Sextant takes it: the current schema and snapshot of its newest metadata file.

The table is read where it lies, without its catalog. `version-hint.text` of a file-system catalog says which metadata
is the newest; else it is the one of the highest number, and of two that were written with the same number (one of
them by a commit that failed) the later one. A catalog that was told to go back to older metadata is not heard.
Position deletes and deletion vectors are applied; a table with equality deletes, or with data files other than
Parquet, is refused, since its rows could not be counted rightly.
"""

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from cluster.connectors.fingerprints import digest
from cluster.connectors.interface import LogicalType
from cluster.connectors.lakehouse.places import Places
from cluster.connectors.lakehouse.table import MOST_DATA_FILES, DataFile, Deletion, TableColumn, TableState
from cluster.errors import SourceError, SourceObjectGone, SourceUnreadable

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask
    from pyiceberg.table.metadata import TableMetadata

    from cluster.connectors.files.tree import Tree

_METADATA = re.compile(r"v?(\d+)(?:-[^/]*)?(?:\.gz)?\.metadata\.json(?:\.gz)?")
_HINT = "version-hint.text"
_MOST_METADATA = 512 << 20
_TYPES: dict[str, tuple[LogicalType, str | None]] = {
    "boolean": ("boolean", "bool"),
    "int": ("integer", "int32"),
    "long": ("integer", "int64"),
    "float": ("number", "float"),
    "double": ("number", "double"),
    "date": ("date", "date32"),
    "time": ("time", "time:us"),
    "timestamp": ("timestamp", "timestamp:us"),
    "timestamptz": ("timestamp", "timestamp:us,UTC"),
    "timestamp_ns": ("timestamp", "timestamp:ns"),
    "timestamptz_ns": ("timestamp", "timestamp:ns,UTC"),
    "string": ("string", "string"),
    "uuid": ("string", None),
    "binary": ("binary", "binary"),
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def read_iceberg(tree: "Tree", folder: str, location: str) -> TableState:
    """The newest state of the Iceberg table in a folder; `location` is the URL of the source's root.

    Raises SourceError: gone, damaged, not to be read exactly, with files outside of the source, or without pyiceberg.
    """
    what = folder or "The table"
    try:
        import pyiceberg  # noqa: F401
    except ImportError:
        raise SourceUnreadable(
            f"{what} is an Iceberg table, and what reads those is not installed.", "Install the extra lakehouse."
        ) from None
    try:
        return _state(tree, folder, location, what)
    except SourceError:
        raise
    except Exception as error:  # whatever a parser of damaged files raises
        raised = _refusal(error, what)
    raise raised from None


def _refusal(error: Exception, what: str) -> SourceError:
    if "equality delete" in str(error).lower():
        return SourceUnreadable(f"{what} has equality deletes, which are not read.", "Compact the table.")
    return SourceUnreadable(
        f"The metadata of {what} could not be read ({type(error).__name__}).", "Check it with the tool that writes it."
    )


def _state(tree: "Tree", folder: str, location: str, what: str) -> TableState:
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.table import StaticTable

    from cluster.connectors.lakehouse.iceberg_files import TreeIO

    metadata = _newest(tree, folder, what)
    places = Places(location, folder, what, metadata.location)
    table = StaticTable(("table",), metadata, metadata.location, TreeIO(tree, places), NoopCatalog("none"))
    tasks = sorted(table.scan().plan_files(), key=lambda task: str(task.file.file_path))
    if len(tasks) > MOST_DATA_FILES:
        raise SourceUnreadable(f"{what} has more than {MOST_DATA_FILES} data files.", "Compact it.")
    schema, mapping = metadata.schema(), metadata.name_mapping()
    fields = {field.field_id: field for field in schema.fields}
    return TableState(
        identity=str(metadata.table_uuid),
        fingerprint=digest("iceberg", str(metadata.table_uuid), metadata.current_snapshot_id, schema.schema_id),
        columns=_columns(schema),
        files=tuple(_file(task, _identities(metadata, fields, task.file.spec_id), places, what) for task in tasks),
        by="id",
        comment=metadata.properties.get("comment"),
        names_of_ids={n: f.field_id for f in mapping for n in f.names if f.field_id is not None} if mapping else None,
    )


def _newest(tree: "Tree", folder: str, what: str) -> "TableMetadata":
    from pyiceberg.table.metadata import TableMetadataUtil

    place = f"{folder}/metadata".lstrip("/")
    names = tree.names(place)
    versions: dict[int, list[str]] = {}
    for name in names:
        if found := _METADATA.fullmatch(name):
            versions.setdefault(int(found[1]), []).append(name)
    if not versions:
        raise SourceObjectGone(f"{what} is no longer an Iceberg table.", "Discover the source again.")
    version = max(versions)
    if _HINT in names:
        hint = _bytes(tree, f"{place}/{_HINT}").decode("ascii", "replace").strip()
        if hint.isdigit() and int(hint) in versions:
            version = int(hint)
            while version + 1 in versions:  # the hint is written after the metadata it names
                version += 1
    read = [json.loads(_bytes(tree, f"{place}/{name}")) for name in sorted(versions[version])]
    return TableMetadataUtil.parse_obj(max(read, key=lambda made: int(made.get("last-updated-ms", 0))))


def _bytes(tree: "Tree", path: str) -> bytes:
    content = tree.open(path, None)
    if content.size > _MOST_METADATA:
        raise SourceUnreadable(f"{path} is too large.", "Let the table's tool expire old snapshots.")
    data = content.read_at(0, content.size)
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def _columns(schema: "Schema") -> tuple[TableColumn, ...]:
    found = []
    for field in schema.fields:
        written = str(field.field_type)
        type_, arrow = _type(written)
        found.append(
            TableColumn(
                name=field.name,
                type=type_,
                physical_type=written[:500],
                nullable=not field.required,
                key=field.field_id,
                arrow=arrow,
                comment=field.doc,
                default=_default(field.initial_default, field.name),
            )
        )
    return tuple(found)


def _type(written: str) -> tuple[LogicalType, str | None]:
    if found := _DECIMAL.fullmatch(written):
        return "number", f"decimal:{found[1]},{found[2]}"
    if written.startswith(("struct", "list", "map")):
        return "nested", None
    return ("binary", None) if written.startswith("fixed") else _TYPES.get(written, ("unknown", None))


def _default(value: Any, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise SourceUnreadable(f"The column {name} has a default of a kind that is not read.", "Leave the table out.")


def _identities(metadata: "TableMetadata", fields: dict[int, Any], spec: int) -> list[tuple[int, Any, Any]]:
    """Places in a partition's record that hold the value of a column as it is, with the column and the transform."""
    from pyiceberg.transforms import IdentityTransform

    return [
        (place, fields[part.source_id], part.transform)
        for place, part in enumerate(metadata.specs()[spec].fields)
        if isinstance(part.transform, IdentityTransform) and part.source_id in fields
    ]


def _file(task: "FileScanTask", identities: list[tuple[int, Any, Any]], places: Places, what: str) -> DataFile:
    file = task.file
    if str(file.file_format.value).upper() != "PARQUET":
        raise SourceUnreadable(f"{what} has data files that are not Parquet.", "Rewrite them as Parquet.")
    values: dict[str, str | None] = {}
    for place, field, transform in identities:
        value = file.partition[place]
        values[field.name] = None if value is None else transform.to_human_string(field.field_type, value)
    deletions = tuple(
        Deletion(
            "puffin" if str(delete.file_format.value).upper() == "PUFFIN" else "positions",
            path=places.of(delete.file_path),
            length=int(delete.file_size_in_bytes),
            text=file.file_path,
        )
        for delete in sorted(task.delete_files, key=lambda delete: str(delete.file_path))
    )
    return DataFile(
        path=places.of(file.file_path),
        size=int(file.file_size_in_bytes),
        rows=None if deletions else int(file.record_count),
        constants=values,
        deletions=deletions,
    )
