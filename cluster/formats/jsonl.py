"""JSON Lines: one JSON value a line (jsonlines.org, ndjson).

Each key of the objects is a column. Every value is read as text, so that a column may hold numbers in one line and
words in another; objects and lists are JSON text. Keys that were not among the sampled lines, or that cannot be names
(keys made of data), are kept together as JSON text in the column `(other)`, and so are lines that are no JSON object:
nothing in the file is left out.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from cluster.connectors.batches import MENDED, bounded, text_of
from cluster.connectors.interface import ColumnInfo, LogicalType
from cluster.formats.layout import Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened
from cluster.formats.names import is_name
from cluster.formats.streams import chunks, head_of, plain
from cluster.formats.texts import type_of

if TYPE_CHECKING:
    import pyarrow as pa

OTHER = "(other)"
SAMPLE_BYTES = 1 << 20
MOST_COLUMNS = 2000
_LONGEST_LINE = 128 << 20
_BOM = b"\xef\xbb\xbf"
Row = dict[str, Any]
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def inspect(content: Content, way: Way) -> Inspected:
    """Columns as sampled lines show them: all of a file up to 1 MB, else its beginning and 15 places in it."""
    names, rows, whole = _sampled(content, way)
    columns = tuple(
        ColumnInfo(name=name, ordinal=place, type=_type(name, rows), physical_type="json")
        for place, name in enumerate(names)
    )
    if whole:
        return Inspected(columns, len(rows))
    sampled = min(content.size, SAMPLE_BYTES * 2)
    return Inspected(columns, None if way.codec else round(len(rows) * content.size / sampled))


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """Byte ranges between lines; one piece for a compressed file."""
    names, _, _ = _sampled(content, way)
    if not names:
        return []
    spec: dict[str, Any] = {"names": list(names), "codec": way.codec}
    if way.codec:
        return [Piece("jsonl.whole", spec, names, None, content.size, ((0, content.size),), spec)]
    return [
        Piece("jsonl.range", {**spec, "start": start, "end": end}, names, None, end - start, ((start, end),), spec)
        for start, end in _ranges(content, target_bytes)
    ]


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of a piece, each column as text."""
    size = max(1 << 16, batch_bytes // 4)
    names, cut = list(spec["names"]), "start" in spec
    parts = chunks(content, spec["start"], spec["end"], size) if cut else plain(content, spec["codec"], size)
    for lines in _lines(parts):
        for first in range(0, len(lines), batch_rows):
            batch = _batch(lines[first : first + batch_rows], names)
            yield from shortened(bounded(batch, batch_rows, batch_bytes))


def _sampled(content: Content, way: Way) -> tuple[tuple[str, ...], list[Row], bool]:
    """Names of the columns, the rows of the sample, and whether that is the whole file."""
    head = head_of(content, way.codec, SAMPLE_BYTES)
    whole = len(head) < SAMPLE_BYTES
    lines = _whole_lines(head, first=True, last=whole)
    if not whole and not way.codec:
        window = SAMPLE_BYTES // 16
        for place in range(1, 16):
            start = SAMPLE_BYTES + (content.size - SAMPLE_BYTES - window) * place // 15
            if start > SAMPLE_BYTES:
                lines += _whole_lines(content.read_at(start, window), first=False, last=False)
    seen: Counter[str] = Counter()
    rows: list[Row] = []
    for line in lines:
        row, _ = _row(line)
        rows.append(row)
        seen.update(dict.fromkeys(row, 1))
    kept = {name for name, _ in seen.most_common(MOST_COLUMNS) if name != OTHER}
    names = tuple(name for name in seen if name in kept)  # in the order of their first line
    if lines and (not whole or OTHER in seen or len(kept) < len(seen)):
        names += (OTHER,)
    return names, rows, whole


def _whole_lines(data: bytes, *, first: bool, last: bool) -> list[bytes]:
    lines = data.removeprefix(_BOM).split(b"\n")
    lines = lines if first else lines[1:]
    return [line for line in (lines if last else lines[:-1]) if line.strip()]


def _type(name: str, rows: list[Row]) -> LogicalType:
    values = [row[name] for row in rows if row.get(name) is not None]
    if name == OTHER or (values and all(isinstance(value, list | dict) for value in values)):
        return "json"
    return type_of([_text(value) for value in values])


def _ranges(content: Content, target_bytes: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < content.size:
        end = _next_line(content, start + target_bytes) if start + target_bytes < content.size else content.size
        yield start, end
        start = end


def _next_line(content: Content, place: int) -> int:
    """The beginning of the first line at or after a place; a newline is never within a JSON string."""
    place -= 1
    for part in chunks(content, place, size=1 << 16):
        found = part.find(b"\n")
        if found >= 0:
            return place + found + 1
        place += len(part)
    return content.size


def _lines(parts: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines, a part of the file at a time; only one longer than `_LONGEST_LINE` is cut."""
    held, begun = b"", False
    for part in parts:
        held += part
        if not begun:
            held, begun = held.removeprefix(_BOM), True
        cut = held.rfind(b"\n") + 1 or (len(held) if len(held) >= _LONGEST_LINE else 0)
        if cut:
            ended, held = held[:cut], held[cut:]
            lines = [line for line in ended.split(b"\n") if line and not line.isspace()]
            del ended  # lines may be very long: nothing is kept twice while they are looked at
            yield lines
    if held.strip():
        yield [held]


def _batch(lines: list[bytes], names: list[str]) -> "pa.RecordBatch":
    import pyarrow as pa

    known = set(names)
    rows, mended = _objects(lines), 0
    if rows is None:
        read = [_row(line) for line in lines]
        rows, mended = [row for row, _ in read], sum(bent for _, bent in read)
    for place, row in enumerate(rows):
        if not row.keys() <= known:
            rows[place] = _gathered(row, known)
    arrays = [_column([row.get(name) for row in rows]) for name in names]
    metadata = {MENDED: str(mended).encode()} if mended else None
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(name, pa.string()) for name in names], metadata))


def _objects(lines: list[bytes]) -> list[Row] | None:
    """The objects of all lines by one call of the parser, which takes a third of the time; None if one is no object."""
    try:
        found = json.loads(b"[" + b",".join(lines) + b"]") if len(lines) > 1 else [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None
    if len(found) != len(lines) or not all(type(value) is dict and OTHER not in value for value in found):
        return None
    return cast(list[Row], found)


def _gathered(row: Row, known: set[str]) -> Row:
    """The row with what is no column of its own under `(other)`."""
    rest = {name: value for name, value in row.items() if name not in known}
    before = row.get(OTHER)
    return {**row, OTHER: {**rest, **before} if isinstance(before, dict) else rest}


def _column(values: list[Any]) -> "pa.Array":
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds <= {str}:
            return pa.array(values, pa.string())
        if kinds == {int}:
            return pa.array(values, pa.int64()).cast(pa.string())
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        pass
    texts = [None if value is None else _text(value) for value in values]
    try:
        return pa.array(texts, pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):  # half of a surrogate pair, which JSON can write and UTF-8 cannot
        return pa.array([t if t is None else t.encode("utf-8", "replace").decode() for t in texts], pa.string())


def _row(line: bytes) -> tuple[Row, bool]:
    """The columns of a line, and whether its bytes were not UTF-8. The text of what is no object is under `(other)`."""
    try:
        text, mended = line.decode("utf-8"), False
    except UnicodeDecodeError:
        text, mended = text_of(line), True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return {OTHER: text.strip()}, mended
    row = {key: item for key, item in value.items() if is_name(key) and key != OTHER}
    if len(row) < len(value):
        row[OTHER] = {key: item for key, item in value.items() if key not in row}
    return row, mended


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _encoded(value) if isinstance(value, list | dict) else str(value)
