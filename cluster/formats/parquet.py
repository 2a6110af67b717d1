"""Parquet: cut at row groups, read in batches, so that memory depends on the batch and not on the row group."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.connectors.interface import ColumnInfo, LogicalType
from cluster.errors import SourceUnreadable
from cluster.formats.interface import Description, Part, StoredFile


class ParquetFormat:
    """The footer says what there is; a file without a readable footer was not written to its end."""

    name = "parquet"

    def describe(self, file: StoredFile) -> Description:
        with _opened(file) as parquet:
            schema = parquet.schema_arrow
            columns = tuple(
                ColumnInfo(
                    name=field.name, ordinal=place, type=logical_type(field.type), physical_type=str(field.type)[:200],
                    nullable=field.nullable,
                )
                for place, field in enumerate(schema, 1)
            )  # fmt: skip
            return Description(columns, parquet.metadata.num_rows)

    def plan(self, file: StoredFile, hints: dict[str, Any], target_bytes: int) -> list[Part]:
        parts: list[Part] = []
        with _opened(file) as parquet:
            groups: list[int] = []
            rows = size = 0
            for number in range(parquet.metadata.num_row_groups):
                group = parquet.metadata.row_group(number)
                groups.append(number)
                rows, size = rows + group.num_rows, size + group.total_byte_size
                if size >= target_bytes:
                    parts.append(Part("row_groups", {"groups": groups}, rows, size))
                    groups, rows, size = [], 0, 0
            if rows:
                parts.append(Part("row_groups", {"groups": groups}, rows, size))
        return parts

    def read(
        self, file: StoredFile, columns: tuple[str, ...], spec: dict[str, Any], batch_rows: int, batch_bytes: int
    ) -> Iterator[pa.RecordBatch]:
        with _opened(file) as parquet:
            rows = sum(parquet.metadata.row_group(number).num_rows for number in spec["groups"])
            size = sum(parquet.metadata.row_group(number).total_byte_size for number in spec["groups"])
            fitting = max(256, int(batch_bytes * rows / max(size, 1)))
            try:
                yield from parquet.iter_batches(
                    batch_size=min(batch_rows, fitting), row_groups=spec["groups"], columns=list(columns),
                    use_threads=False,
                )  # fmt: skip
            except (pa.ArrowException, OSError):
                raise _unreadable(file) from None


def logical_type(kind: pa.DataType) -> LogicalType:
    """The logical type of one of Arrow's."""
    if pa.types.is_dictionary(kind):
        return logical_type(kind.value_type)
    tests: tuple[tuple[Any, LogicalType], ...] = (
        (pa.types.is_string, "string"), (pa.types.is_large_string, "string"), (pa.types.is_string_view, "string"),
        (pa.types.is_integer, "integer"), (pa.types.is_floating, "number"), (pa.types.is_decimal, "number"),
        (pa.types.is_boolean, "boolean"), (pa.types.is_date, "date"), (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_time, "time"), (pa.types.is_binary, "binary"), (pa.types.is_large_binary, "binary"),
        (pa.types.is_fixed_size_binary, "binary"), (pa.types.is_nested, "nested"),
    )  # fmt: skip
    return next((name for test, name in tests if test(kind)), "unknown")


def _opened(file: StoredFile) -> pq.ParquetFile:
    stream = file.open()
    try:
        return pq.ParquetFile(stream, pre_buffer=False)
    except (pa.ArrowException, OSError):
        stream.close()
        raise _unreadable(file) from None


def _unreadable(file: StoredFile) -> SourceUnreadable:
    return SourceUnreadable(
        f"{file.path} is not a whole Parquet file.", "Write it again, or remove it.", {"asset": file.path}
    )
