"""Sheets of Excel workbooks: .xlsx and .xlsm (ECMA-376), and .xls (BIFF8), read by calamine.

Each sheet is a table of its own (`tables`). Every cell is read as text, as Excel stores it and not as it is shown: a
number without a fraction as an integer, a date in ISO 8601. A workbook is unpacked in memory, so that its size is
looked at first, by unpacking it once in parts: what its directory says of sizes may be a lie, and so a bomb.
"""

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, WorksheetNotFound

from cluster.connectors.batches import bounded
from cluster.connectors.interface import ColumnInfo
from cluster.connectors.options import flag
from cluster.errors import SourceError, SourceObjectGone, SourceUnreadable
from cluster.formats.csv_dialect import has_header
from cluster.formats.layout import CHUNK, Content, Inspected, Piece, Way
from cluster.formats.long_texts import shortened
from cluster.formats.names import unique
from cluster.formats.texts import type_of

if TYPE_CHECKING:
    import pyarrow as pa
    from python_calamine import CalamineSheet

LARGEST_FILE, LARGEST_UNPACKED, MOST_CELLS = 64 << 20, 256 << 20, 8_000_000
"""Bytes of a workbook, bytes that it unpacks to, and cells of the rectangle that a sheet spans."""
_PACKED, _BINARY = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PLACE = re.compile(rb"""[ <]r=["']([A-Z]{1,3})(\d{1,7})["']""")
_OVERLAP = 32  # bytes, more than the place of a cell takes
_SAMPLED = 1000
Rows = list[list[str]]


def tables(content: Content, way: Way) -> list[str]:
    """The names of the sheets that hold cells; those that people hide count too."""
    if not content.size:
        return []
    with _guarded(content):
        book = _opened(content)
        kinds = {told.name: told.typ for told in book.sheets_metadata}
        sheets = [name for name in book.sheet_names if kinds.get(name) == SheetTypeEnum.WorkSheet]
        return [name for name in sheets if book.get_sheet_by_name(name).height]


def inspect(content: Content, way: Way) -> Inspected:
    """Columns as the first rows show them, with the names of the header where there is one."""
    with _guarded(content):
        sheet = _sheet(content, way.table)
        rows = _texts(sheet, _SAMPLED)
        names, first = _named(rows, way)
        below = rows[first:]
        columns = tuple(
            ColumnInfo(name=name, ordinal=place, type=type_of([row[place] for row in below]), physical_type="cell")
            for place, name in enumerate(names)
        )
        return Inspected(columns, sheet.height - first if names else 0)


def plan(content: Content, way: Way, target_bytes: int) -> list[Piece]:
    """One piece: a workbook cannot be unpacked in parts."""
    with _guarded(content):
        sheet = _sheet(content, way.table)
        names, first = _named(_texts(sheet, _SAMPLED), way)
        rows = sheet.height - first
    if not names or not rows:
        return []
    spec = {"sheet": way.table, "names": list(names), "first": first}
    return [Piece("excel.sheet", spec, names, rows, content.size, ((0, content.size),), spec)]


