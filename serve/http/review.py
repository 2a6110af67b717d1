"""Routes for the review of labels."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from actors.classification import feedback, labelled, precision, review
from actors.classification.contract import (
    ClassPrecision,
    DecideLabels,
    DecisionBatch,
    ReviewItem,
    UndoDecisions,
)
from cluster.context import Caller
from serve.http.classification import Wanted
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import AfterNumber, Id, Limit, Page, page

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
AfterItem = Annotated[
    str | None, Query(pattern=r"^\d{1,9}(\.\d{1,9})?:[0-9a-f]{1,64}$", description="`next` of the page before.")
]


@router.get("/review", operation_id="list_review", summary="Read the review queue")
def queue(
    doors: Access, caller: MayRead, wanted: Wanted, after: AfterItem = None, limit: Limit = 50
) -> Page[ReviewItem]:
    """Labels that wait for a person, the one whose answer is worth most first; so do decisions that drifted."""
    with doors.reading() as session:
        return page(review.queue(session, wanted, after, limit + 1), limit, review.cursor)


@router.post("/review/decisions", operation_id="decide_labels", summary="Confirm or reject many labels")
async def decide(body: DecideLabels, doors: Access, caller: Writer) -> DecisionBatch:
    """One decision on up to 1,000 labels, and on all that are like them if `alike` is set."""
    return await doors.send(body, caller)


@router.delete("/review/batches/{batch_id}", operation_id="undo_decisions", summary="Undo a batch of decisions")
async def undo(batch_id: Id, doors: Access, caller: Writer) -> DecisionBatch:
    """What was decided before the batch is in force again; what was decided since stays."""
    return await doors.send(UndoDecisions(batch_id=batch_id), caller)


@router.get("/review/precision", operation_id="list_precision", summary="Read how right the machine was")
def read_precision(doors: Access, caller: MayRead) -> Page[ClassPrecision]:
    """By class: how many of the machine's labels people approved, with a 95 % interval."""
    with doors.reading() as session:
        return Page[ClassPrecision](items=tuple(precision.precision_by_class(session)))


@router.get("/review/exceptions", operation_id="list_exceptions", summary="Read where a class is no longer automatic")
def read_exceptions(doors: Access, caller: MayRead) -> Page[feedback.ClassException]:
    """What people's decisions changed: classes that go to review on a name, an asset, or everywhere."""
    with doors.reading() as session:
        return Page[feedback.ClassException](items=tuple(feedback.exceptions(session)))


@router.get("/decisions/export", operation_id="export_decisions", summary="Export the columns that people decided on")
def export(
    doors: Access, caller: MayRead, after: AfterNumber = None, limit: Limit = 50
) -> Page[labelled.LabelledColumn]:
    """Every decision in force with the figures of its column, for training and audits; no value and no hash of one."""
    with doors.reading() as session:
        return page(labelled.labelled(session, int(after or 0), limit + 1), limit, lambda one: str(one.seq))
