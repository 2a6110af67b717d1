"""What a model says of a column: the one form in which tiers 2 and 3 hand on what they believe."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Guess(BaseModel):
    """A class with its calibrated probability, from 0 to 1, the tier that says so, and why, in words.

    Reasons name features and figures and hold no value of the source. `sure`: the probability is above the threshold of
    its class, from which the model was right in 99 % of the cases where its thresholds were found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_class: str
    probability: float = Field(ge=0, le=1)
    tier: Literal["model", "language"]
    reasons: tuple[str, ...] = ()
    sure: bool = False
