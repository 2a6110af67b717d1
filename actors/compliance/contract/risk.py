"""Risk and what-if: figures with what they are made of."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.compliance.contract.selector import Selector
from actors.compliance.contract.verdicts import Verdict

Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RiskFactor(_Value):
    """One factor from 0 to 1 with its weight, and its share of the score; `assumed` where the fact is not known."""

    name: str
    value: float
    weight: float
    share: float
    assumed: bool


class ColumnRisk(_Value):
    """The risk of a column from 0 to 100; the shares of its factors add up to its score."""

    asset_id: str
    asset: str
    column: str
    score: float
    likelihood: float
    impact: float
    factors: tuple[RiskFactor, ...]


class RiskGroup(_Value):
    """The risk of several columns: `score` is that of the worst, `total` the sum."""

    id: str
    name: str
    score: float
    total: float
    columns: int


class RiskView(_Value):
    """The risk of a source: by asset and by domain the heaviest first, the worst columns, and where the total is from.

    `unknown` assets have not been read, so that nothing is known of what they hold; their risk is in no figure.
    """

    source_id: str
    score: float
    total: float
    columns: int
    unknown: int
    by_factor: dict[str, float]
    assets: tuple[RiskGroup, ...]
    domains: tuple[RiskGroup, ...]
    worst: tuple[ColumnRisk, ...]


class RiskSample(BaseModel):
    """The risk of a source on a day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    source_id: str
    day: date
    score: float
    total: float
    columns: int
    unknown: int
    failing: int


class Change(_Value):
    """A change to be imagined: a fact of the source, or something done to the assets that a selector names."""

    kind: Literal["source_fact", "mask", "revoke_public", "name_owner", "drop_columns", "tag"]
    name: Text | None = None
    value: bool | Text | None = None
    targets: Selector | None = None


class Imagined(_Value):
    """The verdict of a control before and after."""

    framework: str
    control: str
    before: Verdict
    after: Verdict


class WhatIf(_Value):
    """What would be different: risk, and the controls whose verdict would change. Nothing is changed."""

    risk_before: float
    risk_after: float
    total_before: float
    total_after: float
    controls: tuple[Imagined, ...]
