"""The report: figures of answers as lines of text, which are Markdown too."""

from collections.abc import Iterable, Sequence
from typing import Final

from cluster.detectors.taxonomy import load_taxonomy
from tests.accuracy.answers import Answer, Asked
from tests.accuracy.columns import NONE
from tests.accuracy.measures import (
    Score,
    confusions,
    expected_calibration_error,
    macro_f1,
    micro,
    reliability,
    scores,
)

_SENSITIVE: Final = ("Confidential", "Restricted")
_SHOWN: Final = 40


def pairs_of(answers: Iterable[Answer]) -> list[tuple[str, str]]:
    return [(answer.column.truth, answer.judged) for answer in answers]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table of Markdown; numbers to three places."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows), ""]


def _cell(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def summary_row(name: str, answers: Sequence[Answer]) -> list[object]:
    """Columns, macro and micro figures, precision of automatic labels, share of sensitive columns decided, ECE."""
    pairs = pairs_of(answers)
    by_class, whole = scores(pairs), micro(pairs)
    labels = [answer for answer in answers if answer.told != NONE and answer.automatic]
    sensitive = [answer for answer in answers if answer.column.truth in sensitive_classes()]
    decided = sum(answer.automatic and answer.right for answer in sensitive)
    return [
        name,
        len(answers),
        macro_f1(by_class),
        whole.precision,
        whole.recall,
        whole.f1,
        sum(answer.right for answer in labels) / len(labels) if labels else 1.0,
        decided / len(sensitive) if sensitive else 1.0,
        calibration_error(answers),
    ]


SUMMARY: Final = (
    "", "columns", "macro F1", "precision", "recall", "micro F1", "precision of automatic", "sensitive decided", "ECE",
)  # fmt: skip


def sensitive_classes() -> frozenset[str]:
    classes = load_taxonomy().value.classes
    return frozenset(name for name, one in classes.items() if one.sensitivity in _SENSITIVE)


def calibration_error(answers: Iterable[Answer]) -> float:
    """Of labels: the confidence of a class that was told against how often it is right."""
    return expected_calibration_error(reliability(told(answers)))


def told(answers: Iterable[Answer]) -> list[tuple[float, bool]]:
    return [(answer.confidence, answer.right) for answer in answers if answer.told != NONE]


def by_tier(asked: dict[str, Asked]) -> list[str]:
    rows = [[*summary_row(f"tier {name}", one.answers), one.seconds] for name, one in asked.items()]
    lines = ["## By tier", "", *table([*SUMMARY, "CPU s"], rows)]
    return lines + [f"Tiers {name} ran without {why}." for name, one in asked.items() for why in one.skipped]


def by_slice(answers: Sequence[Answer]) -> list[str]:
    names = sorted({part for answer in answers for part in answer.column.slices})
    rows = [summary_row(name, [a for a in answers if name in a.column.slices]) for name in names]
    return ["", "## By slice, all tiers", "", *table(SUMMARY, rows)]


def by_class(answers: Sequence[Answer]) -> list[str]:
    rows = []
    for name, score in scores(pairs_of(answers)).items():
        own = [answer for answer in answers if answer.column.truth == name]
        decided = sum(answer.automatic and answer.right for answer in own) / len(own)
        rows.append([name, len(own), *figures(score), decided])
    return ["## By class, all tiers", "", *table(["class", "columns", "P", "R", "F1", "decided"], rows)]


def figures(score: Score) -> tuple[float, float, float]:
    return score.precision, score.recall, score.f1


def confused(answers: Sequence[Answer]) -> list[str]:
    rows = confusions(pairs_of(answers))[:_SHOWN]
    return ["## What is taken for what", "", *table(["is", "was told", "columns"], rows)]


def calibration(answers: Sequence[Answer]) -> list[str]:
    rows = [[f"{b.low:.1f}", b.count, b.confidence, b.right] for b in reliability(told(answers))]
    return ["## Calibration of what was told", "", *table(["from", "labels", "mean confidence", "right"], rows)]


def public(asked: dict[str, Asked]) -> list[str]:
    """Real tables: most of their columns are no class, so false labels are what to look at."""
    rows = []
    for name, one in asked.items():
        free = [answer for answer in one.answers if answer.column.truth == NONE]
        false = [answer for answer in free if answer.told != NONE and not answer.right]
        automatic = sum(answer.automatic for answer in false)
        rows.append([*summary_row(f"tier {name}", one.answers), len(free), automatic, len(false) - automatic])
    head = [*SUMMARY, "of no class", "false automatic", "false for review"]
    return ["## Real tables", "", *table(head, rows)]


def negatives_of(asked: dict[str, Asked]) -> list[str]:
    rows = []
    for name, one in asked.items():
        false = [answer for answer in one.answers if answer.told != NONE]
        automatic = sum(answer.automatic for answer in false)
        rows.append(
            [f"tier {name}", len(one.answers), automatic, len(false) - automatic, len(false) / len(one.answers)]
        )
    return ["## Hard negatives", "", *table(["", "columns", "automatic", "for review", "share"], rows)]
