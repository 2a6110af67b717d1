"""Reading a part of a table as Arrow record batches of bounded size, by COPY in binary form through ADBC."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from psycopg import sql

from cluster.connectors.batches import UNREADABLE, bounded, in_calendar, readable_text
from cluster.connectors.interface import Partition
from cluster.connectors.postgres.planning import source, within
from cluster.connectors.postgres.relations import path_of
from cluster.connectors.postgres.session import Session
from cluster.errors import SourceObjectGone

_CASTS = {"text": "text", "float8": "float8", "int8": "int8"}  # of a plan only these become SQL
_HINT = "adbc.postgresql.batch_size_hint_bytes"


def read_table(session: Session, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone if the table is no longer the one that was planned.

    Dates and timestamps outside the years 1 to 9999, and infinite ones, become null; how many per column is in the
    schema metadata of the batch (see `cluster.connectors.batches`).
    """
    spec, what, pacer = partition.spec, path_of(partition.spec["schema"], partition.spec["name"]), session.pacer
    aim = pacer.batch_bytes(batch_bytes)
    with session.stream(what) as cursor, session.guarded(what):
        pacer.query()
        cursor.execute(_state(spec))
        same, encoding = cursor.fetchone()
        if not same:
            raise SourceObjectGone(f"{what} was dropped after it was planned.", "Discover the source again.")
        checked = encoding == "SQL_ASCII"  # such a server sends bytes of any encoding as they are
        cursor.adbc_statement.set_options(**{_HINT: str(aim)})
        pacer.query()
        cursor.execute(_select(spec))
        for batch in pacer.batches(iter(cursor.fetch_record_batch()), aim):
            for part in bounded(batch, batch_rows, batch_bytes):
                yield readable_text(_plain(part)) if checked else _plain(part)


def _state(spec: dict[str, Any]) -> str:
    name = sql.Identifier(spec["schema"], spec["name"]).as_string()
    statement = sql.SQL("SELECT coalesce(to_regclass({})::oid = {}::oid, false), current_setting('server_encoding')")
    return statement.format(sql.Literal(name), sql.Literal(int(spec["oid"]))).as_string()


def _select(spec: dict[str, Any]) -> str:
    columns = [_column(sql.Identifier(name), how) for name, how in spec["select"]]
    span = None if spec["first"] is None else (spec["first"], spec["end"])
    place = source(spec["schema"], spec["name"], spec["only"])
    return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(columns), place, within(span)).as_string()


def _column(name: sql.Identifier, how: str) -> sql.Composable:
    if not how:
        return name
    # An integer has no NaN, which every numeric may be.
    form = "CASE WHEN {0} <> 'NaN' THEN {0}::int8 END AS {0}" if how == "int8" else "{0}::{1} AS {0}"
    return sql.SQL(form).format(name, sql.SQL(_CASTS[how]))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Without extension types (numeric and JSON arrive as text in one), and without times that no calendar has."""
    arrays, fields, unreadable = [], [], {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        array = column.storage if isinstance(column.type, pa.ExtensionType) else column
        if pa.types.is_date(array.type) or pa.types.is_timestamp(array.type):
            array, lost = in_calendar(array)
            if lost:
                unreadable[field.name] = lost
        arrays.append(array)
        fields.append(pa.field(field.name, array.type))
    metadata = {UNREADABLE: json.dumps(unreadable)} if unreadable else None
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))
