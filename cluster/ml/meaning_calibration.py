"""Fits the probability of a match in meaning: each wording in turn is the name of a column, and does not count itself.

Leaving the wording out makes the task harder than that of a real column whose name is one of the wordings, so the
probabilities are on the careful side. Logistic regression by Newton's method with a small ridge.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cluster.ml.meaning import Column, Meaning, figures
from cluster.ml.wordings import Calibration

RIDGE = 1e-2
STEPS = 50


def fit(meaning: Meaning) -> tuple[Calibration, dict[str, float]]:
    """The weights, and what was seen: columns, share with a guess, share of right ones, expected calibration error."""
    columns = [Column(text) for text in meaning.texts]
    nearness = meaning.nearness(columns, without=range(len(columns)))
    rows: list[NDArray[np.float64]] = []
    right: list[float] = []
    for near, owner in zip(nearness, meaning.owners, strict=True):
        best = int(near[1:].argmax()) + 1
        if near[best] > near[0]:
            rows.append(figures(near, best))
            right.append(float(best == owner))
    weights = logistic(np.array(rows), np.array(right))
    made = Calibration(nearness=weights[0], lead_over_none=weights[1], lead_over_next=weights[2], constant=weights[3])
    told = np.array([made.probability(row) for row in rows])
    seen = {"columns": float(len(columns)), "guessed": len(rows) / len(columns), "right": float(np.mean(right))}
    return made, seen | {"calibration_error": calibration_error(told, np.array(right))}


def logistic(rows: NDArray[np.float64], right: NDArray[np.float64]) -> list[float]:
    """Weights of the columns and the constant, rounded to three digits."""
    given = np.hstack([rows, np.ones((len(rows), 1))])
    weights = np.zeros(given.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(given @ weights, -30, 30)))
        gradient = given.T @ (right - chance) - RIDGE * weights
        curve = (given * (chance * (1 - chance))[:, None]).T @ given + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, gradient)
    return [round(float(weight), 3) for weight in weights]


def calibration_error(told: Sequence[float] | NDArray[np.float64], right: NDArray[np.float64], bins: int = 10) -> float:
    """Mean distance of probability and share of right ones over ten bins, weighted by their size (ECE)."""
    probabilities = np.asarray(told)
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [abs(probabilities[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in set(place)]
    return float(sum(gaps))