def read(content: Content, spec: dict[str, Any], batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
    """The rows of the sheet. Raises SourceObjectGone if the workbook has no such sheet any more."""
    import pyarrow as pa

    names = spec["names"]
    with _guarded(content):
        sheet = _sheet(content, spec["sheet"])
        rows: Rows = []
        for row in islice(_lines(sheet, len(names)), spec["first"], None):
            rows.append(row)
            if len(rows) == batch_rows:
                yield from shortened(bounded(_batch(rows, names, pa.string()), batch_rows, batch_bytes))
                rows = []
        yield from shortened(bounded(_batch(rows, names, pa.string()), batch_rows, batch_bytes))


def _batch(rows: Rows, names: Sequence[str], type_: "pa.DataType") -> "pa.RecordBatch":
    import pyarrow as pa

    columns = [pa.array([row[place] or None for row in rows], type_) for place in range(len(names))]
    return pa.RecordBatch.from_arrays(columns, list(names))


def _named(rows: Rows, way: Way) -> tuple[tuple[str, ...], int]:
    """The names of the columns, and which row is the first behind the header."""
    if not rows:
        return (), 0
    header = flag(way.options, "header")
    if header is None:
        header = has_header(rows)
    return unique(rows[0] if header else [""] * len(rows[0])), int(header)


def _texts(sheet: "CalamineSheet", most: int) -> Rows:
    return list(islice(_lines(sheet, sheet.width), most))


def _lines(sheet: "CalamineSheet", width: int) -> Iterator[list[str]]:
    """The rows that hold anything, as texts; like blank lines of CSV, blank rows are left out."""
    for row in sheet.iter_rows():
        found = [_text(cell) for cell in row[:width]]
        if any(found):
            yield found + [""] * (width - len(found))


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return str(cell.date()) if cell.time() == dt.time() else str(cell)
    return str(cell)


def _sheet(content: Content, name: str) -> "CalamineSheet":
    try:
        return _opened(content).get_sheet_by_name(name)
    except WorksheetNotFound:
        raise SourceObjectGone(f"{content.name} has no such sheet any more.", "Discover the source again.") from None


def _opened(content: Content) -> CalamineWorkbook:
    if content.size > LARGEST_FILE:
        raise _too_large(content)
    head = content.read_at(0, 4)
    if head not in (_PACKED, _BINARY):
        raise SourceUnreadable(f"{content.name} is no Excel workbook, or is cut off.", "Save it again in Excel.")
    data = io.BytesIO(content.read_at(0, content.size))
    if head == _PACKED:
        _weigh(data, content)
        data.seek(0)
    return CalamineWorkbook.from_filelike(data)


def _weigh(data: io.BytesIO, content: Content) -> None:
    """Unpacks all members in parts. Raises SourceUnreadable if they, or the span of a sheet's cells, are too large."""
    left = LARGEST_UNPACKED
    with zipfile.ZipFile(data) as packed:
        for member in packed.infolist():
            left -= member.file_size
            if left < 0:
                raise _too_large(content)
            sheet = member.filename.startswith("xl/worksheets/")
            low, high = [1 << 30, 1 << 30], [0, 0]
            with packed.open(member) as unpacked:  # fails if there is more than the directory says
                before = b""
                while part := unpacked.read(CHUNK):
                    if sheet:
                        _span(before + part, low, high)
                        before = part[-_OVERLAP:]
            if high[0] and (high[0] - low[0] + 1) * (high[1] - low[1] + 1) > MOST_CELLS:
                raise _too_large(content)


def _span(part: bytes, low: list[int], high: list[int]) -> None:
    """Widens the rectangle by the cells that a part of a sheet names."""
    for letters, digits in _PLACE.findall(part):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        place = (int(digits), column)
        for axis in (0, 1):
            low[axis], high[axis] = min(low[axis], place[axis]), max(high[axis], place[axis])


def _too_large(content: Content) -> SourceUnreadable:
    return SourceUnreadable(
        f"{content.name} is too large to be unpacked in memory, or spans too many cells.",
        "Save it as CSV or Parquet.",
    )


@contextmanager
def _guarded(content: Content) -> Iterator[None]:
    try:
        yield
    except PasswordError:
        raised = SourceUnreadable(f"{content.name} is protected by a password.", "Save it without one.")
    except SourceError:
        raise
    except BaseException as error:
        if not isinstance(error, _DAMAGE) and type(error).__name__ != "PanicException":  # of Rust, and no Exception
            raise
        raised = SourceUnreadable(
            f"{content.name} is damaged or no Excel workbook ({type(error).__name__}).", "Save it again in Excel."
        )
    else:
        return
    raise raised from None


_DAMAGE = (CalamineError, zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, EOFError, RuntimeError)
