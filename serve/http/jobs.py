"""Routes of the jobs of other tools and their runs, as OpenLineage events tell of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from actors.catalog import queries
from actors.catalog.contract import JobView, RunView
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(tags=["catalog"])
# The names of jobs may tell of assets: whoever may not see all of those is not told of jobs.
MayRead = Annotated[Caller, Depends(permitted("catalog:read"))]


@router.get("/lineage/jobs", operation_id="list_jobs", summary="List the jobs of other tools")
def list_jobs(
    doors: Access,
    caller: MayRead,
    namespace: Annotated[str | None, Query(min_length=1, max_length=2000)] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[JobView]:
    """Jobs by id, with the state of the run that the newest event is of."""
    with doors.reading() as session:
        return page(queries.jobs(session, namespace, after, limit + 1), limit, lambda job: job.id)


@router.get("/lineage/jobs/{job_id}", operation_id="get_job", summary="Read a job of another tool")
def get_job(job_id: Id, doors: Access, caller: MayRead) -> JobView:
    """What its events tell of it: type, description, owners, tags, where its code lies."""
    with doors.reading() as session:
        return queries.get_job(session, job_id)


@router.get("/lineage/jobs/{job_id}/runs", operation_id="list_job_runs", summary="List the runs of a job")
def list_runs(job_id: Id, doors: Access, caller: MayRead, limit: Limit = 50) -> Page[RunView]:
    """The newest runs first, of those whose events are kept."""
    with doors.reading() as session:
        return Page[RunView](items=tuple(queries.runs(session, job_id, limit)))


@router.get("/lineage/runs/{run_id}", operation_id="get_job_run", summary="Read a run of a job")
def get_run(run_id: Id, doors: Access, caller: MayRead) -> RunView:
    """By the id that its emitter gave it: state, times, parent, engine, and what went wrong."""
    with doors.reading() as session:
        return queries.get_run(session, run_id)
