"""The report: figures of answers as lines of text, which are Markdown too."""

from collections.abc import Iterable, Sequence
from typing import Final

from cluster.detectors.taxonomy import load_taxonomy
from tests.accuracy.answers import Answer, Asked
from tests.accuracy.columns import NONE
from tests.accuracy.figures import TextFigures, figures, table
from tests.accuracy.measures import (
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
    rows = [[*summary_row(_tiers(name), one.answers), one.seconds] for name, one in asked.items()]
    lines = ["## Columns by tier", "", *table([*SUMMARY, "CPU s"], rows)]
    return lines + [f"{_tiers(name)} ran without {why}." for name, one in asked.items() for why in one.skipped]


def _tiers(name: str) -> str:
    return "all tiers" if name == "all" else f"tier {name}"


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


def confused(answers: Sequence[Answer]) -> list[str]:
    rows = confusions(pairs_of(answers))[:_SHOWN]
    return ["## What is taken for what", "", *table(["is", "was told", "columns"], rows)]


def calibration(answers: Sequence[Answer]) -> list[str]:
    rows = [[f"{b.low:.1f}", b.count, b.confidence, b.right] for b in reliability(told(answers))]
    return ["## Calibration of what was told", "", *table(["from", "labels", "mean confidence", "right"], rows)]


def by_source(answers: Sequence[Answer]) -> list[str]:
    """Of each set: all figures, and what was told of columns that are no class, which most of real tables are."""
    rows = []
    for source in dict.fromkeys(answer.table.source for answer in answers):
        own = [answer for answer in answers if answer.table.source == source]
        free = [answer for answer in own if answer.column.truth == NONE]
        false = [answer for answer in free if answer.told != NONE and not answer.right]
        automatic = sum(answer.automatic for answer in false)
        rows.append([*summary_row(source, own), len(free), automatic, len(false) - automatic])
    head = [*SUMMARY, "of no class", "false automatic", "false for review"]
    return ["## By set, all tiers", "", *table(head, rows)]


def targets(answers: Sequence[Answer], spans: TextFigures) -> list[str]:
    """What the project wants to reach, and what was measured."""
    by_class = scores(pairs_of(answers))
    low = [name for name, score in by_class.items() if score.f1 < 0.8]
    _, _, macro, _, _, _, precision, decided, error = summary_row("", answers)
    hard = [answer for answer in answers if answer.table.source == "negatives"]
    false = sum(answer.told != NONE for answer in hard) / len(hard)
    rows = [
        ["macro F1 of columns", "at least 0.930", macro],
        ["classes under 0.80", "0", f"{len(low)} of {len(by_class)}"],
        ["precision of automatic labels", "at least 0.980", precision],
        ["sensitive columns decided without a person, rightly", "at least 0.750", decided],
        ["hard negatives with a false label", "at most 0.010", false],
        ["expected calibration error", "at most 0.030", error],
        *spans.targets,
    ]
    lines = ["## Targets and figures", "", *table(["", "target", "measured, all tiers"], rows)]
    return lines + ([f"Under 0.80: {', '.join(low)}.", ""] if low else [])


def negatives_of(asked: dict[str, Asked]) -> list[str]:
    rows = []
    for name, one in asked.items():
        hard = [answer for answer in one.answers if answer.table.source == "negatives"]
        false = [answer for answer in hard if answer.told != NONE]
        automatic = sum(answer.automatic for answer in false)
        rows.append([_tiers(name), len(hard), automatic, len(false) - automatic, len(false) / len(hard)])
    return ["## Hard negatives", "", *table(["", "columns", "automatic", "for review", "share"], rows)]
