"""Trains the column model on generated tables, and finds its temperature and thresholds on others.

Training, tuning and evaluation use tables of different seeds; the latter two also other locales and other names of
columns. The same seed and versions give the same bytes: one thread, and every draw by the seed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.detectors.compile import CompiledRules
from cluster.kernels.lexicon import Lexicon, load_lexicon
from cluster.kernels.report import ColumnEvidence
from cluster.ml.column_examples import ExampleTable, table
from cluster.ml.column_features import Layout, shipped_layout
from cluster.ml.column_matrix import UNLISTED, Examples, examples_of, names_for, thinned
from cluster.ml.column_model import Calibration, margins_of
from cluster.ml.column_names import CHECKED, NONE, KnownNames
from cluster.ml.column_scanning import scanned
from cluster.ml.embedding import Embedder

ROUNDS = 40
PART = 50  # tables that are made at once
PARAMETERS: dict[str, Any] = {
    "objective": "multi:softprob", "eta": 0.25, "max_depth": 6, "min_child_weight": 1.0, "subsample": 0.8,
    "colsample_bytree": 0.25, "tree_method": "hist", "max_bin": 64, "lambda": 2.0, "gamma": 0.2, "nthread": 1,
}  # fmt: skip
FIRST = 2  # the place of the first class, after `none` and `checked`
PRECISION = 0.99  # aimed at on tables for tuning, so that 0.98 holds on others
FEWEST = 12  # columns of tuning above a threshold that say something about it
LEAST, MOST = 0.85, 0.995


@dataclass(frozen=True)
class Trained:
    """A booster with what belongs to it. `thresholds` are the probabilities from which a class needs no person.

    `data` is the digest of the features and truths that it was trained on.
    """

    booster: Any
    layout: Layout
    calibration: Calibration
    thresholds: dict[str, float]
    data: str

    def probabilities(self, examples: Examples) -> NDArray[np.float64]:
        """[columns, classes], calibrated."""
        return self.calibration.probabilities(margins_of(self.booster, examples.features))


@dataclass(frozen=True)
class Workshop:
    """What features of generated tables are made with."""

    rules: CompiledRules
    embedder: Embedder
    known: KnownNames
    layout: Layout

    @classmethod
    def of(cls, rules: CompiledRules, embedder: Embedder) -> "Workshop":
        """With the names of columns that training may know."""
        known = KnownNames.of(names_for(training=True), embedder)
        return cls(rules, embedder, known, shipped_layout(known.classes))

    def gather(self, some: Iterable[ExampleTable], lexicons: Sequence[Lexicon], seed: int) -> Examples:
        """The examples of these tables."""
        return examples_of(some, self.scanned, self.layout, self.known, self.embedder, lexicons=lexicons, seed=seed)

    def scanned(self, table: ExampleTable, lexicon: Lexicon | None = None) -> list[ColumnEvidence]:
        """The evidence of a table's columns."""
        return scanned(table, self.rules, lexicon)


def part(shop: Workshop, seed: int, start: int, held_out: bool) -> Examples:
    """The columns of `PART` tables from a place on. For training the lexicon has more or fewer of its words; held-out
    tables are of locales and names that no training table has, and a quarter of the words are not listed."""
    missing = (0.25,) if held_out else UNLISTED
    lexicons = [load_lexicon().without(share, seed) for share in missing]
    made = (table(seed, place, held_out=held_out) for place in range(start, start + PART))
    return shop.gather(made, lexicons, seed + start)


def train(examples: Examples, tuning: Examples, layout: Layout, seed: int, rounds: int = ROUNDS) -> Trained:
    """A model of the examples, with its temperature and thresholds from those for tuning."""
    booster = fit(examples, layout, seed, rounds)
    margins = margins_of(booster, tuning.features)
    calibration = calibrated(margins, tuning.truths)
    thresholds = thresholds_of(calibration.probabilities(margins), tuning.truths, layout.names)
    return Trained(booster, layout, calibration, thresholds, examples.digest)


def fit(examples: Examples, layout: Layout, seed: int, rounds: int) -> Any:
    """The boosted trees of the examples, each twice: whole, and with groups of features left out."""
    import xgboost

    features = np.concatenate([examples.features, thinned(examples, layout, seed)])
    truths = np.concatenate([examples.truths, examples.truths])
    weights = np.concatenate([examples.weights, examples.weights])
    data = xgboost.DMatrix(features, truths, weight=weights, feature_names=feature_names(layout), nthread=1)
    classes = len(layout.names)
    return xgboost.train(PARAMETERS | {"num_class": classes, "seed": seed}, data, num_boost_round=rounds)


def feature_names(layout: Layout) -> list[str]:
    """The names as XGBoost takes them."""
    return [name.replace("[", "(").replace("]", ")").replace("<", "(") for name in layout.features]


def calibrated(margins: NDArray[np.float64], truths: NDArray[np.int64]) -> Calibration:
    """The calibration under which the truths are likeliest: a temperature (Guo et al. 2017) and what is added for
    `none` and `checked`, which are likelier or rarer elsewhere than a class; one after the other, four times over."""
    found = Calibration(temperature=1.0, none=0.0, checked=0.0)
    options = {"temperature": np.arange(0.4, 3.0, 0.05), **dict.fromkeys(("none", "checked"), np.arange(-2, 2, 0.1))}
    for _ in range(4):
        for name, values in options.items():
            tried = [found.model_copy(update={name: round(float(value), 2)}) for value in values]
            found = min(tried, key=lambda each: _surprise(each.probabilities(margins), truths))
    return found


def _surprise(probabilities: NDArray[np.float64], truths: NDArray[np.int64]) -> float:
    return float(-np.log(probabilities[np.arange(len(truths)), truths] + 1e-12).mean())


def thresholds_of(
    probabilities: NDArray[np.float64], truths: NDArray[np.int64], classes: Sequence[str]
) -> dict[str, float]:
    """For each class the least probability from which its columns are right in `PRECISION` of the cases, never under
    `LEAST`; of classes that were seen too little, what holds of all together."""
    best, told = probabilities.argmax(1), probabilities.max(1)
    is_class = best >= FIRST
    overall = _threshold(told[is_class], (best == truths)[is_class])
    found = {}
    for place, name in enumerate(classes):
        if name not in {NONE, CHECKED}:
            mine = best == place
            own = _threshold(told[mine], (truths == place)[mine]) if mine.sum() >= FEWEST else overall
            found[name] = round(min(max(own, overall - 0.05, LEAST), MOST), 3)
    return found


def _threshold(told: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    order = np.argsort(-told)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= PRECISION)
    return float(told[order][good[-1]]) if len(good) else MOST
