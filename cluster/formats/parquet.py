"""Apache Parquet files, by row groups. A row group is decoded a batch at a time, however large it is."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from cluster.connectors.batches import bounded, readable_text
from cluster.connectors.interface import ColumnInfo
from cluster.errors import SourceUnreadable
from cluster.formats.gathered import GATHERED, Gathered
from cluster.formats.layout import Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"


def inspect(content: Content, way: Way) -> Inspected:
    """Columns and rows from the footer. An empty file has neither."""
    from cluster.formats.arrow_columns import columns_of, logical

    if not content.size:
        return Inspected()
    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept)
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
    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept)
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
    extents: list[tuple[int, int]] = []
    chunks = []
    for number in groups:
        for start, end in _extents(file, number):
            first = extents.pop()[0] if extents and extents[-1][1] == start else start
            extents.append((first, end))
        group = file.metadata.row_group(number)
        for column in map(group.column, range(group.num_columns)):
            chunks.append([column.compression, column.num_values, column.total_compressed_size])
        chunks.append([group.num_rows])
    return tuple(extents), [_schema_digest(file), chunks]


def _extents(file: "pq.ParquetFile", group: int) -> list[tuple[int, int]]:
    """Where the column chunks of a row group are."""
    from cluster.formats.parquet_pages import extent

    meta = file.metadata.row_group(group)
    return [extent(meta.column(number)) for number in range(meta.num_columns)]


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

    with _guarded(content), closing(Gathered(content)) as kept:
        file = _opened(kept, batch_bytes)
        if [name for name, _ in columns_of(file.schema_arrow)] != spec["names"] or file.num_row_groups < spec["end"]:
            raise SourceUnreadable(f"{content.name} has another layout than when it was planned.", "Scan it again.")
        groups = range(spec["first"], spec["end"])
        kept.expect([_extents(file, group) for group in groups])
        for place, group in enumerate(groups):
            kept.turn(place)
            for batch in rows_of(file, kept, group, batch_rows, batch_bytes):
                taken = readable_text(plain(batch, spec["names"]))
                yield from shortened(bounded(taken, batch_rows, batch_bytes))
                kept.ahead()


def _opened(content: Gathered, batch_bytes: int = 1 << 20) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    tail = content.read_at(max(0, content.size - 8), 8)
    if tail[4:] == _ENCRYPTED:
        raise SourceUnreadable(f"{content.name} is encrypted.", "Grant access to its keys, or leave it out.")
    if content.size < 12 or tail[4:] != _MAGIC:
        raise SourceUnreadable(
            f"{content.name} has no Parquet footer: it is cut off, or still being written.", "Write the file again."
        )
    source = pa.PythonFile(content.stream(), mode="r")
    metadata = pq.read_metadata(source)
    if not content.near and _largest(metadata) <= GATHERED:
        return pq.ParquetFile(source, metadata=metadata, pre_buffer=False)  # each column chunk as it is held
    # Each column has a buffer of its own: all of them together may be as large as a batch, or what is gathered.
    most, largest = (2 * batch_bytes, 1 << 20) if content.near else (GATHERED, 8 << 20)
    buffer = max(1 << 13, min(largest, most // max(1, metadata.num_columns)))
    return pq.ParquetFile(source, metadata=metadata, buffer_size=buffer, pre_buffer=False)


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
