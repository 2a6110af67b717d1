"""Watching models at work: drift of features and scores, shadows beside those that answer, and training anew."""

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.ml.gate import ModelKind
from cluster.runtime.commands import Command, Done

Scorer = Literal["labels", "columns", "embedding"]
RetrainingState = Literal["proposed", "requested", "running", "done", "failed", "dismissed"]
RETRAINED: tuple[ModelKind, ...] = ("columns",)


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class DriftFigure(_View):
    """How far one distribution has moved (`cluster.ml.drift`).

    `name` is a feature of columns, `score` of a model's first guess, or `confidence:<class>` of labels. `against` is
    what it is held against: the first observation of the source under the same version, or the training data.
    """

    name: str
    against: Literal["first", "training"]
    psi: float
    ks: float
    js: float
    before: int
    after: int
    verdict: Literal["stable", "moderate", "large"]


class ObservationView(_View):
    """What one source looked like on one day to one scorer: `labels` as a whole, or a model by its version."""

    source_id: str
    day: date
    scorer: Scorer
    model_id: str
    columns: int
    counts: dict[str, tuple[int, ...]]
    drift: tuple[DriftFigure, ...]
    observed_at: datetime


class RecordObservations(Command[Done]):
    """Internal: looks at what stands of a source now, keeps the counts, and tells of drift."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:internal"
    source_id: str


class ShadowSeen(_View):
    """How a shadow answered beside the version that answers: about how many columns, and how often alike.

    `agreed` counts equal first classes, none among them. `scores` are the shadow's probabilities in tenths, and
    `against_scores` those of the one that answers; no guess is 0.
    """

    kind: ModelKind
    folder: str
    columns: int
    agreed: int
    scores: tuple[int, ...]
    against_scores: tuple[int, ...]


class ShadowReport(_View):
    """What a shadow did over all sources: agreement with the version that answered, and both score distributions."""

    model_id: str
    columns: int
    agreed: int
    agreement: float | None
    scores: tuple[int, ...]
    against_scores: tuple[int, ...]
    since: datetime | None
    until: datetime | None


class RetrainingView(_View):
    """A training: proposed by drift or feedback, or asked for. `model_id` is the version that came of it, a shadow."""

    id: str
    kind: ModelKind
    state: RetrainingState
    reasons: tuple[str, ...]
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    model_id: str | None
    problem: str | None


class RequestRetraining(Command[RetrainingView]):
    """Asks for a training. A proposed one is taken up; one that is under way is returned."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    kind: ModelKind
    reason: str = Field(min_length=1, max_length=1000)


class DismissRetraining(Command[RetrainingView]):
    """Puts a proposal away. Raises Conflict for one that was taken up."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    retraining_id: str = Field(min_length=1, max_length=100)


class BeginRetraining(Command[RetrainingView]):
    """Internal: the job of a requested training is submitted."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:internal"
    retraining_id: str


class FinishRetraining(Command[RetrainingView]):
    """Internal: the job ended with a model in `folder` of the home's models, or with a problem.

    The model is registered as a shadow if no other is one, and its evaluation is asked for.
    """

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:internal"
    retraining_id: str
    folder: str | None = None
    problem: str | None = Field(None, max_length=1000)
