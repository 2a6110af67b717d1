"""A document as PDF. What the font has no sign for is printed by its number (\\u4e2d), so that nothing is lost."""

import io
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from actors.compliance.documents import Document, Table

FONT, BOLD = "Vera", "VeraBd"
MARGIN: Final = 36
LONGEST: Final = 400  # printed signs of a cell, which has to fit on a page
_WIDTHS: Final[dict[str, float]] = {
    "title": 3, "why": 4, "what to do": 4, "on": 3, "check": 2, "control": 1.6, "since": 1.8, "verdict": 1.6,
    "severity": 1.2, "decided by": 1.4,
}  # fmt: skip
"""Of the width of a column, where it is not 1."""
_SHADES: Final = {"fail": "#ffdddd", "pass": "#ddffdd"}


def as_pdf(made: Document) -> bytes:
    """Pages in landscape A4, numbered, the heads of tables on each. Equal documents give equal bytes."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles, out = _styles(), io.BytesIO()
    size = landscape(A4)
    pages = SimpleDocTemplate(
        out, pagesize=size, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=_printable(made.title), author="Sextant", invariant=1,
    )  # fmt: skip
    story: list[Any] = [Paragraph(_text(made.title), styles["title"])]
    story += [Paragraph(_text(line), styles["line"]) for line in made.lines]
    for table in made.tables:
        story += [Spacer(1, 12), Paragraph(_text(table.caption), styles["caption"]), Spacer(1, 4)]
        story.append(_table(table, size[0] - 2 * MARGIN, styles))
    pages.build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return out.getvalue()


def _table(table: Table, width: float, styles: dict[str, Any]) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import LongTable, Paragraph

    shares = [_WIDTHS.get(column, 1.0) for column in table.columns]
    place = table.columns.index("verdict")
    look: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#bbbbbb")), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eeeeee")),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]  # fmt: skip
    cells = [[Paragraph(_text(column), styles["head"]) for column in table.columns]]
    for number, row in enumerate(table.rows, 1):
        cells.append([Paragraph(_text(cell), styles["cell"]) for cell in row])
        if shade := _SHADES.get(row[place]):
            look.append(("BACKGROUND", (place, number), (place, number), colors.HexColor(shade)))
    return LongTable(cells, [width * share / sum(shares) for share in shares], repeatRows=1, style=look)


def _numbered(canvas: Any, pages: Any) -> None:
    canvas.setFont(FONT, 7)
    canvas.drawRightString(canvas._pagesize[0] - MARGIN, MARGIN / 2, f"{_printable(pages.title)} · {pages.page}")


@cache
def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))  # which come with reportlab
    body = ParagraphStyle("line", fontName=FONT, fontSize=9, leading=12)
    small = {"fontSize": 6.5, "leading": 8, "splitLongWords": 1}
    return {
        "title": ParagraphStyle("title", body, fontName=BOLD, fontSize=15, leading=20, spaceAfter=6),
        "line": body,
        "caption": ParagraphStyle("caption", body, fontName=BOLD),
        "head": ParagraphStyle("head", body, fontName=BOLD, **small),
        "cell": ParagraphStyle("cell", body, **small),
    }


@cache
def _signs() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    _styles()
    return frozenset(pdfmetrics.getFont(FONT).face.charToGlyph)


def _printable(text: str) -> str:
    known, line = _signs(), " ".join(text[: 2 * LONGEST].split())
    printed = "".join(sign if ord(sign) in known else f"\\u{ord(sign):04x}" for sign in line)
    return printed if len(printed) <= LONGEST and len(text) <= 2 * LONGEST else f"{printed[:LONGEST]} ..."


def _text(text: str) -> str:
    """As a paragraph takes it, whose markup names must not be."""
    return escape(_printable(text)) or "-"
