"""Planning and reading tables of a warehouse: ranges of an integer primary key, streamed as Arrow record batches."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from cluster.connectors.batches import UNREADABLE, bounded, in_calendar, readable_text, text_of
from cluster.connectors.interface import ColumnInfo, LogicalType, Partition
from cluster.connectors.key_range import KeyRange, ranges
from cluster.connectors.relation_paths import parts_of
from cluster.connectors.warehouse.catalog import columns_of
from cluster.connectors.warehouse.session import Session
from cluster.errors import SourceObjectGone
from cluster.formats.long_texts import shortened

_ROW_BYTES = 24  # of a value, where nothing is known of a table's rows
_SHORT = 100  # rows that are fetched first, to see how large they are
_TYPES: dict[LogicalType, pa.DataType] = {
    "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(), "binary": pa.binary(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip


def plan_table(session: Session, path: str, view: bool, target_bytes: int) -> list[Partition]:
    """The partitions of a table; none for a view or for no rows. Their fingerprints are never equal to others."""
    if view:
        return []
    schema, name = parts_of(path)
    with session.connection(path) as connection:
        columns = columns_of(connection, schema, name)
        table = _table(schema, name, columns)
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None:
            return []
        key = _key(columns)
        rows = max(1, target_bytes // (_ROW_BYTES * len(columns)))
        spans = [KeyRange()] if key is None else _spans(connection, table, table.c[key], rows)
        held = [_rows(connection, table, key, span) for span in spans] if len(spans) > 1 else [None]
    return [
        _partition(path, number, (columns, key), span, rows)
        for number, (span, rows) in enumerate((s, r) for s, r in zip(spans, held, strict=True) if r != 0)
    ]


def read_table(session: Session, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone if the table has no longer the columns it was planned with."""
    spec, what = partition.spec, partition.asset
    schema, name = parts_of(what)
    with session.connection(what) as connection:
        columns = columns_of(connection, schema, name)
        if [[column.name, column.type] for column in columns] != spec["columns"]:
            raise SourceObjectGone(f"{what} was changed after it was planned.", "Discover the source again.")
        table = _table(schema, name, columns)
        statement = sa.select(*table.c)
        if spec["key"] is not None:
            statement = statement.where(*KeyRange(spec["first"], spec["end"]).where(table.c[spec["key"]]))
        streamed = connection.execution_options(stream_results=True, max_row_buffer=min(batch_rows, 5000))
        for rows in _gathered(streamed.execute(statement), batch_rows, batch_bytes):
            yield from shortened(bounded(readable_text(_batch(rows, columns)), batch_rows, batch_bytes))


def _table(schema: str, name: str, columns: Sequence[ColumnInfo]) -> sa.TableClause:
    return sa.table(name, *[sa.column(column.name) for column in columns], schema=schema)


def _key(columns: Sequence[ColumnInfo]) -> str | None:
    keys = [column for column in columns if column.primary_key]
    return keys[0].name if len(keys) == 1 and keys[0].type == "integer" else None


def _spans(connection: sa.Connection, table: sa.TableClause, key: Any, rows: int) -> list[KeyRange]:
    low, high = connection.execute(sa.select(sa.func.min(key), sa.func.max(key)).select_from(table)).one()

    def count(first: int, last: int, width: int) -> dict[int, int]:
        bucket = sa.func.floor((key - first) / sa.cast(width, sa.Numeric(38, 6)))
        wanted = sa.select(bucket.label("place"), sa.func.count().label("held")).select_from(table)
        wanted = wanted.where(key >= first, key <= last).group_by(bucket)
        return {int(place): int(held) for place, held in connection.execute(wanted)}

    return ranges(int(low), int(high), 1 << (rows.bit_length() - 1), count)


def _rows(connection: sa.Connection, table: sa.TableClause, key: str | None, span: KeyRange) -> int:
    where = span.where(table.c[key]) if key else []
    return int(connection.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def _partition(
    path: str, number: int, table: tuple[Sequence[ColumnInfo], str | None], span: KeyRange, rows: int | None
) -> Partition:
    columns, key = table
    return Partition(
        asset=path,
        number=number,
        kind="warehouse.range" if key else "warehouse.whole",
        spec={
            "columns": [[column.name, column.type] for column in columns],
            "key": key,
            "first": span.first,
            "end": span.end,
        },
        columns=tuple(column.name for column in columns),
        rows_estimate=rows,
        fingerprint=uuid.uuid4().hex,
    )


def _gathered(result: Any, most_rows: int, most_bytes: int) -> Iterator[list[Sequence[Any]]]:
    """Rows in lists of about so many bytes, by what the lists before them held."""
    size = min(most_rows, _SHORT)
    while rows := result.fetchmany(size):
        yield rows
        held = sum(len(value) if isinstance(value, str | bytes) else 8 for row in rows for value in row) + len(rows)
        size = max(1, min(most_rows, 2 * size, most_bytes * len(rows) // held))


def _batch(rows: Sequence[Sequence[Any]], columns: Sequence[ColumnInfo]) -> pa.RecordBatch:
    arrays, lost = [], {}
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        array, missing = _array(values, _TYPES.get(column.type, pa.string()))
        arrays.append(array)
        if missing:
            lost[column.name] = missing
    fields = [pa.field(column.name, array.type) for column, array in zip(columns, arrays, strict=True)]
    metadata = {UNREADABLE: json.dumps(lost)} if lost else None
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def _array(values: Sequence[Any], type_: pa.DataType) -> tuple[pa.Array, int]:
    """The values as the type, and how many became null; as text if they are of other types than was declared."""
    if pa.types.is_string(type_):
        return pa.array([None if value is None else _text(value) for value in values], type_), 0
    if pa.types.is_timestamp(type_):
        values = [_naive(value) for value in values]
    try:
        array = pa.array([float(v) if isinstance(v, Decimal) else v for v in values], type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kept = [_one(value, type_) for value in values]
        return pa.array(kept, type_), kept.count(None) - list(values).count(None)
    return in_calendar(array) if pa.types.is_date(type_) or pa.types.is_timestamp(type_) else (array, 0)


def _one(value: Any, type_: pa.DataType) -> Any:
    try:
        return pa.array([value], type_)[0].as_py()
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None


def _naive(value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return text_of(bytes(value))
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | tuple) else str(value)
