"""Figures as lines of text that are Markdown too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.accuracy.measures import Score


@dataclass(frozen=True)
class TextFigures:
    """The sections on texts, and the rows (what, target, measured) of the targets that are of texts."""

    lines: list[str]
    targets: list[list[object]]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table of Markdown; numbers to three places."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows), ""]


def _cell(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def figures(score: Score) -> tuple[float, float, float]:
    return score.precision, score.recall, score.f1
