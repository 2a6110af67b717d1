"""Apache Parquet files, by row groups. A row group is decoded a batch at a time, however large it is."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cluster.connectors.batches import bounded, readable_text
from cluster.connectors.interface import ColumnInfo
from cluster.errors import SourceUnreadable
from cluster.formats.layout import Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
GATHERED = 96 << 20
"""Bytes of a row group up to which it is asked of a store in few large requests, and so held as a whole."""


def inspect(content: Content, way: Way) -> Inspected:
    """Columns and rows from the footer. An empty file has neither."""
    from cluster.formats.arrow_columns import columns_of, logical

    if not content.size:
        return Inspected()
    with _guarded(content):
        file = _opened(content)
        columns = tuple(
            ColumnInfo(
                name=name,
                ordinal=place,
                type=logical(field.type),
                physical_type=str(field.type)[:500],
                nullable=field.nullable,
            )
            for place, (name, field) in enumerate(columns_of(file.schema_arrow))
        )
        return Inspected(columns, file.metadata.num_rows)


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """Runs of row groups of about `target_bytes` uncompressed."""
    from cluster.formats.arrow_columns import columns_of

    if not content.size:
        return []
    with _guarded(content):
        file = _opened(content)
        names = tuple(name for name, _ in columns_of(file.schema_arrow))
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    pieces: list[Piece] = []
    first = size = rows = 0
    for number, group in enumerate(groups, 1):
        size, rows = size + group.total_byte_size, rows + group.num_rows
        following = groups[number].total_byte_size if number < len(groups) else 0
        if size >= target_bytes or number == len(groups) or size + following > target_bytes * 3 // 2:
            if rows and names:
                spec = {"first": first, "end": number, "names": list(names)}
                extents, reading = _content(file, range(first, number))
                pieces.append(Piece("parquet.row_groups", spec, names, rows, size, extents, reading))
            first, size, rows = number, 0, 0
    return pieces


def _content(file: "pq.ParquetFile", groups: range) -> tuple[tuple[tuple[int, int], ...], Any]:
    """Where the bytes of row groups are, and what besides them decides their rows."""
    from cluster.formats.parquet_pages import extent

    extents: list[tuple[int, int]] = []
    chunks = []
    for group in map(file.metadata.row_group, groups):
        for column in map(group.column, range(group.num_columns)):
            start, end = extent(column)
            if extents and extents[-1][1] == start:
                start = extents.pop()[0]
            extents.append((start, end))
            chunks.append([column.compression, column.num_values, column.total_compressed_size])
        chunks.append([group.num_rows])
    return tuple(extents), [_schema_digest(file), chunks]


def _schema_digest(file: "pq.ParquetFile") -> str:
    """Of names, types and nullability, and the writer, whose version some readers heed; not of the file's metadata."""
    schema = file.schema_arrow.remove_metadata().serialize().to_pybytes()
    leaves = map(file.schema.column, range(len(file.schema)))
    physical = [[leaf.path, leaf.physical_type, leaf.length, str(leaf.logical_type)] for leaf in leaves]
    written = [file.metadata.created_by, physical]
    return hashlib.sha256(schema + json.dumps(written).encode()).hexdigest()


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of the piece. Raises SourceUnreadable where a page is damaged."""
    from cluster.formats.arrow_columns import columns_of, plain
    from cluster.formats.parquet_rows import rows_of

    with _guarded(content):
        file = _opened(content, batch_bytes)
        if [name for name, _ in columns_of(file.schema_arrow)] != spec["names"] or file.num_row_groups < spec["end"]:
            raise SourceUnreadable(f"{content.name} has another layout than when it was planned.", "Scan it again.")
        for group in range(spec["first"], spec["end"]):
            for batch in rows_of(file, content, group, batch_rows, batch_bytes):
                taken = readable_text(plain(batch, spec["names"]))
                yield from shortened(bounded(taken, batch_rows, batch_bytes))


def _opened(content: Content, batch_bytes: int = 1 << 20) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    tail = content.read_at(max(0, content.size - 8), 8)
    if tail[4:] == _ENCRYPTED:
        raise SourceUnreadable(f"{content.name} is encrypted.", "Grant access to its keys, or leave it out.")
    if content.size < 12 or tail[4:] != _MAGIC:
        raise SourceUnreadable(
            f"{content.name} has no Parquet footer: it is cut off, or still being written.", "Write the file again."
        )
    source = pa.PythonFile(SeekableContent(content), mode="r")
    metadata = pq.read_metadata(source)
    width = metadata.num_columns
    source.seek(0)
    # Each column has a buffer of its own: all of them together may be as large as a batch.
    buffer = max(1 << 13, min(1 << 20, 2 * batch_bytes // max(1, width)))
    return pq.ParquetFile(source, buffer_size=buffer, pre_buffer=not content.near and _largest(metadata) <= GATHERED)


def _largest(metadata: "pq.FileMetaData") -> int:
    """The bytes of the largest row group as they lie in the file."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return max((sum(g.column(n).total_compressed_size for n in range(g.num_columns)) for g in groups), default=0)


@contextmanager
def _guarded(content: Content) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raised = SourceUnreadable(
            f"{content.name} is damaged or no Parquet file ({type(error).__name__}).", "Write the file again."
        )
    else:
        return
    raise raised from None  # Arrow's message may quote a value


class SeekableContent(io.RawIOBase):
    """The content as Python's file interface, which Arrow reads by."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content, self._place = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._content.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def size(self) -> int:
        return self._content.size

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._content.size - self._place)
        data = self._content.read_at(self._place, left if size < 0 else min(size, left))
        self._place += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
