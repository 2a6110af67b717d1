"""Tier 2: boosted trees over the evidence and the names of columns, calibrated, with an honest none.

Works on stored evidence and never on values. A column is judged with the others of its table and with nothing else, so
the same evidence gives the same guesses. Needs xgboost and numpy, and for the meaning of names the embedder of tier 3;
without it the model judges by the rest. One thread.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from cluster.errors import ConfigurationError, ModelUnusable
from cluster.kernels.report import ColumnEvidence
from cluster.ml.column_features import Layout, Matrix, features_of
from cluster.ml.column_names import CHECKED, NAMES_FILE, NONE, KnownNames
from cluster.ml.column_reasons import reason, summed
from cluster.ml.embedding import Embedder
from cluster.ml.guess import Guess
from cluster.ml.packaged import shipped, verified

TREES_FILE, LABELS_FILE = "model.ubj", "labels.json"
LEAST = 0.05  # a guess less probable than this is not told
EXPLAINED = 0.25  # reasons are worked out from here on
MOST = 3


class Calibration(BaseModel):
    """From sums of the trees to probabilities: they are divided by the temperature, and then something is added for
    `none` and for `checked`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float
    none: float
    checked: float

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """[columns, classes] of the sums; `none` is class 0 and `checked` class 1."""
        scaled = margins / self.temperature
        scaled[:, 0] += self.none
        scaled[:, 1] += self.checked
        return softmax(scaled)


