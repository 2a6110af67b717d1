"""Routes of endpoints and of the nodes that a source is reached from."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from actors.sources import queries
from actors.sources.contract import PlaceSource, SetEndpoints, SourceView
from cluster.connectors.interface import Endpoint
from cluster.context import Caller
from cluster.security.network import check_places
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import Id

router = APIRouter(prefix="/sources/{source_id}", tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class Endpoints(BaseModel):
    """Where else the source is served, and how far behind a replica may be to be read from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoints: tuple[Endpoint, ...] = Field(max_length=20)
    max_lag_seconds: float = Field(60.0, ge=0, le=86_400)


class Placement(BaseModel):
    """Labels of the nodes that can reach the source; none are all nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    node_labels: dict[str, str] = Field(max_length=10, examples=[{"zone": "dmz"}])


@router.get("/endpoints", operation_id="get_endpoints", summary="Read where else a source is served")
def get(source_id: Id, doors: Access, caller: MayRead) -> Endpoints:
    """The endpoints in the order in which they were given; scans try replicas by region and priority."""
    with doors.reading() as session:
        found = queries.get_source(session, source_id)
    return Endpoints(endpoints=found.endpoints, max_lag_seconds=found.max_lag_seconds)


@router.put("/endpoints", operation_id="set_endpoints", summary="Say where else a source is served")
async def put(source_id: Id, body: Endpoints, doors: Access, caller: Writer) -> SourceView:
    """Scans read replicas first, pass over those that lag too far behind, and go on elsewhere when one fails."""
    # DNS is asked for nobody who may not set them; the command refuses those, in the audit log.
    for endpoint in body.endpoints if caller.may(SetEndpoints.permission) else ():
        await run_in_threadpool(check_places, endpoint.url, endpoint.options, ask_dns=True)
    command = SetEndpoints(source_id=source_id, endpoints=body.endpoints, max_lag_seconds=body.max_lag_seconds)
    return await doors.send(command, caller)


@router.put("/placement", operation_id="place_source", summary="Say which nodes can reach a source")
async def place(source_id: Id, body: Placement, doors: Access, caller: Writer) -> SourceView:
    """Tests, discoveries and scans of the source run on nodes with these labels only."""
    return await doors.send(PlaceSource(source_id=source_id, node_labels=body.node_labels), caller)
