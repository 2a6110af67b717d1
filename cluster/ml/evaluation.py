"""Making the figures of a model from its answers on things that it never saw."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from cluster.ml.drift import counted, edges_of
from cluster.ml.figures import Bin, ClassScore, Evaluation, GroupCount, Histogram, write_evaluation
from cluster.ml.watched import EDGES, SCORE

__all__ = ["Answer", "Evaluation", "evaluation_of", "histogram", "write_evaluation"]

BINS: Final = 10
NONE: Final = ""


class Answer(NamedTuple):
    """One held-out thing. `truth` and `told` are classes, "" for none or an honest abstention.

    `probability` is the calibrated one of the class that the model holds for likeliest, told or not. `groups` says of
    which locale, script, origin of names or source the thing is.
    """

    truth: str
    told: str
    probability: float
    groups: Mapping[str, str] = {}


def evaluation_of(
    answers: Sequence[Answer], *, data: str, seed: int, features: Mapping[str, npt.ArrayLike] | None = None
) -> Evaluation:
    """The figures of these answers. `features` are numbers of the same held-out things, kept as histograms.

    Macro F1 is the mean over classes that are there. The calibration error is the expected one over ten bins (ECE) of
    what was told; an abstention claims nothing and has none.
    """
    scores = _scores(answers)
    there = [score.f1 for score in scores if score.support]
    told = np.array([answer.probability for answer in answers if answer.told])
    right = np.array([answer.told == answer.truth for answer in answers if answer.told], dtype=float)
    bins = _reliability(told, right)
    given = {SCORE: [answer.probability for answer in answers], **(features or {})}
    kept = {name: histogram(some, _edges(name, some)) for name, some in given.items()}
    return Evaluation(
        data=data, seed=seed, answers=len(answers), classes=scores, micro_f1=_micro(answers),
        macro_f1=sum(there) / max(len(there), 1),
        calibration_error=sum(b.count * abs(b.probability - b.right) for b in bins) / max(len(told), 1),
        reliability=bins, groups=_groups(answers), reference=kept,
    )  # fmt: skip


def histogram(values: npt.ArrayLike, edges: npt.NDArray[np.float64]) -> Histogram:
    """Counts between these inner edges; values that are no number are left out."""
    return Histogram(edges=tuple(map(float, edges)), counts=tuple(int(count) for count in counted(values, edges)))


def _edges(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Those that are watched in sources where the figure is, else bins of about equally many of the values."""
    return np.array(EDGES[name], dtype=np.float64) if name in EDGES else edges_of(values)


def _scores(answers: Sequence[Answer]) -> tuple[ClassScore, ...]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # right, told, there
    for answer in answers:
        counts[answer.told][1] += 1
        counts[answer.truth][2] += 1
        counts[answer.truth][0] += answer.told == answer.truth
    counts.pop(NONE, None)
    return tuple(_score(name, *counts[name]) for name in sorted(counts))


def _score(name: str, right: int, told: int, there: int) -> ClassScore:
    precision, recall = right / max(told, 1), right / max(there, 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return ClassScore(data_class=name, precision=precision, recall=recall, f1=f1, support=there)


def _micro(answers: Sequence[Answer]) -> float:
    right = sum(answer.told == answer.truth != NONE for answer in answers)
    told, there = sum(answer.told != NONE for answer in answers), sum(answer.truth != NONE for answer in answers)
    return 2 * right / (told + there) if told + there else 0.0


def _reliability(told: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> tuple[Bin, ...]:
    place = np.minimum((told * BINS).astype(int), BINS - 1)
    chosen = [place == number for number in range(BINS)]
    return tuple(
        Bin(count=int(each.sum()), probability=float(told[each].mean()), right=float(right[each].mean()))
        if each.any()
        else Bin(count=0, probability=0.0, right=0.0)
        for each in chosen
    )


def _groups(answers: Sequence[Answer]) -> tuple[GroupCount, ...]:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for answer in answers:
        there, was_found = answer.truth != NONE, answer.told == answer.truth if answer.truth else answer.told != NONE
        for dimension, group in answer.groups.items():
            counts[dimension, group][2 * (not there) + (there != was_found)] += 1
    return tuple(
        GroupCount(dimension=dimension, group=group, found=some[0], missed=some[1], left=some[2], wrong=some[3])
        for (dimension, group), some in sorted(counts.items())
    )
