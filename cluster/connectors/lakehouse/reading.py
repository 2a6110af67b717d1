"""The rows of data files as rows of their table: without deleted ones, and with the table's columns in its order.

A column that a file lacks, as it was added to the table later, is null there or has its default. A value that the log
gives for a whole file (a partition value) stands in each of its rows.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.connectors.batches import UNREADABLE, bounded
from cluster.connectors.interface import Partition
from cluster.connectors.lakehouse.deletions import Rows, framed, rows_of, z85
from cluster.connectors.lakehouse.planning import content_of
from cluster.connectors.lakehouse.table import arrow_type
from cluster.errors import SourceUnreadable
from cluster.formats import parquet
from cluster.formats.arrow_columns import columns_of
from cluster.formats.layout import Way
from cluster.formats.streams import SeekableContent

if TYPE_CHECKING:
    from cluster.connectors.files.tree import Opened, Tree

_WHOLE = 1 << 62
_DELETED_PATH, _DELETED_POSITION = "file_path", "pos"


def read_partition(tree: "Tree", partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone where a file is gone, SourceUnreadable for damage."""
    for file in partition.spec["files"]:
        content = content_of(tree, file["path"], file["size"])
        deleted = _deleted(tree, file["deletions"], content.name)
        place, shown = file.get("first", 0), None
        for piece in _pieces(content, file):
            shown = shown or _Projection(content, partition.spec, file["constants"])
            for batch in parquet.read(content, piece, batch_rows, batch_bytes):
                kept = _kept(batch, place, deleted)
                place += batch.num_rows
                if kept.num_rows:
                    yield from bounded(shown.of(kept), batch_rows, batch_bytes)


def _pieces(content: "Opened", file: dict[str, Any]) -> list[dict[str, Any]]:
    if "piece" in file:
        return [file["piece"]]
    return [piece.spec for piece in parquet.plan(content, Way(), _WHOLE)]


def _kept(batch: pa.RecordBatch, place: int, deleted: Rows) -> pa.RecordBatch:
    first, end = np.searchsorted(deleted, [place, place + batch.num_rows])
    if first == end:
        return batch
    mask = np.ones(batch.num_rows, bool)
    mask[deleted[first:end] - place] = False
    return batch.filter(pa.array(mask))


def _deleted(tree: "Tree", deletions: list[dict[str, Any]], what: str) -> Rows:
    """The numbers of the deleted rows, ascending."""
    found: list[Rows] = []
    for deletion in deletions:
        try:
            if deletion["form"] == "inline":
                found.append(rows_of(z85(deletion["text"])[: deletion["length"]]))
            elif deletion["form"] == "vector":
                content = tree.open(deletion["path"], None)
                found.append(rows_of(framed(content.read_at(deletion["offset"], deletion["length"] + 8))))
            elif deletion["form"] == "puffin":
                found.extend(_vectors(tree.open(deletion["path"], None), deletion["text"]))
            else:
                found.extend(_positions(tree.open(deletion["path"], None), deletion["text"]))
        except (ValueError, KeyError) as error:
            raised = SourceUnreadable(
                f"What is deleted from {what} could not be read ({type(error).__name__}).",
                "Check the table with the tool that writes it.",
            )
            raise raised from None
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _vectors(content: "Opened", name: str) -> Iterator[Rows]:
    """Out of a Puffin file (https://iceberg.apache.org/puffin-spec): its footer says where the vectors are."""
    tail = content.read_at(max(0, content.size - 12), 12)
    size = int.from_bytes(tail[:4], "little")
    if tail[8:] != b"PFA1" or tail[4] & 1:
        raise ValueError
    for blob in json.loads(content.read_at(content.size - 12 - size, size))["blobs"]:
        if blob["type"] == "deletion-vector-v1" and blob["properties"]["referenced-data-file"] == name:
            yield rows_of(framed(content.read_at(blob["offset"], blob["length"])))


def _positions(content: "Opened", name: str) -> Iterator[Rows]:
    for piece in parquet.plan(content, Way(), _WHOLE):
        for batch in parquet.read(content, piece.spec, 1 << 16, 8 << 20):
            mine = batch.filter(pc.equal(batch.column(_DELETED_PATH), name))
            yield mine.column(_DELETED_POSITION).to_numpy(zero_copy_only=False).astype(np.int64)


class _Projection:
    """Makes the columns of a table out of those of one of its data files."""

    def __init__(self, content: "Opened", spec: dict[str, Any], constants: dict[str, str | None]) -> None:
        schema = pq.read_schema(pa.PythonFile(SeekableContent(content), mode="r"))
        named = columns_of(schema)
        keys: dict[str | int, str] = {}
        for name, field in named:
            identifier = (field.metadata or {}).get(b"PARQUET:field_id")
            keys[field.name if spec["by"] == "name" else int(identifier) if identifier else name] = name
        if spec["by"] == "id" and not any(isinstance(key, int) for key in keys):
            keys = _by_mapping(content.name, named, spec["ids"])
        self._sources = {name: keys.get(key) for name, key, _, _ in spec["shape"]}
        self._types = {name: arrow_type(arrow) if arrow else None for name, _, arrow, _ in spec["shape"]}
        lacking = {name: default for name, _, _, default in spec["shape"] if self._sources[name] is None}
        given = {name: text for name, text in constants.items() if spec["log_first"] or name in lacking}
        self._constants = {**lacking, **given}

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [self._column(batch, name) for name in self._types]
        names = {source: name for name, source in self._sources.items() if source is not None}
        metadata = dict(batch.schema.metadata or {})
        if UNREADABLE in metadata:
            lost = json.loads(metadata[UNREADABLE])
            told = {names[source]: count for source, count in lost.items() if source in names}
            metadata[UNREADABLE] = json.dumps(told).encode()
        fields = [(name, array.type) for name, array in zip(self._types, arrays, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata or None))

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        source, type_ = self._sources[name], self._types[name]
        if name in self._constants or source is None:
            return _repeated(self._constants[name], type_ or pa.string(), batch.num_rows)
        array = batch.column(source)
        return _widened(array, type_) if type_ is not None else array


def _by_mapping(what: str, named: list[tuple[str, pa.Field]], ids: dict[str, int] | None) -> dict[str | int, str]:
    if not ids:
        raise SourceUnreadable(
            f"{what} has no field ids, and its table maps no names to them.", "Set schema.name-mapping.default."
        )
    return {ids[field.name]: name for name, field in named if field.name in ids}


def _repeated(text: str | None, type_: pa.DataType, rows: int) -> pa.Array:
    """A value of a log in each row; null where its text is none of the column's type."""
    try:
        value = pc.cast(pa.scalar(text, pa.string()), type_)
    except pa.ArrowException:
        value = pa.scalar(None, type_)
    return pa.repeat(value, rows)


def _widened(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """A number of a file written before its column became wider, as the table has it now."""
    if array.type == type_ or not (pa.types.is_primitive(array.type) or pa.types.is_decimal(array.type)):
        return array
    try:
        return pc.cast(array, type_)
    except pa.ArrowException:
        return array
