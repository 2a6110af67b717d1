"""What other groups and the doors may know of the classification group: its values and its commands."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.detectors.compile import RuleSetSpec
from cluster.kernels.report import AssetEvidence, ClassEvidence
from cluster.runtime.commands import Command

GROUP = "classification"

Origin = Literal["machine", "human"]
LabelState = Literal["automatic", "review", "confirmed", "rejected"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class LabelView(_View):
    """A class on a column: what, how sure, by which method, and why, in words.

    `matched` of `scanned` values hold it; prevalence lies between `low` and `high` at 95 %. `whole_column` is false
    where the class only occurs inside some values. A label a person decided has origin human and never changes by
    itself; `drifted` says that new evidence speaks against it.
    """

    id: str
    source_id: str
    asset_id: str
    asset: str
    column: str
    data_class: str
    sensitivity: str
    tags: tuple[str, ...]
    confidence: float
    prevalence: float | None
    low: float | None
    high: float | None
    matched: int | None
    scanned: int | None
    method: Literal["census", "sample", "decision"]
    tier: str
    detector: str | None
    whole_column: bool
    origin: Origin
    state: LabelState
    drifted: bool
    reasons: tuple[str, ...]
    updated_at: datetime


class ClassSummary(_View):
    """How many columns of how many assets carry a class."""

    data_class: str
    sensitivity: str
    columns: int
    assets: int
    review: int


class EvidenceView(_View):
    """The figures behind the labels of a column."""

    asset_id: str
    column: str
    method: Literal["census", "sample"]
    rules_digest: str
    classes: tuple[ClassEvidence, ...]
    observed_at: datetime


class ClassifyReceipt(_View):
    """How many columns were looked at and how many labels were made, changed and withdrawn."""

    columns: int
    created: int
    changed: int
    withdrawn: int
    unchanged: int


class ClassifyAssets(Command[ClassifyReceipt]):
    """Internal: recomputes the machine labels of these assets from evidence. Human decisions stay as they are.

    `rules` is the rule set the evidence was gathered with, whose thresholds decide; left out, the default one.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:internal"
    source_id: str
    evidence: tuple[AssetEvidence, ...]
    rules: RuleSetSpec | None = None


class ForgetAssets(Command[ClassifyReceipt]):
    """Internal: withdraws the machine labels of assets that are gone; decisions are kept in case they come back."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:internal"
    source_id: str
    assets: tuple[str, ...]


class DecideLabel(Command[LabelView]):
    """A person's decision on a class of a column: confirm it, reject it, or assign one the machine did not find."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:decide"
    asset_id: str
    column: str = Field(min_length=1, max_length=1000)
    data_class: str = Field(min_length=1, max_length=100)
    decision: Literal["confirm", "reject", "assign"]
    reason: str = Field("", max_length=2000)


class WithdrawDecision(Command[LabelView]):
    """Takes a person's decision back; the label is the machine's again.

    Where the machine finds nothing the label is no more; the result then shows it as it was.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:decide"
    label_id: str
