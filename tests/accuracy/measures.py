"""Figures of answers: precision, recall and F1 by class, calibration, confusions. Pure functions of pairs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.accuracy.columns import NONE

BINS = 10


@dataclass(frozen=True)
class Score:
    """Hits, false alarms and misses of one class. With nothing to find and nothing told, all figures are 1."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.hits / (self.hits + self.false) if self.hits + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0

    @property
    def f1(self) -> float:
        """2PR / (P + R), which is 2 hits / (2 hits + false + missed)."""
        whole = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / whole if whole else 1.0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.hits + other.hits, self.false + other.false, self.missed + other.missed)


def scores(pairs: Iterable[tuple[str, str]]) -> dict[str, Score]:
    """By class, of (truth, told). `none` is no class: telling it is a miss, something told for it a false alarm."""
    hits: Counter[str] = Counter()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for truth, told in pairs:
        if truth == told:
            hits[truth] += 1
        else:
            missed[truth] += 1
            false[told] += 1
    found = (set(hits) | set(missed)) - {NONE}
    return {name: Score(hits[name], false[name], missed[name]) for name in sorted(found)}


def macro_f1(by_class: dict[str, Score]) -> float:
    """The mean of the classes' F1 that have columns."""
    return sum(score.f1 for score in by_class.values()) / len(by_class) if by_class else 0.0


def micro(pairs: Sequence[tuple[str, str]]) -> Score:
    """All classes together; a wrong class is a false alarm and a miss."""
    hits = sum(truth == told != NONE for truth, told in pairs)
    false = sum(truth != told and told != NONE for truth, told in pairs)
    missed = sum(truth not in (told, NONE) for truth, told in pairs)
    return Score(hits, false, missed)


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence: how many, how sure on average, how many right."""

    low: float
    count: int
    confidence: float
    right: float


def reliability(answers: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Answers (confidence, right) in bins of equal width."""
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, right in answers:
        rows[min(int(confidence * bins), bins - 1)].append((confidence, right))
    return [
        Bin(place / bins, len(row), sum(c for c, _ in row) / len(row), sum(r for _, r in row) / len(row))
        for place, row in enumerate(rows)
        if row
    ]


def expected_calibration_error(rows: Sequence[Bin]) -> float:
    """The mean distance of confidence and share of right answers, weighted by the answers of each bin."""
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.confidence - row.right) for row in rows) / total if total else 0.0


def confusions(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """What was told for what, the most frequent first."""
    counted = Counter((truth, told) for truth, told in pairs if truth != told)
    return [
        (truth, told, count) for (truth, told), count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
