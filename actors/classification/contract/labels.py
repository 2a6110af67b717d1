"""Labels of columns: values, and the commands about evidence and the decisions of people."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.classification.contract.watch import ShadowSeen
from cluster.detectors.compile import RuleSetSpec
from cluster.kernels.report import AssetEvidence, ClassEvidence, TextFindings
from cluster.ml.guess import Guess
from cluster.runtime.commands import Command

GROUP = "classification"

Origin = Literal["machine", "human"]
GuessTier = Literal["model", "language"]
LabelState = Literal["automatic", "review", "confirmed", "rejected"]
# Why a label is wrong, in terms that can be counted and learned from.
ReasonCode = Literal[
    "not_sensitive", "wrong_class", "internal_identifier", "public_information", "test_data", "encrypted", "other"
]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class LabelView(_View):
    """A class on a column: what, how sure, by which method, and why, in words.

    `matched` of `scanned` values hold it; prevalence lies between `low` and `high` at 95 %. `whole_column` is false
    where the class only occurs inside some values. A label a person decided has origin human and never changes by
    itself; `drifted` says that new evidence speaks against it. `tier` is the one that carries the class: `rules`,
    `model` (the column model), `language` (what the name means) or `human`. A model's label has no prevalence, since a
    model says nothing of shares; `model` is the digest of that model.
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
    model: str | None = None
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
    """The figures behind the labels of a column. `texts` are those of its free texts, if it holds prose."""

    asset_id: str
    column: str
    method: Literal["census", "sample"]
    rules_digest: str
    classes: tuple[ClassEvidence, ...]
    texts: TextFindings | None = None
    observed_at: datetime


class ClassifyReceipt(_View):
    """How many columns were looked at and how many labels were made, changed and withdrawn."""

    columns: int
    created: int
    changed: int
    withdrawn: int
    unchanged: int


class ColumnGuesses(_View):
    """What a model said of a column. `question` is the digest of all that it was told, `model` that of the model."""

    asset: str
    column: str
    tier: GuessTier
    question: str
    model: str
    guesses: tuple[Guess, ...]


class Answers(_View):
    """What the tiers said of the columns that they were asked about, and what came of asking.

    asked: questions that a model has answered now, by tier; reused: those it had answered before. skipped: why a tier
    whose model is missing or corrupt took no part; absent: tiers whose packages are not installed, on purpose perhaps.
    lost: no worker could ask at all. shadows: how versions that only are asked would have answered. texts: how many
    free texts tier 3 has read in the scans, of so many `cells` of all columns that these read.
    """

    guesses: tuple[ColumnGuesses, ...] = ()
    asked: dict[str, int] = {}
    reused: dict[str, int] = {}
    skipped: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    lost: bool = False
    texts: int = 0
    cells: int = 0
    shadows: tuple[ShadowSeen, ...] = ()


class ClassifyAssets(Command[ClassifyReceipt]):
    """Internal: recomputes the machine labels of these assets from evidence. Human decisions stay as they are.

    `rules` is the rule set the evidence was gathered with, whose thresholds decide; left out, the default one.
    `guesses` are all that models say of columns of these assets, and take the place of what they said before; left
    out, that stays. `shadows` is added up.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:internal"
    source_id: str
    evidence: tuple[AssetEvidence, ...]
    rules: RuleSetSpec | None = None
    guesses: tuple[ColumnGuesses, ...] | None = None
    shadows: tuple[ShadowSeen, ...] = ()


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
    reason_code: ReasonCode | None = None


class MoveDecisions(Command[ClassifyReceipt]):
    """Internal: assets go by new names; what people decided about the old ones is in force on them.

    `moves` are triples of the old asset's id, the new one's, and its path. What was decided on the new one stays.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:internal"
    source_id: str
    moves: tuple[tuple[str, str, str], ...]


class ReviewItem(_View):
    """A label that waits for a person, and what the answer is worth.

    value = stake * doubt * log2(1 + alike): stake is 1, 2, 4, 8 from Public to Restricted; doubt is 1 where the machine
    is as likely right as wrong and 0 where it is sure; `alike` counts the labels under review of the same class on
    columns of the same name, this one included, which one answer can settle together. A label whose decision drifted
    has full doubt.
    """

    label: LabelView
    value: float
    alike: int


class ClassPrecision(_View):
    """How many of the machine's labels of a class people approved; `low` and `high` bound the share at 95 %."""

    data_class: str
    decided: int
    approved: int
    precision: float
    low: float
    high: float
    automatic_decided: int
    automatic_approved: int


class DecisionBatch(_View):
    """What came of deciding many labels at once; `batch_id` undoes it. `unknown` are ids of labels that are no more."""

    batch_id: str
    decided: int
    unchanged: int
    unknown: tuple[str, ...]


class DecideLabels(Command[DecisionBatch]):
    """One decision on many labels, all or none. `alike` takes in all labels under review that are like one of them."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:decide"
    label_ids: tuple[str, ...] = Field(min_length=1, max_length=1000)
    decision: Literal["confirm", "reject"]
    reason: str = Field("", max_length=2000)
    reason_code: ReasonCode | None = None
    alike: bool = False


class UndoDecisions(Command[DecisionBatch]):
    """Takes a batch back: what was decided before it is in force again. What was decided since stays.

    Raises NotFound for a batch that never was. Repeating it changes nothing.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:decide"
    batch_id: str


class WithdrawDecision(Command[LabelView]):
    """Takes a person's decision back; the label is the machine's again.

    Where the machine finds nothing the label is no more; the result then shows it as it was.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "classification:decide"
    label_id: str
