"""What other groups and the doors may know of the rule sets group: its values and its commands."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from cluster.detectors.compile import RuleSetSpec
from cluster.runtime.commands import Command

GROUP = "rulesets"
DEFAULT = "default"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class RuleSetView(_View):
    """One version of a rule set. `digest` covers all that can change a result; `order` only changes the speed."""

    name: str
    version: int
    spec: RuleSetSpec
    digest: str
    order: tuple[str, ...]
    detectors: int
    created_at: datetime
    created_by: str


class DetectorCost(_View):
    """What a detector cost and brought: seconds spent on it, values it looked at, values it validated."""

    seconds: float
    scanned: int
    validated: int


class ReviseRuleSet(Command[RuleSetView]):
    """Makes a new version of the rule set `name` (version 1 if it is new). An unchanged spec makes no version."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "rulesets:write"
    name: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")
    spec: RuleSetSpec


class OptimiseOrder(Command[RuleSetView]):
    """Internal: sets the order of evaluation from observed costs: those that decide most per second go first."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "rulesets:internal"
    name: str
    costs: dict[str, DetectorCost]
