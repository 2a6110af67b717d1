"""Routes of models at work: drift over time, shadows beside those that answer, and training anew."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from actors.classification import model_retraining, model_shadows, model_watch
from actors.classification.contract import (
    DismissRetraining,
    ObservationView,
    RequestRetraining,
    RetrainingView,
    ShadowReport,
)
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.models import ModelId
from serve.http.pages import Id, IdFilter, Page

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
Days = Annotated[int, Query(ge=1, le=200, description="Most observations, the newest first.")]
Drifted = Annotated[
    Literal["moderate", "large"] | None, Query(description="Only observations in which something moved so far.")
]


@router.get("/models/{model_id}/drift", operation_id="get_model_drift", summary="Read the drift of a model")
def of_model(model_id: ModelId, doors: Access, caller: MayRead, limit: Days = 50) -> Page[ObservationView]:
    """What the scores of a version looked like by source and day, and how far they moved."""
    with doors.reading() as session:
        found = model_watch.observations(session, model_id=model_id, limit=limit)
    return Page[ObservationView](items=tuple(found))


@router.get("/drift", operation_id="list_drift", summary="Read the drift of sources")
def of_sources(
    doors: Access, caller: MayRead, source_id: IdFilter = None, verdict: Drifted = None, limit: Days = 50
) -> Page[ObservationView]:
    """Features of columns, confidence of labels by class, and scores of models, by day: how far each has moved from the
    first day, and from training, as PSI, KS and JS."""
    with doors.reading() as session:
        found = model_watch.observations(session, source_id=source_id, limit=limit)
    wanted = {"moderate": {"moderate", "large"}, "large": {"large"}, None: None}[verdict]
    kept = [one for one in found if wanted is None or any(each.verdict in wanted for each in one.drift)]
    return Page[ObservationView](items=tuple(kept))


@router.get("/models/{model_id}/shadow", operation_id="get_model_shadow", summary="Read what a shadow answered")
def shadow(model_id: ModelId, doors: Access, caller: MayRead) -> ShadowReport:
    """How often it agreed with the version that answers, and both score distributions."""
    with doors.reading() as session:
        return model_shadows.report(session, model_id)


@router.get("/retrainings", operation_id="list_retrainings", summary="List trainings")
def retrainings(doors: Access, caller: MayRead, limit: Days = 50) -> Page[RetrainingView]:
    """Trainings that drift or feedback proposed or a person asked for, the newest first."""
    with doors.reading() as session:
        return Page[RetrainingView](items=tuple(model_retraining.retrainings(session, limit)))


@router.post("/retrainings", status_code=202, operation_id="request_retraining", summary="Train a model anew")
async def request(body: RequestRetraining, response: Response, doors: Access, caller: Writer) -> RetrainingView:
    """Starts a Ray job, with a proposal if there is one; its result is registered as a shadow and evaluated."""
    view = await doors.send(body, caller)
    response.headers["Location"] = "/api/v1/retrainings"
    return view


@router.post(
    "/retrainings/{retraining_id}/dismissal", operation_id="dismiss_retraining", summary="Put a proposal away"
)  # fmt: skip
async def dismiss(retraining_id: Id, doors: Access, caller: Writer) -> RetrainingView:
    """Only a proposal; what has begun is a job."""
    return await doors.send(DismissRetraining(retraining_id=retraining_id), caller)
