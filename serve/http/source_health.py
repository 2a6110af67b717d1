"""Routes of the health of sources."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from actors.sources import health_queries as queries
from actors.sources.contract import Availability, HealthChange, HealthHistory, HealthView, ProbeSource
from actors.sources.health import HealthState
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.events import messages
from serve.http.identity import CallerNow, Writer, permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]
CHANGES = ["sources.health_changed"]


class HealthChanges(BaseModel):
    """Changes of state, the newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[HealthChange, ...]


@router.get("/source-health", operation_id="list_source_health", summary="List how the sources are")
def list_all(
    *,
    doors: Access,
    caller: MayRead,
    state: Annotated[HealthState | None, Query(description="Only sources in this state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[HealthView]:
    """Sources in service in the order of their ids, with the latencies of the last hour."""
    with doors.reading() as session:
        found = queries.list_health(session, datetime.now(UTC), after, limit + 1, state)
    return page(found, limit, lambda health: health.source_id)


@router.get(
    "/source-health/stream",
    operation_id="stream_source_health",
    summary="Follow how the sources are",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def stream(
    doors: Access,
    caller: MayRead,
    caller_now: CallerNow,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """One message for each change of state, as `GET /events/stream` gives it; resumes by `Last-Event-ID`."""
    cursor = int(last_event_id) if last_event_id else await doors.tail.newest()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    found = messages(doors, caller_now, cursor, CHANGES, None)
    return StreamingResponse(found, media_type="text/event-stream", headers=headers)


@router.get("/sources/{source_id}/health", operation_id="get_source_health", summary="Read how a source is")
def get(source_id: Id, doors: Access, caller: MayRead) -> HealthView:
    """State, latencies of the last hour, and what is usual."""
    with doors.reading() as session:
        return queries.health(session, source_id, datetime.now(UTC))


@router.post(
    "/sources/{source_id}/probe", status_code=202, operation_id="probe_source", summary="Look at a source now"
)  # fmt: skip
async def probe(source_id: Id, doors: Access, caller: Writer) -> HealthView:
    """Asks for a probe within some seconds; `checked_at` of `GET .../health` says when it was done."""
    return await doors.send(ProbeSource(source_id=source_id), caller)


@router.get(
    "/sources/{source_id}/health/history", operation_id="get_source_health_history", summary="Read how a source was"
)
def history(
    source_id: Id, doors: Access, caller: MayRead, hours: Annotated[int, Query(ge=1, le=840)] = 24
) -> HealthHistory:
    """Latencies and failures by minute for up to two hours, else by hour, for up to 35 days."""
    now = datetime.now(UTC)
    with doors.reading() as session:
        return queries.history(session, source_id, now - timedelta(hours=hours), now)


@router.get(
    "/sources/{source_id}/health/changes", operation_id="list_source_health_changes", summary="List changes of state"
)
def changes(source_id: Id, doors: Access, caller: MayRead, limit: Limit = 50) -> HealthChanges:
    """From which state to which, when, and why; kept for 90 days."""
    with doors.reading() as session:
        return HealthChanges(items=tuple(queries.changes(session, source_id, limit)))


@router.get(
    "/sources/{source_id}/availability", operation_id="get_source_availability", summary="Read its availability"
)
def availability(
    source_id: Id, doors: Access, caller: MayRead, days: Annotated[int, Query(ge=1, le=35)] = 30
) -> Availability:
    """The share of probes that went well, over some days and by day."""
    with doors.reading() as session:
        return queries.availability(session, source_id, days, datetime.now(UTC))
