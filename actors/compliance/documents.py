"""What auditors are handed of a source: the verdicts of one framework as JSON, CSV, and a document in HTML. Pure.

`printing` makes a PDF of the same document. Names come from sources: CSV makes formulas harmless, HTML escapes all.
"""

import csv
import html
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from actors.compliance.reporting import Report

PRINTED: Final = 500
"""Findings that are printed; what is left out is told as a number, and stands in the CSV and the JSON."""
CONTROLS: Final = ("control", "title", "decided by", "verdict", "attested", "failing", "waived", "undecided", "passing")
FINDINGS: Final = ("control", "check", "on", "verdict", "severity", "state", "since", "why", "what to do")
COLUMNS: Final = (
    "kind", "framework", "control", "title", "automation", "verdict", "attested", "failing", "waived", "insufficient",
    "passing", "finding", "check", "subject", "columns", "severity", "state", "first_seen", "last_changed", "reason",
    "remediation",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_STYLE: Final = (
    "body{font:14px/1.4 sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{border:1px solid #bbb;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#eee}caption{text-align:left;font-weight:bold}.FAIL{background:#fdd}.PASS{background:#dfd}"
)


class Period(NamedTuple):
    """From a moment to before another; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        begin, end = (moment(at) if at else None for at in self)
        return f"{begin or 'the beginning'} to {end or 'now'}"


class Table(NamedTuple):
    """A table with a caption; each row has as many cells as there are columns."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Document(NamedTuple):
    """A title, lines that say what it is about, and tables."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...]


def document(report: Report, period: Period) -> Document:
    """The posture of the one framework of a report, and its heaviest findings, which are of the period."""
    ((framework, posture, findings, left_out),) = report.parts
    decided = sum(one.verdict != "INSUFFICIENT_EVIDENCE" for one in posture.controls)
    lines = (
        f"Source: {report.source} ({report.source_id})",
        f"Framework: {framework.title}, {framework.version}",
        f"Made: {moment(report.now)} by Sextant {report.version}",
        f"Verdicts reached: {period}",
        f"{decided} of {len(posture.controls)} controls have a verdict other than a lack of evidence"
        f" ({posture.coverage:.0%}).",
        f"Of those that facts can decide, fully or in part, {posture.covered:.0%} are decided or attested.",
        "A verdict says what the stored facts show. What was not scanned has not passed. It is no legal advice.",
    )
    controls = [
        (
            one.control, one.title, one.automation, words(one.verdict), "yes" if one.attested else "no",
            *(f"{number:,}" for number in (one.failing, one.waived, one.insufficient, one.passing)),
        )
        for one in posture.controls
    ]  # fmt: skip
    rows = [
        (
            one.control, one.check, one.subject_name, words(one.verdict), one.severity, one.state.replace("_", " "),
            moment(one.last_changed), one.reason, one.remediation,
        )
        for one in findings[:PRINTED]
    ]  # fmt: skip
    more = len(findings) - len(rows) + left_out
    caption = f"Findings, the heaviest first ({more:,} more are not listed)" if more else "Findings, the heaviest first"
    tables = Table("Controls", CONTROLS, controls), Table(caption, FINDINGS, rows)
    return Document(f"{framework.title}: {report.source}", lines, tables)


def as_json(report: Report, period: Period) -> dict[str, Any]:
    """All of it as values."""
    ((framework, posture, found, left_out),) = report.parts
    return {
        "source_id": report.source_id, "source": report.source, "made_at": report.now.isoformat(),
        "sextant": report.version, "since": period.since and period.since.isoformat(),
        "until": period.until and period.until.isoformat(),
        "framework": framework.model_dump(mode="json", exclude={"controls"}),
        "posture": posture.model_dump(mode="json"),
        "findings": [one.model_dump(mode="json") for one in found], "findings_left_out": left_out,
    }  # fmt: skip


def as_csv(report: Report) -> str:
    """A header line, a line for each control and one for each finding (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _lines(report):
        writer.writerow([_safe(str(row.get(column, ""))) for column in COLUMNS])
    return out.getvalue()


def as_html(made: Document) -> str:
    """One page without scripts, which asks for nothing else."""
    title = html.escape(made.title)
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in made.lines),
    ]
    for table in made.tables:
        heads = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in table.columns)
        parts.append(f"<table><caption>{html.escape(table.caption)}</caption><thead><tr>{heads}</tr></thead><tbody>")
        place = table.columns.index("verdict")
        for row in table.rows:
            shade = row[place].upper()
            parts.append(f'<tr class="{shade if shade in ("PASS", "FAIL") else ""}">')
            parts += [f"<td>{html.escape(cell)}</td>" for cell in row]
            parts.append("</tr>")
        parts.append("</tbody></table>")
    return "".join([*parts, "</body></html>\n"])


def words(verdict: str) -> str:
    """A verdict as it is printed: "insufficient evidence"."""
    return verdict.lower().replace("_", " ")


def moment(at: datetime) -> str:
    """A time as it is printed, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _lines(report: Report) -> Iterator[dict[str, Any]]:
    ((framework, posture, found, _),) = report.parts
    for one in posture.controls:
        yield {"kind": "control", **one.model_dump(), "framework": framework.key}
    for finding in found:
        told = finding.model_dump(mode="json", exclude={"columns"})
        yield {"kind": "finding", **told, "finding": finding.fingerprint, "columns": " ".join(finding.columns),
               "subject": finding.subject_name}  # fmt: skip


def _safe(cell: str) -> str:
    """The cell as a spreadsheet may open it: no formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
