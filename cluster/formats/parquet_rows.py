"""The rows of a Parquet row group in memory that is bounded, however wide or long the row group is.

A reader that takes all columns in step holds a page and a dictionary of each: for 1,000 columns that is gigabytes.
Where the pages, by their headers, are more than `HELD`, a window of rows is read instead, a few columns at a time. The
rows before a window are decoded again for each window, which is less work than looking at their values is.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from cluster.errors import SourceUnreadable
from cluster.formats.layout import Content
from cluster.formats.parquet_pages import Pages, pages_of

if TYPE_CHECKING:
    import pyarrow.parquet as pq

HELD = 400 << 20
"""Bytes of pages that are held at once where all columns are read in step."""
WINDOW, BESIDE = 192 << 20, 64 << 20
"""Bytes of decoded rows, and of pages beside them, that are held at once where columns are read in turn."""
LARGEST = 448 << 20
"""Bytes that the pages of one column may need."""
_SMALL_CHUNK = 256 << 10  # whose pages are not looked at
_PROBE_ROWS = 256
Batches = list[pa.RecordBatch]


def rows_of(
    file: "pq.ParquetFile", content: Content, group: int, batch_rows: int, batch_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Batches of all columns in the order of the rows. Raises SourceUnreadable for pages that need above `LARGEST`."""
    meta = file.metadata.row_group(group)
    if not meta.num_rows:
        return
    groups = _column_groups(file, content, group)
    per_row = _row_bytes(file, group, groups)
    rows = max(1, min(batch_rows, int(batch_bytes / per_row)))
    if len(groups) == 1:
        yield from _read(file, group, groups[0], rows)
        return
    done, window = 0, max(rows, int(WINDOW * 0.95 / per_row) // rows * rows)
    while done < meta.num_rows:
        gathered = _Window(min(window, meta.num_rows - done), rows)
        for leaves in groups:
            gathered.take(_from(file, group, leaves, rows, done))
        for across in zip(*gathered.parts, strict=True):
            yield _beside(across)
        window = gathered.rows
        done += window


class _Window:
    """Rows of a row group, gathered by groups of columns; it becomes shorter where the rows turn out to be large."""

    def __init__(self, rows: int, step: int) -> None:
        self.rows, self._step, self._held = rows, step, 0
        self.parts: list[Batches] = []

    def take(self, batches: Iterator[pa.RecordBatch]) -> None:
        """The columns that `batches` have, each of `step` rows, for all rows of the window."""
        self.parts.append(part := [])
        taken = 0
        for batch in batches:
            part.append(batch.slice(0, self.rows - taken))
            taken += part[-1].num_rows
            self._held += part[-1].nbytes
            while self._held > WINDOW and self.rows > self._step:
                self._shorten()
            if taken >= self.rows:
                break

    def _shorten(self) -> None:
        keep = max(1, self.rows * 3 // 4 // self._step)
        self.rows = keep * self._step
        for part in self.parts:
            self._held -= sum(batch.nbytes for batch in part[keep:])
            del part[keep:]


def _from(file: "pq.ParquetFile", group: int, leaves: list[int], rows: int, first: int) -> Iterator[pa.RecordBatch]:
    for batch in _read(file, group, leaves, rows):
        if first < batch.num_rows:
            yield batch.slice(first) if first else batch
        first = max(0, first - batch.num_rows)


def _read(file: "pq.ParquetFile", group: int, leaves: list[int], rows: int) -> Iterator[pa.RecordBatch]:
    # By the places of the columns: names may recur, and those with dots be taken for paths.
    yield from file.reader.iter_batches(rows, row_groups=[group], column_indices=leaves, use_threads=False)


def _beside(parts: tuple[pa.RecordBatch, ...]) -> pa.RecordBatch:
    schema = pa.schema([field for part in parts for field in part.schema])
    return pa.RecordBatch.from_arrays([array for part in parts for array in part.columns], schema=schema)


def _row_bytes(file: "pq.ParquetFile", group: int, groups: list[list[int]]) -> float:
    """Bytes of a decoded row, by the footer and, as encodings deceive, by the first rows."""
    meta = file.metadata.row_group(group)
    per_row = meta.total_byte_size / meta.num_rows
    if meta.num_rows > _PROBE_ROWS:
        first = (next(_read(file, group, leaves, _PROBE_ROWS)).nbytes for leaves in groups)
        per_row = max(per_row, sum(first) / _PROBE_ROWS)
    return float(max(1.0, per_row))


def _column_groups(file: "pq.ParquetFile", content: Content, group: int) -> list[list[int]]:
    """The leaves of columns that are read in step, in the order of the columns; one group if all of them can be."""
    meta = file.metadata.row_group(group)
    chunks = [meta.column(leaf) for leaf in range(meta.num_columns)]
    held = [2 * chunk.total_uncompressed_size for chunk in chunks]
    everything = list(range(len(chunks)))
    if sum(held) <= HELD // 2:
        return [everything]
    passing = 0
    for leaf, chunk in enumerate(chunks):
        if held[leaf] > _SMALL_CHUNK and (pages := _pages(content, chunk)) is not None:
            _refuse(content, pages)
            held[leaf], passing = min(held[leaf], pages.held), max(passing, pages.passing)
    if sum(held) + passing <= HELD:
        return [everything]
    groups: list[list[int]] = [[]]
    filled = 0
    for leaves in _columns(file, len(chunks)):
        size = sum(held[leaf] for leaf in leaves)
        if groups[-1] and filled + size > BESIDE:
            groups.append([])
            filled = 0
        groups[-1] += leaves
        filled += size
    return groups


def _pages(content: Content, chunk: "pq.ColumnChunkMetaData") -> Pages | None:
    try:
        return pages_of(content, chunk)
    except ValueError:
        return None  # some old writers tell the extent of a chunk wrongly, which its reader can put up with


def _refuse(content: Content, pages: Pages) -> None:
    if pages.held + pages.passing > LARGEST:
        raise SourceUnreadable(
            f"{content.name} has pages of {max(pages.packed, pages.unpacked) >> 20} MB, which are decoded as a whole.",
            "Write it with smaller pages: long values need a smaller batch size of the writer beside the page size.",
        )


def _columns(file: "pq.ParquetFile", leaves: int) -> list[list[int]]:
    """The leaves of each top-level column: a struct has one for each of its fields."""
    found, place = [], 0
    for field in file.schema_arrow:
        count = _leaves(field.type)
        found.append(list(range(place, place + count)))
        place += count
    return found if place == leaves else [list(range(leaves))]


def _leaves(type_: pa.DataType) -> int:
    if isinstance(type_, pa.BaseExtensionType):
        return _leaves(type_.storage_type)
    if pa.types.is_nested(type_):
        return sum(_leaves(type_.field(place).type) for place in range(type_.num_fields))
    return 1
