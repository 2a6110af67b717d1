"""Governed models: versions with their figures and states, and the commands that move them from one state to the next.

registered -> shadow -> canary -> active -> retired. A shadow is asked and never answers; a canary answers for a share
of the assets; one version of a kind is active and answers for the rest.
"""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.ml.figures import Assessment
from cluster.ml.gate import Check, ModelKind
from cluster.runtime.commands import Command

ModelState = Literal["registered", "shadow", "canary", "active", "retired"]
EvaluationState = Literal["pending", "done", "failed"]
MODEL_ID = r"^[a-z]{1,20}-[0-9a-f]{16}$"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Lineage(_View):
    """What a version was made from. `data` is the digest of the training data and `generator` that of what made them.

    `decisions` counts the accepted decisions of people among them; `base` is the digest of the weights that were
    fine-tuned. None where the manifest of the model does not say.
    """

    origin: str
    generator: str | None = None
    data: str | None = None
    base: str | None = None
    seed: int | None = None
    examples: int | None = None
    decisions: int = 0


class ModelView(_View):
    """A version of a model. `share` of the assets are answered for by a canary, from 0 to 1.

    `digest` is that of all its files; `replaced` is the version that was active before it. `gate_passed` is None until
    the version was evaluated; `override` is the reason given for promoting it against the gate.
    """

    id: str
    kind: ModelKind
    name: str
    version: str
    digest: str
    place: Literal["shipped", "home"]
    folder: str
    licence: str
    lineage: Lineage
    state: ModelState
    share: float
    gate_passed: bool | None
    override: str | None
    replaced: str | None
    registered_at: datetime
    registered_by: str
    changed_at: datetime
    changed_by: str


class ModelDetail(ModelView):
    """The same with its card and the figures of its last evaluation."""

    card: str
    evaluation: "EvaluationSummary | None" = None


class EvaluationSummary(_View):
    """One evaluation of a version: each check with threshold and measured figure. `problem` says why it failed."""

    id: str
    model_id: str
    state: EvaluationState
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    passed: bool | None
    checks: tuple[Check, ...]
    refusals: tuple[str, ...]
    macro_f1: float | None
    calibration_error: float | None
    per_second: float | None
    note: str
    problem: str | None


class RegisterModel(Command[ModelView]):
    """Registers the model in the folder `folder` of `models` in the home. Every file is held to its manifest.

    Registering the same files again changes nothing. Raises InvalidInput for a folder that is none or leads out of
    there, ModelUnusable for one whose files are not what its manifest says, Conflict where the files of a known version
    lie in another folder that is there.
    """

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    kind: ModelKind
    folder: str = Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")


class RegisterShipped(Command[ModelView]):
    """Internal: registers the shipped model of a kind. It is active at once where no version is, or its older one."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:internal"
    kind: ModelKind


class EvaluateModel(Command[EvaluationSummary]):
    """Asks for an evaluation; it is done in a worker. One that is pending already is returned."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)


class RecordEvaluation(Command[EvaluationSummary]):
    """Internal: what came of an evaluation: figures, or why there are none."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:internal"
    evaluation_id: str
    assessment: Assessment | None = None
    problem: str | None = Field(None, max_length=1000)


class ShadowModel(Command[ModelView]):
    """Lets a version be asked beside the one that answers, without answering. Raises Conflict if another one is."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)


class _Gated(BaseModel):
    override: str | None = Field(
        None, min_length=10, max_length=1000,
        description="Reason to go on although the gate refuses; needs the permission classification:override.",
    )  # fmt: skip


class CanaryModel(Command[ModelView], _Gated):
    """Lets a version answer for a share of the assets. Raises Conflict with reasons where the gate refuses."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)
    share: float = Field(gt=0, lt=1)


class PromoteModel(Command[ModelView], _Gated):
    """Makes a version the active one of its kind. Raises Conflict with reasons where the gate refuses."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)


class RollBackModel(Command[ModelView]):
    """Takes a version back: an active one gives way to the version that it replaced, a canary no longer answers.

    Results in the version that answers afterwards. Raises Conflict where there is none to go back to.
    """

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)
    reason: str = Field(min_length=1, max_length=1000)


class RetireModel(Command[ModelView]):
    """Puts a version that does not answer out of use. Raises Conflict for the active one."""

    group: ClassVar[str] = "classification"
    permission: ClassVar[str] = "classification:write"
    model_id: str = Field(pattern=MODEL_ID)
