"""Apache Avro object container files (specification 1.12), cut between their blocks.

Blocks end with a mark of 16 random bytes, which the header tells: a cut is the first one behind where it is wanted.
Values of records, arrays, maps and of unions of several types arrive as JSON text, without their logical types.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cluster.connectors.batches import bounded, readable_text
from cluster.connectors.interface import ColumnInfo
from cluster.errors import SourceUnreadable
from cluster.formats.avro_columns import columns_of, plain_schema
from cluster.formats.compression import unpacked
from cluster.formats.layout import CHUNK, Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC, _MARK = b"Obj\x01", 16
_LONGEST_HEADER = 16 << 20
LARGEST_BLOCK = 256 << 20
"""Bytes of a block, as it is and unpacked: a block is unpacked as a whole."""
_EMPTY_ROWS = 1 << 20  # rows of a block that take no byte at all
_NUMBER = 10  # the most bytes of a number


@dataclass(frozen=True)
class _Header:
    """`start` is where the first block begins."""

    schema: Any
    codec: str
    mark: bytes
    start: int


def inspect(content: Content, way: Way) -> Inspected:
    """Columns by the schema of the header, rows by the first block. An empty file has neither."""
    if not content.size:
        return Inspected()
    with _guarded(content):
        header = _header(content)
        columns = tuple(
            ColumnInfo(
                name=column.name,
                ordinal=place,
                type=column.type,
                physical_type=column.physical_type[:500],
                nullable=column.nullable,
            )
            for place, column in enumerate(columns_of(header.schema))
        )
        return Inspected(columns, _rows_estimate(content, header))


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """Byte ranges between blocks."""
    if not content.size:
        return []
    with _guarded(content):
        header = _header(content)
        names = tuple(column.name for column in columns_of(header.schema))
        reading = [header.schema, header.codec, header.mark.hex()]
        return [
            Piece("avro.range", {"start": start, "end": end}, names, None, end - start, ((start, end),), reading)
            for start, end in _ranges(content, header, target_bytes)
            if names
        ]


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of the piece. Raises SourceUnreadable where a block is damaged or larger than `LARGEST_BLOCK`."""
    import pyarrow as pa

    with _guarded(content):
        header = _header(content)
        columns = columns_of(header.schema)
        schema = pa.schema([(column.name, column.arrow) for column in columns])
        for rows in _gathered(content, header, spec, batch_rows, batch_bytes):
            arrays = [column.array([row[place] for row in rows]) for place, column in enumerate(columns)]
            batch = readable_text(_batch(arrays, schema))
            yield from shortened(bounded(batch, batch_rows, batch_bytes))