class Labels(BaseModel):
    """`labels.json`: the classes and the classes of evidence in the order of the features, and the calibration.

    `thresholds` are probabilities from which a guess is sure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...]
    evidence: tuple[str, ...]
    features: tuple[str, ...]
    calibration: Calibration
    thresholds: dict[str, float]


class ColumnModel:
    """The model of a folder. Threads may share it."""

    def __init__(self, booster: Any, labels: Labels, known: KnownNames, digest: str, embedder: Embedder | None) -> None:
        self._booster, self.labels, self._known, self._embedder = booster, labels, known, embedder
        self.digest = digest
        self.layout = Layout(labels.evidence, labels.classes)

    @classmethod
    def load(cls, folder: Path | None = None, embedder: Embedder | None = None) -> "ColumnModel":
        """The model of a folder, else the shipped one. `embedder` is loaded if it is not given.

        Raises ModelUnusable if a file is missing or corrupt, or was made for other features than this version has.
        """
        chosen = folder or shipped("columns")
        manifest = verified(chosen, (TREES_FILE, LABELS_FILE, NAMES_FILE))
        import xgboost

        try:
            labels = Labels.model_validate(json.loads((chosen / LABELS_FILE).read_text("utf-8")))
            known = KnownNames.load(chosen)
            booster = xgboost.Booster(model_file=str(chosen / TREES_FILE))
        except (ValueError, KeyError, ValidationError, xgboost.core.XGBoostError):
            raise _unusable(chosen, "its files are not those of a column model") from None
        booster.set_param({"nthread": 1})
        if Layout(labels.evidence, labels.classes).features != labels.features or known.classes != labels.classes:
            raise _unusable(chosen, "it was made for other features than this version computes")
        return cls(booster, labels, known, manifest.digest, embedder or _embedder())

    def guess_all(self, columns: Sequence[ColumnEvidence], table: str = "") -> list[tuple[Guess, ...]]:
        """For each column of one table up to three classes, the most probable first, and `none` with its probability
        where that is worth saying; nothing for a column of which nothing was seen."""
        if not columns:
            return []
        features = self.features(columns, table)
        chances = self.probabilities(features)
        explained = [row for row in range(len(columns)) if chances[row, 2:].max() >= EXPLAINED]
        shap = dict(zip(explained, self._contributions(features[explained]), strict=True)) if explained else {}
        return [
            self._guesses(features[row], chances[row], shap.get(row)) if _seen(column) else ()
            for row, column in enumerate(columns)
        ]

    def features(self, columns: Sequence[ColumnEvidence], table: str = "") -> Matrix:
        """[columns, features] by `labels.features`."""
        return features_of(columns, table, self.layout, self._known, self._embedder)

    def probabilities(self, features: Matrix) -> NDArray[np.float64]:
        """[columns, classes], calibrated; class 0 is `none`, class 1 what tier 1 tells by checks."""
        return self.labels.calibration.probabilities(self._margins(features))

    def contributions(self, features: Matrix, data_class: str) -> list[dict[str, float]]:
        """For each column what each feature adds to the log-odds of a class (SHAP, by the trees themselves).

        Raises KeyError for a class that the model does not know.
        """
        if data_class not in self.labels.classes:
            raise KeyError(data_class)
        place = self.labels.classes.index(data_class)
        told = self._contributions(features)[:, place]
        return [dict(zip((*self.labels.features, "bias"), row.tolist(), strict=True)) for row in told]

    def explain(self, columns: Sequence[ColumnEvidence], table: str, column: str, data_class: str) -> dict[str, float]:
        """What each group of features adds to the log-odds of a class of one column, the largest first.

        Raises KeyError for a column that is not there, or a class that the model does not know.
        """
        place = {each.column: row for row, each in enumerate(columns)}[column]
        features = self.features(columns, table)[place : place + 1]
        return summed(self.contributions(features, data_class)[0])

    def importance(self) -> dict[str, float]:
        """The share of the trees' gain by each feature that they use, the largest first."""
        gain = self._booster.get_score(importance_type="total_gain")
        total = sum(gain.values()) or 1.0
        return {name: gain[name] / total for name in sorted(gain, key=lambda name: (-gain[name], name))}

    def _margins(self, features: Matrix) -> NDArray[np.float64]:
        return margins_of(self._booster, features)

    def _contributions(self, features: Matrix) -> NDArray[np.float64]:
        """[columns, classes, features and bias]."""
        import xgboost

        data = xgboost.DMatrix(features, feature_names=self._booster.feature_names, nthread=1)
        told: NDArray[np.float64] = self._booster.predict(data, pred_contribs=True, strict_shape=True)
        return told

    def _guesses(
        self, features: Matrix, chances: NDArray[np.float64], shap: NDArray[np.float64] | None
    ) -> tuple[Guess, ...]:
        told: list[Guess] = []
        for place in np.argsort(-chances, kind="stable"):
            name, chance = self.labels.classes[place], float(chances[place])
            if name == CHECKED:
                continue
            if chance < LEAST or len(told) > MOST:
                break
            why = reason(self.labels.features, features, shap[place]) if shap is not None and name != NONE else ()
            sure = name != NONE and chance >= self.labels.thresholds.get(name, 1.0)
            told.append(
                Guess(data_class=name, probability=round(min(chance, 1.0), 4), tier="model", reasons=why, sure=sure)
            )
        return tuple(told)


def margins_of(booster: Any, features: Matrix) -> NDArray[np.float64]:
    """Sums of the trees for each class, before they become probabilities."""
    import xgboost

    data = xgboost.DMatrix(features, feature_names=booster.feature_names, nthread=1)
    found: NDArray[np.float64] = booster.predict(data, output_margin=True).astype(np.float64)
    return found


def softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of the classes of each row."""
    grown = np.exp(margins - margins.max(1, keepdims=True))
    shares: NDArray[np.float64] = grown / grown.sum(1, keepdims=True)
    return shares


def _seen(column: ColumnEvidence) -> bool:
    profile = column.profile
    return profile.rows - profile.nulls - profile.empties - profile.unreadable > 0


def _embedder() -> Embedder | None:
    try:
        return Embedder.load()
    except (ConfigurationError, ImportError):
        return None


def _unusable(folder: Path, why: str) -> ModelUnusable:
    return ModelUnusable(f"The model {folder.name} cannot be used: {why}.", "Install the package again, or train anew.")
