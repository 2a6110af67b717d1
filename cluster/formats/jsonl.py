"""JSON Lines: one object a line. Every column is read as text; nested values stay JSON text.

Columns are the keys of the first 64 MiB. Keys that appear only later are kept together as JSON in the column `(other keys)`.
A line that is no object gives a row of nulls and is counted.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from cluster.formats.interface import UNREADABLE, Description, Part, StoredFile, text_column
from cluster.formats.records import cut_points, record_blocks
from cluster.formats.streams import decoded, is_stream

LOOKED_AT = 64 << 20
OTHER = "(other keys)"
_BLOCK = 4 << 20


class JsonLinesFormat:
    """Cut into byte ranges at newlines, which cannot occur inside a JSON value."""

    name = "jsonl"

    def describe(self, file: StoredFile) -> Description:
        keys: dict[str, None] = {}
        looked = 0
        with decoded(file) as stream:
            for _, block in record_blocks(stream, 0, 1 << 62, 10, None, _BLOCK):
                looked += len(block)
                for line in block.splitlines():
                    row = _object(line)
                    keys.update(dict.fromkeys(row or ()))
                if looked >= LOOKED_AT:
                    keys[OTHER] = None
                    break
        columns = tuple(text_column(name, place) for place, name in enumerate(keys, 1))
        return Description(columns, None, {"stream": is_stream(file)})

    def plan(self, file: StoredFile, hints: dict[str, Any], target_bytes: int) -> list[Part]:
        if not file.size:
            return []
        if hints["stream"]:
            return [Part("whole", hints, None, file.size)]
        with file.open() as stream:
            points = cut_points(stream, 0, file.size, target_bytes, 10, None)
        return [
            Part("byte_range", hints | {"range": [first, end]}, None, end - first)
            for first, end in zip(points, points[1:], strict=False)
        ]

    def read(
        self, file: StoredFile, columns: tuple[str, ...], spec: dict[str, Any], batch_rows: int, batch_bytes: int
    ) -> Iterator[pa.RecordBatch]:
        with decoded(file) if spec["stream"] else file.open() as stream:
            first, end = spec.get("range") or (0, 1 << 62)
            for _, block in record_blocks(stream, first, end, 10, None, batch_bytes):
                table, bad = _parsed(block, columns)
                arrow = table.to_arrow()
                if bad:
                    arrow = arrow.replace_schema_metadata({UNREADABLE: str(bad).encode()})
                yield from arrow.to_batches(max_chunksize=batch_rows)


def _parsed(block: bytes, columns: tuple[str, ...]) -> tuple[pl.DataFrame, int]:
    """The rows of a block, and how many lines were no JSON object."""
    schema = dict.fromkeys(columns, pl.String)
    if OTHER not in columns:
        try:
            return pl.read_ndjson(io.BytesIO(block), schema=schema), 0
        except pl.exceptions.PolarsError:
            pass
    rows, bad = [], 0
    for line in block.splitlines():
        if not line.strip():
            continue
        row = _object(line)
        bad += row is None
        rows.append(_texts(row or {}, columns))
    return pl.DataFrame(rows, schema=schema, orient="row"), bad


def _texts(row: dict[str, Any], columns: tuple[str, ...]) -> list[str | None]:
    other = {key: value for key, value in row.items() if key not in columns}
    row = row | {OTHER: other or None} if OTHER in columns else row
    return [_text(row.get(name)) for name in columns]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line.decode("utf-8-sig", errors="replace"))
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
