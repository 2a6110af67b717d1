"""Finding out from its first bytes how a CSV file is written: encoding, delimiter, quote, and if it has a header."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cluster.connectors.batches import text_of
from cluster.connectors.options import flag
from cluster.formats.compression import without_codec
from cluster.formats.csv_blocks import Block, last_cut
from cluster.formats.names import is_name, unique
from cluster.formats.streams import encoding_of
from cluster.formats.texts import type_of

SAMPLE_BYTES = 1 << 18
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 1000
csv.field_size_limit(1 << 30)  # the process-wide limit of 128 KB would refuse long texts; the blocks bound them

Rows = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `skip` bytes of byte order mark and header come before the first row."""

    encoding: str
    delimiter: str
    quote: str
    names: tuple[str, ...]
    skip: int

    def as_spec(self) -> dict[str, Any]:
        return {**asdict(self), "names": list(self.names)}

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> "Dialect":
        return cls(**{**spec, "names": tuple(spec["names"])})


def sniff(head: bytes, whole: bool, name: str, options: Mapping[str, str]) -> tuple[Dialect, Rows]:
    """The dialect of a file that begins with `head` (all of it if `whole`), and its first rows.

    The options `delimiter` and `header` of the source win. A first row is taken for a header only if each of its cells
    can be a name and none of them recurs below it, so that no value becomes a column's name.
    """
    encoding, mark = encoding_of(head)
    data = head[mark:]
    if encoding != "utf-8":
        data, mark = data.decode(encoding, "replace").removeprefix("\ufeff").encode("utf-8", "replace"), 0
    delimiter = _given_delimiter(options) or _delimiter(data, name)
    quote = _quote(data, delimiter)
    rows = _rows(data, whole, delimiter, quote)
    if not rows:
        return Dialect(encoding, delimiter, quote, (), mark), []
    header = flag(options, "header")
    width = max(Counter(len(row) for row in rows).most_common(1)[0][0], len(rows[0]))
    if header is None:
        header = has_header(rows)
    names = unique(rows[0] if header else [""] * width)
    skip = mark + (_first_record(data, delimiter, quote) if header else 0)
    return Dialect(encoding, delimiter, quote, names, skip), rows[1:] if header else rows


def parse(block: Block, delimiter: str, quote: str) -> tuple[Rows, int]:
    """The rows of a block, blank lines left out, and the number of lines whose bytes were not UTF-8."""
    mended = 0
    try:
        text = block.data.decode("utf-8")
    except UnicodeDecodeError:
        raw = block.data.split(b"\n")
        mended = sum(not _decodes(line) for line in raw)
        text = "\n".join(map(text_of, raw))
    lines = io.StringIO(text, newline="")
    if block.plain:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    return [row for row in reader if row], mended


def _decodes(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _given_delimiter(options: Mapping[str, str]) -> str | None:
    given = options.get("delimiter")
    return "\t" if given == "tab" else given


def _rows(data: bytes, whole: bool, delimiter: str, quote: str) -> Rows:
    """The rows of the sample up to the last that is certainly whole."""
    rows: Rows = []
    while data and len(rows) < _ROWS:
        cut, plain = last_cut(data, ord(delimiter), ord(quote), final=whole)
        if not cut:  # one record is longer than the sample
            return rows or parse(Block(data, True), delimiter, quote)[0][:1]
        rows += parse(Block(data[:cut], plain), delimiter, quote)[0]
        data = data[cut:]
    return rows[:_ROWS]


def _first_record(data: bytes, delimiter: str, quote: str) -> int:
    """The length of the first record that is no blank line, with the blank lines before it."""
    start = len(data) - len(data.lstrip(b"\r\n"))
    place = start
    while True:
        ends = [found for mark in (b"\n", b"\r") if (found := data.find(mark, place)) >= 0]
        if not ends:
            return len(data)
        end = min(ends)
        end += 2 if data[end : end + 2] == b"\r\n" else 1
        cut, plain = last_cut(data[start:end], ord(delimiter), ord(quote), final=True)
        if (start + cut == end and not plain) or end == len(data):
            return end
        place = end


def _delimiter(data: bytes, name: str) -> str:
    """The delimiter that cuts most lines of the sample, and the first of them, into the same number of cells."""
    usual = "\t" if without_codec(name.lower()).endswith(".tsv") else ","
    best, best_share, best_width = usual, 0.0, 1
    for candidate in (usual, *(other for other in _DELIMITERS if other != usual)):
        rows = _rows(data[: 1 << 16], len(data) <= 1 << 16, candidate, '"')[:100]
        if not rows:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0]
        share = count / len(rows) * (1.0 if len(rows[0]) == width else 0.5)
        clearly = share > best_share + 0.05
        if width > 1 and (clearly or (share >= best_share - 0.05 and width > best_width)):
            best, best_share, best_width = candidate, share, width
    return best


def _quote(data: bytes, delimiter: str) -> str:
    """A double quote, unless the file has none and quotes cells singly."""
    mark = delimiter.encode()
    single = data.count(mark + b"'") + data.count(b"\n'") + data.startswith(b"'")
    closed = data.count(b"'" + mark) + data.count(b"'\n") + data.count(b"'\r")
    return "'" if b'"' not in data and min(single, closed) >= 2 and single == closed else '"'


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names rather than values (see `sniff`)."""
    first, below = rows[0], rows[1:]
    cells = [cell.strip() for cell in first if cell.strip()]
    if not cells or len(set(cells)) < len(cells) or not all(map(is_name, cells)):
        return False
    if len(cells) < len(first) / 2 or type_of(cells) != "string":
        return False
    return not any(
        place < len(row) and cell.strip() and row[place].strip() == cell.strip()
        for row in below
        for place, cell in enumerate(first)
    )
