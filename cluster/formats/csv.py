"""Files of delimited text: CSV (RFC 4180) and what goes by that name.

Every cell is read as text, and an empty one as null. A row that is too short is filled up with nulls; cells beyond the
last column are joined to it again, since an unquoted delimiter in a text is what makes most of them, and counted. No
content makes a file unreadable.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cluster.connectors.batches import EXTRA_CELLS, LONG_ROWS, MENDED, SHORT_ROWS, bounded
from cluster.connectors.interface import ColumnInfo
from cluster.formats.csv_blocks import Block, blocks
from cluster.formats.csv_cuts import ranges
from cluster.formats.csv_dialect import SAMPLE_BYTES, Dialect, Rows, parse, sniff
from cluster.formats.layout import Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened
from cluster.formats.streams import chunks, head_of, plain, utf8
from cluster.formats.texts import type_of

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_BLOCK = 1 << 16


def inspect(content: Content, way: Way) -> Inspected:
    """Columns as the first rows show them. A file without rows and header has none."""
    dialect, rows = _sniffed(content, way)
    columns = tuple(
        ColumnInfo(
            name=name,
            ordinal=place,
            type=type_of([row[place] if place < len(row) else None for row in rows]),
            physical_type="text",
        )
        for place, name in enumerate(dialect.names)
    )
    return Inspected(columns, _rows_estimate(content, way, rows))


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """Byte ranges between records; one piece for a file that is compressed, in UTF-16, or not above the target."""
    dialect, _ = _sniffed(content, way)
    if not dialect.names:
        return []
    spec = {"dialect": dialect.as_spec(), "codec": way.codec}
    if way.codec or dialect.encoding != "utf-8":
        return [Piece("csv.whole", spec, dialect.names, None, content.size, ((0, content.size),), spec)]
    reading = {**dialect.as_spec(), "skip": 0}
    marks = ord(dialect.delimiter), ord(dialect.quote)
    return [
        Piece(
            "csv.range",
            {**spec, "start": start, "end": end},
            dialect.names,
            None,
            end - start,
            ((start, end),),
            reading,
        )
        for start, end in ranges(content, dialect.skip, marks, target_bytes, _LEAST_BLOCK)
    ]


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of a piece. See `cluster.connectors.batches` for what the metadata of a batch counts."""
    dialect = Dialect.of_spec(spec["dialect"])
    wanted = max(_LEAST_BLOCK, batch_bytes // 4)  # offsets and validity make batches of short cells larger than text
    for block in blocks(_parts(content, spec, dialect, wanted), ord(dialect.delimiter), ord(dialect.quote), wanted):
        yield from shortened(bounded(_batch(block, dialect), batch_rows, batch_bytes))


def _sniffed(content: Content, way: Way) -> tuple[Dialect, Rows]:
    head = head_of(content, way.codec, SAMPLE_BYTES)
    return sniff(head, len(head) < SAMPLE_BYTES, content.name, way.options)


def _rows_estimate(content: Content, way: Way, rows: Rows) -> int | None:
    if way.codec or not rows:
        return None if way.codec else 0
    sampled = sum(sum(len(cell.encode("utf-8", "replace")) + 1 for cell in row) for row in rows)
    return (
        max(len(rows), round(content.size * len(rows) / max(1, sampled))) if content.size > SAMPLE_BYTES else len(rows)
    )


def _parts(content: Content, spec: dict[str, Any], dialect: Dialect, size: int) -> Iterator[bytes]:
    if "start" in spec:
        return chunks(content, spec["start"], spec["end"], size)
    parts = plain(content, spec["codec"], size)
    return _without(parts if dialect.encoding == "utf-8" else utf8(parts, dialect.encoding), dialect.skip)


def _without(parts: Iterator[bytes], skip: int) -> Iterator[bytes]:
    for part in parts:
        if skip < len(part):
            yield part[skip:]
        skip = max(0, skip - len(part))


def _batch(block: Block, dialect: Dialect) -> "pa.RecordBatch":
    return _fast(block, dialect) or _careful(block, dialect)


def _fast(block: Block, dialect: Dialect) -> "pa.RecordBatch | None":
    """By Arrow's reader; None where a row is ragged or the bytes are not UTF-8."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    ragged: list[int] = []

    def left_out(row: "arrow_csv.InvalidRow") -> str:
        ragged.append(row.actual_columns)
        return "skip"

    names = list(dialect.names)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block.data),
            arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(block.data) + 1),
            arrow_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=False if block.plain else dialect.quote,
                newlines_in_values=True,
                invalid_row_handler=left_out,
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    if ragged or table.num_rows == 0:
        return None
    return table.combine_chunks().to_batches()[0]


def _careful(block: Block, dialect: Dialect) -> "pa.RecordBatch":
    import pyarrow as pa

    rows, mended = parse(block, dialect.delimiter, dialect.quote)
    width = len(dialect.names)
    short = sum(len(row) < width for row in rows)
    long = [len(row) - width for row in rows if len(row) > width]
    for row in rows:
        if len(row) > width:
            row[width - 1 :] = [dialect.delimiter.join(row[width - 1 :])]
    columns = [_column(rows, place) for place in range(width)]
    counts = {MENDED: mended, SHORT_ROWS: short, LONG_ROWS: len(long), EXTRA_CELLS: sum(long)}
    metadata = {name: str(count).encode() for name, count in counts.items() if count}
    schema = pa.schema([pa.field(name, pa.string()) for name in dialect.names], metadata=metadata or None)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(rows: Sequence[Sequence[str]], place: int) -> "pa.Array":
    import pyarrow as pa

    return pa.array([(row[place] or None) if place < len(row) else None for row in rows], pa.string())
