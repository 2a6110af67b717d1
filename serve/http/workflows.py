"""Routes of the orchestrator: workflows through the eight phases, and the insights they bring."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from actors.orchestrator import queries
from actors.orchestrator.contract import CancelWorkflow, InsightView, ResumeWorkflow, StartWorkflow, WorkflowView
from actors.sources import queries as sources
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["workflows"])
MayRead = Annotated[Caller, Depends(permitted("orchestrator:read"))]


@router.post("/workflows", status_code=202, operation_id="start_workflow", summary="Govern a source")
async def start(body: StartWorkflow, response: Response, doors: Access, caller: Writer) -> WorkflowView:
    """Takes a source through all eight phases; follow `Location` or the events of the workflow."""
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/workflows/{view.id}"
    return view


@router.get("/workflows", operation_id="list_workflows", summary="List workflows")
def list_all(
    doors: Access, caller: MayRead, source_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[WorkflowView]:
    """Workflows in the order of their ids."""
    with doors.reading() as session:
        return page(queries.list_workflows(session, source_id, after, limit + 1), limit, lambda found: found.id)


@router.get("/workflows/{workflow_id}", operation_id="get_workflow", summary="Read a workflow")
def get(workflow_id: Id, doors: Access, caller: MayRead) -> WorkflowView:
    """The phases with their states, figures and times."""
    with doors.reading() as session:
        return queries.get_workflow(session, workflow_id)


@router.post("/workflows/{workflow_id}/cancel", operation_id="cancel_workflow", summary="Stop a workflow")
async def cancel(workflow_id: Id, doors: Access, caller: Writer) -> WorkflowView:
    """Ends the workflow where it stands; what was learned stays."""
    return await doors.send(CancelWorkflow(workflow_id=workflow_id), caller)


@router.post("/workflows/{workflow_id}/resume", operation_id="resume_workflow", summary="Go on with a workflow")
async def resume(workflow_id: Id, doors: Access, caller: Writer) -> WorkflowView:
    """Goes on with a failed or cancelled workflow at the phase where it ended."""
    return await doors.send(ResumeWorkflow(workflow_id=workflow_id), caller)


@router.get("/sources/{source_id}/insights", operation_id="list_insights", summary="Read correlations")
def insights(source_id: Id, doors: Access, caller: MayRead, limit: Limit = 50) -> Page[InsightView]:
    """What only several groups together show, the weightiest first."""
    with doors.reading() as session:
        sources.get_source(session, source_id)
        return Page[InsightView](items=tuple(queries.insights(session, source_id, limit)))
