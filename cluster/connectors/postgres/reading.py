"""Reading a part of a table as Arrow record batches of bounded size: by COPY through ADBC, or by FETCH under a pace."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from psycopg import sql

from cluster.connectors.batches import UNREADABLE, bounded, in_calendar, readable_text
from cluster.connectors.interface import Partition
from cluster.connectors.postgres.fetching import fetched
from cluster.connectors.postgres.measured import Blocks
from cluster.connectors.postgres.planning import source, within
from cluster.connectors.postgres.session import Session
from cluster.connectors.postgres.types import selected
from cluster.connectors.postgres.wire import PacedConnection
from cluster.connectors.relation_paths import path_of
from cluster.errors import SourceObjectGone

_HINT = "adbc.postgresql.batch_size_hint_bytes"


def read_table(session: Session, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone if the table is no longer the one that was planned.

    Dates and timestamps outside the years 1 to 9999, and infinite ones, become null; how many per column is in the
    schema metadata of the batch (see `cluster.connectors.batches`).
    """
    what, most = path_of(partition.spec["schema"], partition.spec["name"]), (batch_rows, batch_bytes)
    with session.guarded(what):
        paced = session.paced()
        if paced is None:
            yield from _copied(session, partition, what, most)
        else:
            yield from _fetched(session, paced, partition, what, most)


def _copied(session: Session, partition: Partition, what: str, most: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    with session.stream(what) as cursor:
        cursor.execute(_state(partition.spec).as_string())
        same, encoding = cursor.fetchone()
        checked = _checked(same, encoding, what)
        cursor.adbc_statement.set_options(**{_HINT: str(most[1])})
        cursor.execute(_select(partition.spec).as_string())
        yield from _finished(cursor.fetch_record_batch(), most, checked)


def _fetched(
    session: Session, connection: PacedConnection, partition: Partition, what: str, most: tuple[int, int]
) -> Iterator[pa.RecordBatch]:
    (state,) = session.rows(_state(partition.spec), [], what)
    checked = _checked(state["same"], state["encoding"], what)
    spec = partition.spec
    if spec["first"] is None:
        found = fetched(connection, _select(spec), most[0])
    else:
        blocks = Blocks(connection, _from(spec), spec["select"], state["encoding"])
        found = blocks.batches(spec["oid"], spec["first"], spec["end"])
    yield from _finished(found, most, checked)


def _state(spec: dict[str, Any]) -> sql.Composed:
    name = sql.Identifier(spec["schema"], spec["name"]).as_string()
    statement = sql.SQL(
        "SELECT coalesce(to_regclass({})::oid = {}::oid, false) AS same, current_setting('server_encoding') AS encoding"
    )
    return statement.format(sql.Literal(name), sql.Literal(int(spec["oid"])))


def _checked(same: bool, encoding: str, what: str) -> bool:
    """Whether text is to be looked at: a server of SQL_ASCII sends bytes of any encoding as they are."""
    if not same:
        raise SourceObjectGone(f"{what} was dropped after it was planned.", "Discover the source again.")
    return encoding == "SQL_ASCII"


def _finished(batches: Iterable[pa.RecordBatch], most: tuple[int, int], checked: bool) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for part in bounded(batch, *most):
            yield readable_text(_plain(part)) if checked else _plain(part)


def _select(spec: dict[str, Any]) -> sql.Composed:
    columns = [selected(name, how) for name, how in spec["select"]]
    span = None if spec["first"] is None else (spec["first"], spec["end"])
    return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(columns), _from(spec), within(span))


def _from(spec: dict[str, Any]) -> sql.Composed:
    return source(spec["schema"], spec["name"], spec["only"])


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Without extension types but that of JSON (numeric arrives as text in one), and without times of no calendar."""
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