def _batch(arrays: "list[tuple[pa.Array, int]]", schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    from cluster.connectors.batches import UNREADABLE

    lost = {name: count for name, (_, count) in zip(schema.names, arrays, strict=True) if count}
    metadata = {UNREADABLE: json.dumps(lost)} if lost else None
    return pa.RecordBatch.from_arrays([array for array, _ in arrays], schema=schema.with_metadata(metadata))


def _gathered(
    content: Content, header: _Header, spec: dict[str, Any], most_rows: int, most_bytes: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in lists that are bounded in number and about in bytes."""
    from fastavro import parse_schema, schemaless_reader

    schema = parse_schema(plain_schema(header.schema))
    record = isinstance(header.schema, dict) and header.schema.get("type") == "record"
    names = [field["name"] for field in header.schema["fields"]] if record else []
    held: list[tuple[Any, ...]] = []
    for count, data in _blocks(content, header, spec["start"], spec["end"]):
        stream, before = BytesIO(data), 0
        size = 0
        for _ in range(count):
            row: Any = schemaless_reader(stream, schema, None)
            held.append(tuple(map(row.__getitem__, names)) if record else (row,))
            size, before = size + stream.tell() - before, stream.tell()
            if len(held) >= most_rows or size >= most_bytes:
                yield held
                held, size = [], 0
        if held and size:  # values of the next block are not counted with these
            yield held
            held = []
    if held:
        yield held


def _blocks(content: Content, header: _Header, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Number of rows and unpacked bytes of each block."""
    while start < end:
        head = content.read_at(start, 2 * _NUMBER)
        count, after = _long(head, 0)
        size, after = _long(head, after)
        if not 0 <= size <= LARGEST_BLOCK or count < 0 or start + after + size + _MARK > content.size:
            raise _damaged(content)
        data = content.read_at(start + after, size + _MARK)
        if data[size:] != header.mark:
            raise _damaged(content)
        body = unpacked(data[:size], header.codec, LARGEST_BLOCK, content.name)
        if count > len(body) + _EMPTY_ROWS:
            raise _damaged(content)
        yield count, body
        start += after + size + _MARK


def _ranges(content: Content, header: _Header, target_bytes: int) -> Iterator[tuple[int, int]]:
    start = header.start
    while content.size - start > target_bytes * 3 // 2:
        end = _behind_mark(content, header.mark, start + target_bytes)
        yield start, end
        start = end
    if start < content.size:
        yield start, content.size


def _behind_mark(content: Content, mark: bytes, place: int) -> int:
    """Where the first block begins that a mark behind `place` ends; the end of the file if there is none."""
    place -= _MARK
    while place < content.size:
        data = content.read_at(place, min(CHUNK, 1 << 20))
        if (found := data.find(mark)) >= 0:
            return place + found + _MARK
        place += max(1, len(data) - _MARK + 1)
    return content.size


def _header(content: Content) -> _Header:
    size = 1 << 16
    while True:
        data = content.read_at(0, min(size, content.size))
        if not data.startswith(_MAGIC):
            raise SourceUnreadable(f"{content.name} is no Avro file.", "Check what writes it.")
        try:
            return _parsed(data)
        except IndexError:
            if size >= min(content.size, _LONGEST_HEADER):
                raise _damaged(content) from None
            size *= 16


def _parsed(data: bytes) -> _Header:
    """Raises IndexError if there is more of the header than `data` holds."""
    told: dict[str, bytes] = {}
    count, place = _long(data, len(_MAGIC))
    while count:
        if count < 0:  # then the size of these entries comes before them
            count, place = -count, _long(data, place)[1]
        for _ in range(min(count, 1 << 16)):
            key, place = _bytes(data, place)
            value, place = _bytes(data, place)
            told[key.decode("utf-8", "replace")] = value
        count, place = _long(data, place)
    mark = data[place : place + _MARK]
    if len(mark) < _MARK:
        raise IndexError
    codec = told.get("avro.codec", b"null").decode("ascii", "replace")
    return _Header(json.loads(told["avro.schema"]), codec, mark, place + _MARK)


def _bytes(data: bytes, place: int) -> tuple[bytes, int]:
    size, place = _long(data, place)
    if size < 0 or place + size > len(data):
        raise IndexError
    return data[place : place + size], place + size


def _long(data: bytes, place: int) -> tuple[int, int]:
    """A zigzag number of variable length, and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place
        if shift > 63:
            raise ValueError


def _rows_estimate(content: Content, header: _Header) -> int | None:
    if header.start >= content.size:
        return 0
    count, after = _long(content.read_at(header.start, 2 * _NUMBER), 0)
    size, after = _long(content.read_at(header.start, 2 * _NUMBER), after)
    whole = after + size + _MARK
    return round(max(0, count) * max(1.0, (content.size - header.start) / whole)) if size >= 0 else None


@contextmanager
def _guarded(content: Content) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, EOFError, RuntimeError, OverflowError, pa.ArrowException):
        raised = _damaged(content)
    else:
        return
    raise raised from None  # the message may quote a value


def _damaged(content: Content) -> SourceUnreadable:
    return SourceUnreadable(
        f"{content.name} is cut off, damaged, or has blocks above {LARGEST_BLOCK >> 20} MB.",
        "Write the file again, whole.",
    )
