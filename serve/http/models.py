"""Routes of the governed models: which versions there are, what was measured of them, and which one answers."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from actors.classification import model_queries
from actors.classification.contract import (
    CanaryModel,
    EvaluateModel,
    EvaluationSummary,
    ModelDetail,
    ModelState,
    ModelView,
    PromoteModel,
    RegisterModel,
    RetireModel,
    RollBackModel,
    ShadowModel,
)
from cluster.context import Caller
from cluster.ml.fairness import Fairness
from cluster.ml.figures import Evaluation
from cluster.ml.gate import ModelKind, Thresholds, thresholds
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Limit, Page, page

router = APIRouter(prefix="/models", tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
ModelId = Annotated[str, Path(pattern=r"^[a-z]{1,20}-[0-9a-f]{16}$", examples=["entities-0123456789abcdef"])]
OneKind = Annotated[ModelKind | None, Query(description="Only models of this kind.")]
OneState = Annotated[ModelState | None, Query(description="Only models in this state.")]
Override = Annotated[
    str | None,
    Field(
        min_length=10, max_length=1000,
        description="Reason to go on although the gate refuses; needs the permission classification:override.",
    ),
]  # fmt: skip


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Promotion(_Order):
    """To be the active version."""

    override: Override = None


class Canary(_Order):
    """To answer for a share of the assets."""

    share: float = Field(gt=0, lt=1, description="Share of the assets, chosen by a stable hash.", examples=[0.1])
    override: Override = None


class Reason(_Order):
    """Why a version is taken back."""

    reason: str = Field(min_length=1, max_length=1000, examples=["It finds no towns."])


class FairnessReport(BaseModel):
    """Parity and odds of detection by dimension (name_origin, script, locale, source), each held to the limit."""

    model_id: str
    limit: float
    dimensions: dict[str, Fairness]
    passed: dict[str, bool]


class Wanted(NamedTuple):
    """Which models to list."""

    kind: ModelKind | None
    state: ModelState | None


async def wanted_models(kind: OneKind = None, state: OneState = None) -> Wanted:
    """The filters of a list of models."""
    return Wanted(kind, state)


@router.get("", operation_id="list_models", summary="List models")
def list_all(
    doors: Access, caller: MayRead, wanted: Annotated[Wanted, Depends(wanted_models)], after: After = None,
    limit: Limit = 50,
) -> Page[ModelView]:  # fmt: skip
    """Every version that was ever registered, with its state and lineage."""
    with doors.reading() as session:
        found = model_queries.models(session, *wanted, after, limit + 1)
    return page(found, limit, lambda model: model.id)


@router.post("", status_code=201, operation_id="register_model", summary="Register a model")
async def register(body: RegisterModel, response: Response, doors: Access, caller: Writer) -> ModelView:
    """Registers the model in a folder of `models` in the home of the instance; every file is held to its manifest."""
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/models/{view.id}"
    return view


@router.get("/gates", operation_id="list_model_gates", summary="Read the thresholds of the gate")
def gates(caller: MayRead) -> dict[ModelKind, Thresholds]:
    """What a version of each kind has to reach before it may answer (`configs/gates.yaml`)."""
    return thresholds().value.gates


@router.get("/{model_id}", operation_id="get_model", summary="Read a model")
def get(model_id: ModelId, doors: Access, caller: MayRead) -> ModelDetail:
    """One version with its card and its newest evaluation."""
    with doors.reading() as session:
        return model_queries.model(session, model_id)


@router.post("/{model_id}/evaluations", status_code=202, operation_id="evaluate_model", summary="Evaluate a model")
async def evaluate(model_id: ModelId, response: Response, doors: Access, caller: Writer) -> EvaluationSummary:
    """Measures accuracy, calibration, fairness and speed in a worker, and holds them to the gate."""
    asked = await doors.send(EvaluateModel(model_id=model_id), caller)
    response.headers["Location"] = f"/api/v1/models/{model_id}/evaluations"
    return asked


@router.get("/{model_id}/evaluations", operation_id="list_model_evaluations", summary="List evaluations of a model")
def evaluations(model_id: ModelId, doors: Access, caller: MayRead) -> Page[EvaluationSummary]:
    """The fifty newest, each check with its threshold and what was measured."""
    with doors.reading() as session:
        return Page[EvaluationSummary](items=tuple(model_queries.evaluations(session, model_id)))


@router.get("/{model_id}/figures", operation_id="get_model_figures", summary="Read the figures of a model")
def read_figures(model_id: ModelId, doors: Access, caller: MayRead) -> Evaluation:
    """Precision, recall and F1 by class, the reliability plot, counts by group and reference distributions."""
    with doors.reading() as session:
        return model_queries.evaluation(session, model_id)


@router.get("/{model_id}/fairness", operation_id="get_model_fairness", summary="Read the fairness report of a model")
def read_fairness(model_id: ModelId, doors: Access, caller: MayRead) -> FairnessReport:
    """Demographic parity and equalised odds of detection, on generated data, by group."""
    with doors.reading() as session:
        kind = model_queries.model(session, model_id).kind
        told = model_queries.evaluation(session, model_id)
    limit = thresholds().value.gates[kind].odds_gap
    dimensions = told.fairness(limit)
    passed = {name: found.passed for name, found in dimensions.items()}
    return FairnessReport(model_id=model_id, limit=limit, dimensions=dimensions, passed=passed)


@router.post("/{model_id}/shadow", operation_id="shadow_model", summary="Let a model be asked without answering")
async def shadow(model_id: ModelId, doors: Access, caller: Writer) -> ModelView:
    """It is asked beside the version that answers; how far they agree is counted."""
    return await doors.send(ShadowModel(model_id=model_id), caller)


@router.post("/{model_id}/canary", operation_id="canary_model", summary="Let a model answer for a share")
async def canary(model_id: ModelId, body: Canary, doors: Access, caller: Writer) -> ModelView:
    """It answers for a share of the assets if the gate lets it pass; 409 with the reasons otherwise."""
    return await doors.send(CanaryModel(model_id=model_id, share=body.share, override=body.override), caller)


@router.post("/{model_id}/promotion", operation_id="promote_model", summary="Let a model answer for all")
async def promote(model_id: ModelId, body: Promotion, doors: Access, caller: Writer) -> ModelView:
    """It becomes the active version if the gate lets it pass; 409 with the reasons otherwise."""
    return await doors.send(PromoteModel(model_id=model_id, override=body.override), caller)


@router.post("/{model_id}/rollback", operation_id="roll_back_model", summary="Take a model back")
async def roll_back(model_id: ModelId, body: Reason, doors: Access, caller: Writer) -> ModelView:
    """The version that was active before answers again; a canary no longer does. Tells of the one that answers."""
    return await doors.send(RollBackModel(model_id=model_id, reason=body.reason), caller)


@router.post("/{model_id}/retirement", operation_id="retire_model", summary="Put a model out of use")
async def retire(model_id: ModelId, doors: Access, caller: Writer) -> ModelView:
    """A version that does not answer; the active one is refused."""
    return await doors.send(RetireModel(model_id=model_id), caller)
