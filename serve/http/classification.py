"""Routes of the classification group."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from actors.catalog import queries as catalog
from actors.classification import queries
from actors.classification.contract import (
    ClassSummary,
    DecideLabel,
    EvidenceView,
    LabelState,
    LabelView,
    WithdrawDecision,
)
from actors.sources import queries as sources
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]


async def wanted_labels(
    source_id: IdFilter = None,
    asset_id: IdFilter = None,
    data_class: Text = None,
    state: Annotated[LabelState | None, Query()] = None,
    drifted: Annotated[bool | None, Query(description="New evidence speaks against a decision.")] = None,
) -> queries.LabelFilter:
    """The filters of a list of labels."""
    return queries.LabelFilter(
        source_id=source_id, asset_id=asset_id, data_class=data_class, state=state, drifted=drifted
    )


Wanted = Annotated[queries.LabelFilter, Depends(wanted_labels)]


@router.get("/labels", operation_id="list_labels", summary="List labels")
def labels(doors: Access, caller: MayRead, wanted: Wanted, after: After = None, limit: Limit = 50) -> Page[LabelView]:
    """Classes on columns with how sure they are and why."""
    with doors.reading() as session:
        return page(queries.labels(session, wanted, after, limit + 1), limit, lambda label: label.id)


@router.get("/labels/{label_id}", operation_id="get_label", summary="Read a label")
def get(label_id: Id, doors: Access, caller: MayRead) -> LabelView:
    """One class on one column."""
    with doors.reading() as session:
        return queries.get_label(session, label_id)


@router.post("/labels/decisions", operation_id="decide_label", summary="Confirm, reject or assign a label")
async def decide(body: DecideLabel, doors: Access, caller: Writer) -> LabelView:
    """A person's decision; no later scan changes it."""
    return await doors.send(body, caller)


@router.delete("/labels/{label_id}/decision", operation_id="withdraw_decision", summary="Take a decision back")
async def withdraw(label_id: Id, doors: Access, caller: Writer) -> LabelView:
    """The label is the machine's again."""
    return await doors.send(WithdrawDecision(label_id=label_id), caller)


@router.get("/sources/{source_id}/classes", operation_id="get_class_summary", summary="Count columns by class")
def summary(source_id: Id, doors: Access, caller: MayRead) -> Page[ClassSummary]:
    """How many columns of how many assets of a source carry each class."""
    with doors.reading() as session:
        sources.get_source(session, source_id)
        return Page[ClassSummary](items=tuple(queries.summary(session, source_id)))


@router.get("/assets/{asset_id}/evidence", operation_id="get_column_evidence", summary="Read the figures of a column")
def evidence(
    asset_id: Id, column: Annotated[str, Query(min_length=1, max_length=1000)], doors: Access, caller: MayRead
) -> Page[EvidenceView]:
    """What was counted in the column, by class: in the census, and in a sample that came later."""
    with doors.reading() as session:
        return Page[EvidenceView](items=tuple(queries.evidence(session, asset_id, column)))


@router.get("/assets/{asset_id}/decisions", operation_id="list_decisions", summary="Read the decisions on an asset")
def decisions(
    asset_id: Id,
    doors: Access,
    caller: MayRead,
    column: Annotated[str | None, Query(min_length=1, max_length=1000)] = None,
) -> Page[queries.DecisionView]:
    """Every decision that people made on the asset or one of its columns, oldest first."""
    with doors.reading() as session:
        found = queries.decisions(session, asset_id, column)
        if not found:  # of an asset that is gone the decisions are still told
            catalog.get_asset(session, asset_id)
    return Page[queries.DecisionView](items=tuple(found))
