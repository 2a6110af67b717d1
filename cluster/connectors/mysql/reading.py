"""Reading a range of a table as Arrow record batches of bounded size, out of one consistent snapshot."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.connectors.batches import UNREADABLE, bounded, readable_text
from cluster.connectors.interface import Partition
from cluster.connectors.key_range import KeyRange
from cluster.connectors.mysql.planning import within
from cluster.connectors.mysql.relations import relation_at
from cluster.connectors.mysql.session import Session, Values
from cluster.connectors.mysql.types import ARRIVALS, FORMS, quoted, selected
from cluster.errors import SourceObjectGone
from cluster.formats.long_texts import shortened

_TYPES = {
    "int64": pa.int64(), "uint64": pa.uint64(), "double": pa.float64(), "string": pa.string(), "binary": pa.binary(),
    "date": pa.date32(), "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", "UTC"),
}  # fmt: skip


_FIRST_PIECE, _PIECES_A_WINDOW = 16, 4


def read_table(session: Session, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone if the table is no longer as it was planned.

    Dates and timestamps that no calendar has (MySQL's zero dates, the thirtieth of February) become null; how many per
    column is in the schema metadata of the batch (see `cluster.connectors.batches`).
    """
    spec, what = partition.spec, partition.asset
    assert set(_TYPES) == set(ARRIVALS)
    with session.snapshot(what):
        relation = relation_at(session, what)
        if relation.shape != spec["shape"]:
            raise SourceObjectGone(f"{what} was changed after it was planned.", "Discover the source again.")
        columns = [(str(name), str(form), _TYPES[arrives]) for name, form, arrives in spec["select"]]
        wanted = ", ".join(selected(name, form) for name, form, _ in columns if form in FORMS)
        where = within(spec["key"], KeyRange(spec["first"], spec["end"]))
        select = f"SELECT {wanted} FROM {relation.source}"  # noqa: S608 - names quoted, numbers are numbers
        found = session.stream(select + where, what)
        if session.pacer.room is not None and spec["unique"]:
            place = [name for name, _, _ in columns].index(spec["key"])
            found = _in_pieces(session, (select, where), what, (spec["key"], place))
        for rows in _gathered(found, batch_rows, batch_bytes):
            batch = _batch(rows, columns)
            yield from shortened(map(readable_text, bounded(batch, batch_rows, batch_bytes)))


def _in_pieces(session: Session, statement: tuple[str, str], what: str, key: tuple[str, int]) -> Iterator[Values]:
    """The rows of a statement in the order of a unique key, asked for in pieces that are small against a window.

    Whatever lies between here and the server holds no more of them than that. Where a table has no such key, what is on
    the way is bounded by the buffers of the connection.
    """
    select, where = statement
    name, place = quoted(key[0]), key[1]
    joint, last, rows = f"{where} AND" if where else " WHERE", where, _FIRST_PIECE
    piece_bytes = max(1, (session.pacer.room or 0) // _PIECES_A_WINDOW)
    while True:
        session.pacer.reserve(piece_bytes)
        count = size = 0
        for row in session.stream(f"{select}{last} ORDER BY {name} LIMIT {rows}", what):
            count, size = count + 1, size + sum(map(len, filter(None, row))) + 4 * len(row)
            last = f"{joint} {name} > {int(row[place] or 0)}"
            yield row
        if count < rows:
            return
        rows = max(1, min(2 * rows, int(rows * piece_bytes / max(1, size))))


def _gathered(rows: Iterator[Values], most_rows: int, most_bytes: int) -> Iterator[list[Values]]:
    """The rows in lists that are bounded in number, and in bytes but for their last row."""
    held: list[Values] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum(map(len, filter(None, row))) + 8 * len(row)
        if len(held) >= most_rows or size >= most_bytes:
            yield held
            held, size = [], 0
    if held:
        yield held


def _batch(rows: Sequence[Values], columns: Sequence[tuple[str, str, pa.DataType]]) -> pa.RecordBatch:
    arrays, fields, unreadable = [], [], {}
    for values, (name, _, type_) in zip(zip(*rows, strict=True), columns, strict=True):
        array, lost = _array(values, type_)
        arrays.append(array)
        fields.append(pa.field(name, type_))
        if lost:
            unreadable[name] = lost
    metadata = {UNREADABLE: json.dumps(unreadable)} if unreadable else None
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def _array(values: Sequence[bytes | None], type_: pa.DataType) -> tuple[pa.Array, int]:
    """The values as the type, and how many are none of it."""
    raw = pa.array(values, pa.binary())
    if pa.types.is_binary(type_):
        return raw, 0
    text = raw.view(pa.string())
    if pa.types.is_string(type_):
        return text, 0
    try:
        return _cast(text, type_), 0
    except pa.ArrowInvalid:
        found = [_one(value, type_) for value in text]
        return pa.array(found, type_), found.count(None) - text.null_count


def _cast(text: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_):
        return pc.cast(text, pa.timestamp("us")).cast(type_) if type_.tz is None else _utc(text)
    return pc.cast(text, type_)


def _utc(text: pa.Array) -> pa.Array:
    return pc.assume_timezone(pc.cast(text, pa.timestamp("us")), "UTC")


def _one(value: pa.Scalar, type_: pa.DataType) -> Any:
    if not value.is_valid:
        return None
    try:
        return _cast(pa.array([value.as_py()], pa.string()), type_)[0].as_py()
    except pa.ArrowInvalid:
        return None
