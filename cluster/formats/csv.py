"""Delimited text: CSV and its relatives, as people really write them.

Every column is read as text. The dialect is found from the head of the file. Short records are padded with nulls and cells
beyond the last column are dropped and counted; bytes that are not UTF-8 are read as Windows-1252. Nothing of this stops a scan.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa

from cluster.formats.interface import UNREADABLE, Description, Part, StoredFile, text_column
from cluster.formats.records import cut_points, record_blocks
from cluster.formats.streams import decoded, head, is_stream

HEAD = 1 << 18
DELIMITERS = ",;\t|"
_TABS = (".tsv", ".tab")


class CsvFormat:
    """Plain files are cut into byte ranges; compressed ones and UTF-16 can only be read from their beginning."""

    name = "csv"

    def describe(self, file: StoredFile) -> Description:
        text = head(file, HEAD)
        if not text.strip():
            return Description(columns=(), rows=0, hints={"stream": is_stream(file)})
        delimiter = "\t" if _suffixed(file.path, _TABS) else _delimiter(text)
        rows = _rows(text, delimiter, complete=len(text) < HEAD)
        header = _has_header(rows)
        names = _unique(rows[0]) if header else [f"column_{place + 1}" for place in range(max(map(len, rows)))]
        hints = {"delimiter": delimiter, "header": header, "stream": is_stream(file)}
        return Description(tuple(text_column(name, place) for place, name in enumerate(names, 1)), None, hints)

    def plan(self, file: StoredFile, hints: dict[str, Any], target_bytes: int) -> list[Part]:
        if not file.size or "delimiter" not in hints:
            return []
        if hints["stream"]:
            return [Part("whole", hints, None, file.size)]
        delimiter = ord(hints["delimiter"])
        with file.open() as stream:
            start = _behind_header(stream, file.size, delimiter) if hints["header"] else _behind_mark(stream)
            points = cut_points(stream, start, file.size, target_bytes, delimiter, ord('"'))
        return [
            Part("byte_range", hints | {"range": [first, end]}, None, end - first)
            for first, end in zip(points, points[1:], strict=False)
        ]

    def read(
        self, file: StoredFile, columns: tuple[str, ...], spec: dict[str, Any], batch_rows: int, batch_bytes: int
    ) -> Iterator[pa.RecordBatch]:
        delimiter = spec["delimiter"]
        with decoded(file) if spec["stream"] else file.open() as stream:
            first, end = spec.get("range") or (0, 1 << 62)
            skip = bool(spec["stream"] and spec["header"])
            for _, block in record_blocks(stream, first, end, ord(delimiter), ord('"'), batch_bytes):
                table, dropped = _parsed(block, columns, delimiter)
                table, skip = table[1:] if skip else table, False
                yield from _batches(table, dropped, batch_rows)


def _parsed(block: bytes, columns: tuple[str, ...], delimiter: str) -> tuple[pl.DataFrame, int]:
    """The records of a block, and how many cells were beyond the last column."""
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        block = block.decode("cp1252", errors="replace").encode()
    schema = {f"c{place}": pl.String for place in range(len(columns))}
    try:
        table = pl.read_csv(
            block, has_header=False, schema=schema | {"beyond": pl.String}, separator=delimiter,
            truncate_ragged_lines=True, raise_if_empty=False,
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        table = _parsed_slowly(block.decode("utf-8", errors="replace"), [*schema, "beyond"], delimiter)
    dropped = table["beyond"].count()
    return table.drop("beyond").rename(dict(zip(schema, columns, strict=True))), dropped


def _parsed_slowly(text: str, names: list[str], delimiter: str) -> pl.DataFrame:
    """The same by Python's reader, which takes quotes in odd places for what they are."""
    width = len(names)
    records = [
        [*(cell or None for cell in record[:width]), *[None] * (width - len(record))]
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if record
    ]
    return pl.DataFrame(records, schema=dict.fromkeys(names, pl.String), orient="row")


def _batches(table: pl.DataFrame, dropped: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    arrow = table.to_arrow()
    if dropped:
        arrow = arrow.replace_schema_metadata({UNREADABLE: str(dropped).encode()})
    for batch in arrow.to_batches(max_chunksize=batch_rows):
        yield batch
        batch = None


def _behind_header(stream: BinaryIO, size: int, delimiter: int) -> int:
    start = _behind_mark(stream)
    for _, block in record_blocks(stream, start, size, delimiter, ord('"'), HEAD):
        from cluster.formats.records import record_ends

        ends = record_ends(block, delimiter, ord('"'))
        return start + int(ends[0]) if len(ends) else size
    return size


def _behind_mark(stream: BinaryIO) -> int:
    stream.seek(0)
    return 3 if stream.read(3) == b"\xef\xbb\xbf" else 0


def _delimiter(text: str) -> str:
    """The delimiter that gives the most fields the most consistently over the first records."""

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(text, delimiter, complete=False)[:200]]
        common = max(set(widths), key=widths.count)
        return (widths.count(common) / len(widths) if common > 1 else 0.0, common)

    return max(DELIMITERS, key=score)


def _rows(text: str, delimiter: str, *, complete: bool) -> list[list[str]]:
    lines = text if complete else text[: text.rfind("\n") + 1] or text
    rows = [row for row in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter) if row]
    return rows[:1000] or [[""]]


def _has_header(rows: list[list[str]]) -> bool:
    """A first record of distinct names, none of which looks like data."""
    first = [cell.strip() for cell in rows[0]]
    if not all(first) or len(set(first)) < len(first) or any(len(cell) > 100 for cell in first):
        return False
    if any(_looks_like_data(cell) for cell in first):
        return False
    return len(rows) == 1 or rows[0] not in rows[1:]


def _looks_like_data(cell: str) -> bool:
    digits = sum(character.isdigit() for character in cell)
    return "@" in cell or digits > len(cell) / 2 or "://" in cell


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in (name.strip() for name in names):
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _suffixed(path: str, suffixes: tuple[str, ...]) -> bool:
    return path.lower().removesuffix(".gz").endswith(suffixes)
