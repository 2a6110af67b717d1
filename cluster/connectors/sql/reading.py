"""The rows of a range of keys, as bounded batches out of one read transaction."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from cluster.connectors.batches import bounded, readable_text, text_of
from cluster.connectors.interface import Partition
from cluster.connectors.key_range import KeyRange
from cluster.connectors.sql.database import Database, Delivered, Relation
from cluster.connectors.sql.planning import relation_of
from cluster.errors import SourceObjectGone

_TYPES: dict[Delivered, pa.DataType] = {
    "int64": pa.int64(), "double": pa.float64(), "string": pa.string(), "binary": pa.binary()
}  # fmt: skip


def read_range(database: Database, partition: Partition, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of the partition. Raises SourceObjectGone if the table, or these rows of it, were changed since.

    A column arrives in one type throughout: that of its declaration if all of its values in the range have it, else
    as text.
    """
    spec, what = partition.spec, partition.asset
    with database.transaction(what) as connection:
        relation = relation_of(database, connection, what)
        span = KeyRange(spec["first"], spec["end"])
        if relation.shape != spec["shape"] or (
            spec["mark"] is not None and spec["mark"] != database.content(connection, relation, span).mark
        ):
            raise SourceObjectGone(f"{what} was changed after it was planned.", "Scan the source again.")
        survey = database.survey(connection, relation, spec["types"], span)
        rows = max(1, min(batch_rows, batch_bytes // max(1, survey.most_bytes)))
        statement = _select(relation, partition.columns, span)
        schema = pa.schema([(name, _TYPES[survey.types[name]]) for name in partition.columns])
        for part in database.rows(connection, statement, rows):
            columns = zip(zip(*part, strict=True), schema, strict=True)
            arrays = [_array(values, field.type) for values, field in columns]
            batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
            yield from bounded(readable_text(batch), batch_rows, batch_bytes)


def _select(relation: Relation, columns: Sequence[str], span: KeyRange) -> sa.Select[*tuple[Any, ...]]:
    wanted: sa.Select[*tuple[Any, ...]] = sa.select(*[sa.column(name) for name in columns]).select_from(
        sa.table(relation.name)
    )
    if relation.key is None:
        return wanted
    key: sa.ColumnElement[int] = sa.column(relation.key)
    return wanted.where(*span.where(key)).order_by(key)


def _array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    kinds = set(map(type, values)) - {type(None)}
    if not pa.types.is_string(type_):
        return pa.array(values, type_)
    if kinds <= {str}:
        return pa.array(values, type_)
    if kinds <= {bytearray}:
        return pa.array(values, pa.binary()).view(pa.string())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    return text_of(bytes(value)) if isinstance(value, bytes | bytearray) else str(value)
