"""A local explanation as a value; `cluster.ml.lime` makes it."""

from pydantic import BaseModel, ConfigDict


class Weight(BaseModel):
    """What one part brings to the probability: above 0 it speaks for the class, below 0 against it."""

    model_config = ConfigDict(frozen=True)

    part: str
    weight: float


class Local(BaseModel):
    """The linear model around one answer: probability with all parts and with none, weights, the strongest first.

    `fit` is the weighted share of variance that it explains, at most 1; `asked` is how often the model was asked.
    """

    model_config = ConfigDict(frozen=True)

    probability: float
    without: float
    weights: tuple[Weight, ...]
    fit: float
    asked: int
