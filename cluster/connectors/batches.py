"""Batches that a scan can rely on: bounded in rows and bytes, and text that is valid UTF-8.

What a reader had to leave out is counted in the schema metadata of the batch it concerns, as JSON:

- `sextant.unreadable`: column to number of values that became null because they could not be represented.
- `sextant.mended`: number of values (CSV: lines) whose bytes were not UTF-8 and were taken for Windows-1252.
- `sextant.short_rows`, `sextant.long_rows`, `sextant.extra_cells`: rows of a CSV with fewer or more cells than columns.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

UNREADABLE = b"sextant.unreadable"
MENDED = b"sextant.mended"
SHORT_ROWS = b"sextant.short_rows"
LONG_ROWS = b"sextant.long_rows"
EXTRA_CELLS = b"sextant.extra_cells"
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970-01-01
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def bounded(batch: pa.RecordBatch, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The batch in slices of at most `batch_rows` rows and about `batch_bytes` bytes; one row is never cut."""
    rows = batch.num_rows
    if rows == 0:
        return
    if rows <= batch_rows and batch.nbytes <= batch_bytes:
        yield batch
        return
    if rows > batch_rows:
        for start in range(0, rows, batch_rows):
            yield from bounded(batch.slice(start, batch_rows), batch_rows, batch_bytes)
    elif rows == 1:
        yield batch
    else:  # by halves, since rows may be of very different size
        yield from bounded(batch.slice(0, rows // 2), batch_rows, batch_bytes)
        yield from bounded(batch.slice(rows // 2), batch_rows, batch_bytes)


def in_calendar(array: pa.Array) -> tuple[pa.Array, int]:
    """Dates or timestamps with those outside the years 1 to 9999 made null, and how many that are."""
    if pa.types.is_date64(array.type):
        array = array.cast(pa.date32())
    if pa.types.is_date32(array.type):
        unit, scale = pa.int32(), 1
    else:
        unit, scale = pa.int64(), 86_400 * _PER_SECOND[array.type.unit]
    numbers = array.view(unit)
    most = 2**63 - 1  # a nanosecond timestamp reaches no further than 1677 to 2262
    inside = pc.and_(
        pc.greater_equal(numbers, pa.scalar(max(_FIRST_DAY * scale, -most), unit)),
        pc.less_equal(numbers, pa.scalar(min((_LAST_DAY + 1) * scale - 1, most), unit)),
    )
    if pc.all(inside, skip_nulls=True).as_py() is not False:
        return array, 0
    kept = pc.if_else(inside, array, pa.scalar(None, array.type))
    return kept, kept.null_count - array.null_count


def text_of(raw: bytes) -> str:
    """UTF-8, else Windows-1252, and Latin-1 for the five bytes that has no character for; never fails."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            return raw.decode("latin-1")


def readable_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with text columns of invalid UTF-8 mended; how many values is counted."""
    mended, columns = 0, []
    for column in batch.columns:
        if not pa.types.is_string(column.type) or _valid(column):
            columns.append(column)
            continue
        raw = column.cast(pa.binary()).to_pylist()
        mended += sum(value is not None and not _decodes(value) for value in raw)
        columns.append(pa.array([None if value is None else text_of(value) for value in raw], pa.string()))
    if not mended:
        return batch
    metadata = {**(batch.schema.metadata or {}), MENDED: str(mended).encode()}
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema.with_metadata(metadata))


def _valid(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decodes(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
