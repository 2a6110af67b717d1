"""Routes of budgets, which say how hard a source may be worked, and of the queue of scans."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from actors.scans import budgets, queries
from actors.scans.contract import Budget, BudgetView, ClearBudget, QueueItem, SetBudget
from actors.sources import queries as sources
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(tags=["scan budgets"])
MayRead = Annotated[Caller, Depends(permitted("scans:read"))]


class Queue(BaseModel):
    """Scans that have not ended, those first that are given workers first."""

    items: tuple[QueueItem, ...]


@router.put("/sources/{source_id}/scan-budget", operation_id="set_scan_budget", summary="Limit what scans take")
async def put(source_id: Id, body: Budget, doors: Access, caller: Writer) -> BudgetView:
    """Bytes and queries a second, partitions at once, CPU seconds a day, and the windows in which scans may read."""
    await run_in_threadpool(_known, doors, source_id)
    return await doors.send(SetBudget(source_id=source_id, content=body), caller)


@router.get("/sources/{source_id}/scan-budget", operation_id="get_scan_budget", summary="Read the limits of a source")
def get(source_id: Id, doors: Access, caller: MayRead) -> BudgetView:
    """The budget with what was taken of it in the last 24 hours; without one nothing is limited."""
    with doors.reading() as session:
        sources.get_source(session, source_id)
        return budgets.budget_of(session, source_id, datetime.now(UTC))


@router.delete(
    "/sources/{source_id}/scan-budget", status_code=204, operation_id="clear_scan_budget", summary="Lift the limits"
)
async def clear(source_id: Id, doors: Access, caller: Writer) -> None:
    """Scans of the source are limited no more."""
    await run_in_threadpool(_known, doors, source_id)
    await doors.send(ClearBudget(source_id=source_id), caller)


@router.get("/scan-budgets", operation_id="list_scan_budgets", summary="List the limits of all sources")
def list_all(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[BudgetView]:
    """Budgets in the order of the ids of their sources."""
    with doors.reading() as session:
        found = budgets.budgets(session, datetime.now(UTC), after, limit + 1)
    return page(found, limit, lambda budget: budget.source_id)


@router.get("/scan-queue", operation_id="list_scan_queue", summary="Read what waits to be scanned")
def queue(doors: Access, caller: MayRead, limit: Limit = 50) -> Queue:
    """Scans under way, planned and paused, in the order in which they are given workers."""
    with doors.reading() as session:
        return Queue(items=tuple(queries.queue(session, limit)))


def _known(doors: Access, source_id: str) -> None:
    with doors.reading() as session:
        sources.get_source(session, source_id)
