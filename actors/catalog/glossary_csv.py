"""A glossary as CSV (RFC 4180): one line a term, relations and abbreviations as names divided by "|".

A cell that a spreadsheet would take for a formula begins with an apostrophe, which is taken off again on import.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from actors.catalog.contract import TermView
from actors.catalog.glossary import INVERSE
from cluster.errors import InvalidInput

COLUMNS: Final = ("name", "definition", "status", "parent", "abbreviations", *INVERSE)
MOST: Final = 20_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


class TermLine(NamedTuple):
    """A term as a file tells it; `line` says where, `relations` are pairs of a relation and a name."""

    line: int
    name: str
    definition: str
    status: str
    parent: str
    abbreviations: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]


def written(terms: Iterable[TermView]) -> str:
    """The terms as CSV with a header line; names that hold "|" or a backslash are escaped."""
    terms = list(terms)
    names = {term.id: term.name for term in terms}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for term in terms:
        related = {relation: [each.name for each in term.related if each.relation == relation] for relation in INVERSE}
        row = [
            term.name,
            term.definition or "",
            term.status,
            names.get(term.parent_id or "", ""),
            joined(term.abbreviations),
        ]
        writer.writerow([safe(cell) for cell in (*row, *(joined(related[relation]) for relation in INVERSE))])
    return out.getvalue()


def read(text: str) -> list[TermLine]:
    """The terms of a CSV text. Raises InvalidInput that names the line for what is not right."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise InvalidInput(
            f"Line {reader.line_num} is not CSV.", "Quote cells that hold quotes or line ends."
        ) from None
    if not rows:
        raise InvalidInput("The text holds no header line.", f"Begin with: {','.join(COLUMNS[:4])}.")
    header = [cell.strip() for cell in rows[0][1]]
    unknown = sorted(set(header) - set(COLUMNS))
    if unknown or "name" not in header or len(set(header)) != len(header):
        raise InvalidInput(
            f"The header has {len(unknown)} unknown columns, lacks `name`, or names a column twice.",
            f"Known are: {', '.join(COLUMNS)}.",
        )
    if len(rows) > MOST:
        raise InvalidInput(f"The text holds more than {MOST} terms.", "Import it in parts.")
    return [_line(number, header, row) for number, row in rows[1:]]


def _line(number: int, header: Sequence[str], row: Sequence[str]) -> TermLine:
    if len(row) != len(header):
        raise InvalidInput(f"Line {number} has {len(row)} cells, not {len(header)}.", "Correct it.")
    cells = dict(zip(header, map(plain, row), strict=True))
    if not cells["name"].strip():
        raise InvalidInput(f"Line {number} has no name.", "Name the term.")
    relations = [(relation, name) for relation in INVERSE for name in split(cells.get(relation, ""))]
    return TermLine(
        number, cells["name"].strip(), cells.get("definition", ""), cells.get("status", "").strip(),
        cells.get("parent", "").strip(), split(cells.get("abbreviations", "")), tuple(relations),
    )  # fmt: skip


def safe(cell: str) -> str:
    """The cell as a spreadsheet may open it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def plain(cell: str) -> str:
    """The cell as it was before `safe`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def joined(names: Iterable[str]) -> str:
    """Names in one cell."""
    return "|".join(name.replace("\\", "\\\\").replace("|", "\\|") for name in names)


def split(cell: str) -> tuple[str, ...]:
    """The names of one cell."""
    names, name, escaped = [], "", False
    for letter in cell:
        if escaped or letter not in "\\|":
            name, escaped = name + letter, False
        elif letter == "\\":
            escaped = True
        else:
            names.append(name)
            name = ""
    return tuple(told for each in (*names, name) if (told := each.strip()))
