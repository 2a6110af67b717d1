"""Local explanation of any model: which parts of what it was given carry its answer.

After Ribeiro, Singh and Guestrin, "Why Should I Trust You?" (2016): the model is asked about the thing with some of its
parts left out, and a linear model is fitted to the answers, weighted by how near each is to the whole thing. Its
weights say how much of the probability each part brings, as far as parts add up; `fit` says how far they do.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cluster.ml.local import Local, Weight

SAMPLES: Final = 128
WIDTH: Final = 0.75  # of the kernel over the cosine distance, which lies between 0 and 1
RIDGE: Final = 1e-3
Mask = NDArray[np.bool_]


def lime(parts: Sequence[str], ask: Callable[[Mask], float], *, samples: int = SAMPLES, seed: int = 0) -> Local:
    """Explains `ask`, which gives the probability for the parts that a mask keeps. The same seed asks the same.

    With few parts every combination is asked; with many the whole, nothing, each part left out and alone, and random
    ones.
    """
    masks = _masks(len(parts), samples, np.random.default_rng(seed))
    told = np.array([ask(mask) for mask in masks])
    weights, fit = _fitted(masks, told)
    order = np.argsort(-np.abs(weights), kind="stable")
    return Local(
        probability=float(told[0]), without=float(told[min(1, len(told) - 1)]), fit=fit, asked=len(masks),
        weights=tuple(Weight(part=parts[place], weight=round(float(weights[place]), 4)) for place in order),
    )  # fmt: skip


def _masks(count: int, samples: int, chance: np.random.Generator) -> Mask:
    """The first keeps all and the second nothing; no mask comes twice."""
    if 2**count <= samples:
        every = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return every.astype(bool)[[-1, *range(2**count - 1)]]
    one = np.eye(count, dtype=bool)
    fixed = [np.ones((1, count), bool), np.zeros((1, count), bool), ~one, one]
    kept = chance.random((samples, 1))  # each mask keeps another share, so that near and far ones are asked
    masks = np.concatenate([*fixed, chance.random((samples, count)) < kept])
    return masks[np.sort(np.unique(masks, axis=0, return_index=True)[1])]


def _fitted(masks: Mask, told: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Weights of a ridge regression under the kernel, and the share of variance explained."""
    count = masks.shape[1]
    if not count:
        return np.zeros(0), 1.0
    kept = masks.mean(1)
    distance = 1 - np.sqrt(kept)  # of cosine from the mask that keeps all
    nearness = np.exp(-((distance / WIDTH) ** 2))
    given = np.hstack([masks, np.ones((len(masks), 1))])
    penalty = RIDGE * np.eye(count + 1)
    penalty[-1, -1] = 0.0  # the constant is free
    weights = np.linalg.solve(given.T @ (given * nearness[:, None]) + penalty, given.T @ (nearness * told))
    mean = float(np.average(told, weights=nearness))
    variance = float(np.average((told - mean) ** 2, weights=nearness))
    left = float(np.average((told - given @ weights) ** 2, weights=nearness))
    return weights[:-1], 1.0 if variance < 1e-12 else 1 - left / variance
