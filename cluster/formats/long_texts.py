"""Texts that are longer than any scan looks at (`RuleSetSpec.text_limit`), cut so that they are not copied about."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_TEXT = (4 << 20) + 4
"""Bytes; more than 2^20 characters, the highest limit there is, so that what a scan reports is the same."""


def shortened(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    """The batches; texts above `LONGEST_TEXT` that stand in a batch alone, as they do in bounded ones, are cut."""
    for batch in batches:
        if batch.num_rows == 1 and batch.nbytes > LONGEST_TEXT:
            yield _cut(batch)
        else:
            yield batch


def _cut(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        if pa.types.is_string(column.type) and column.nbytes > LONGEST_TEXT and column[0].is_valid:
            head = column[0].as_buffer()[:LONGEST_TEXT].to_pybytes()
            columns.append(pa.array([head.decode("utf-8", "ignore")], pa.string()))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
