"""Routes of monitors, incidents, and the channels that alerts go to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actors.catalog import queries
from actors.catalog.contract import (
    AlertView,
    ChannelKind,
    ChannelView,
    DefineChannel,
    DefineMonitor,
    IncidentState,
    IncidentView,
    MonitorView,
    MoveIncident,
    OpenIncident,
    Reason,
    RemoveChannel,
    RemoveMonitor,
)
from cluster.context import Caller
from cluster.runtime.commands import Done
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterNumber, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
ChannelName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$")]
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$")]


class IncidentMove(BaseModel):
    """Where to move an incident: acknowledged, assigned to an owner, or resolved for a reason."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(pattern="^(Ack|Assigned|Resolved)$", examples=["Ack"])]
    owner: Short | None = None
    reason: Reason | None = None
    comment: str | None = Field(None, max_length=2_000)
    severity: int | None = Field(None, ge=1, le=5)


class ChannelOrder(BaseModel):
    """A channel: a webhook, a Slack-compatible address, or e-mail. `secret` is kept sealed and never shown."""

    model_config = ConfigDict(extra="forbid")

    kind: ChannelKind
    target: str = Field(min_length=1, max_length=2_000, examples=["https://alerts.example.org/hook"])
    options: dict[str, str] = Field(default_factory=dict, max_length=10)
    secret: SecretStr | None = Field(None, max_length=2_000)
    least_severity: int = Field(5, ge=1, le=5)
    domain_id: str | None = Field(None, min_length=1, max_length=100)
    enabled: bool = True


@router.get("/monitors", operation_id="list_monitors", summary="List monitors")
def list_monitors(
    doors: Access, caller: MayRead, asset_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[MonitorView]:
    """What is watched, and whether all is well."""
    with doors.reading() as session:
        return page(queries.monitors(session, caller, asset_id, after, limit + 1), limit, lambda one: one.id)


@router.post("/monitors", status_code=201, operation_id="define_monitor", summary="Watch an asset")
async def define_monitor(body: DefineMonitor, doors: Access, caller: Writer) -> MonitorView:
    """Freshness, volume, schema, a column's distribution, or quality; bounds that are left out are learned."""
    return await doors.send(body, caller)


@router.delete("/monitors/{monitor_id}", operation_id="remove_monitor", summary="End a watch")
async def remove_monitor(monitor_id: Id, doors: Access, caller: Writer) -> Done:
    """Its incidents stay."""
    return await doors.send(RemoveMonitor(monitor_id=monitor_id), caller)


@router.get("/incidents", operation_id="list_incidents", summary="List incidents")
def list_incidents(
    *, doors: Access, caller: MayRead, asset_id: IdFilter = None,
    state: Annotated[IncidentState | None, Query()] = None,
    owner: Annotated[str | None, Query(min_length=1, max_length=200)] = None, after: After = None, limit: Limit = 50,
) -> Page[IncidentView]:  # fmt: skip
    """What was or is wrong, the newest first."""
    with doors.reading() as session:
        found = queries.incidents(
            session, caller, asset_id=asset_id, state=state, owner=owner, after=after, limit=limit + 1
        )
    return page(found, limit, lambda one: one.id)


@router.post("/incidents", status_code=201, operation_id="open_incident", summary="Open an incident")
async def open_incident(body: OpenIncident, doors: Access, caller: Writer) -> IncidentView:
    """By hand; tests and monitors open theirs by themselves."""
    return await doors.send(body, caller)


@router.get("/incidents/{incident_id}", operation_id="get_incident", summary="Read an incident")
def get_incident(incident_id: Id, doors: Access, caller: MayRead) -> IncidentView:
    """One incident."""
    with doors.reading() as session:
        return queries.get_incident(session, incident_id, caller)


@router.post("/incidents/{incident_id}/moves", operation_id="move_incident", summary="Move an incident on")
async def move(incident_id: Id, body: IncidentMove, doors: Access, caller: Writer) -> IncidentView:
    """Acknowledges it, gives it to an owner, or resolves it for a reason."""
    order = MoveIncident.model_validate({"incident_id": incident_id, **body.model_dump()})
    return await doors.send(order, caller)


@router.get("/alert-channels", operation_id="list_channels", summary="List alert channels")
def channels(doors: Access, caller: MayRead) -> Page[ChannelView]:
    """Where alerts go, without what is secret."""
    with doors.reading() as session:
        return Page[ChannelView](items=tuple(queries.channels(session, caller)))


@router.put("/alert-channels/{name}", operation_id="define_channel", summary="Define an alert channel")
async def define_channel(name: ChannelName, body: ChannelOrder, doors: Access, caller: Writer) -> ChannelView:
    """Webhooks are signed (Standard Webhooks); addresses of this machine and of a cloud's metadata are refused."""
    order = DefineChannel.model_validate({"name": name, **body.model_dump()})
    return await doors.send(order, caller)


@router.delete("/alert-channels/{name}", operation_id="remove_channel", summary="Remove an alert channel")
async def remove_channel(name: ChannelName, doors: Access, caller: Writer) -> Done:
    """What it has not delivered is given up."""
    return await doors.send(RemoveChannel(name=name), caller)


@router.get("/alerts", operation_id="list_alerts", summary="List alerts")
def list_alerts(doors: Access, caller: MayRead, after: AfterNumber = None, limit: Limit = 50) -> Page[AlertView]:
    """Messages to channels with what came of them, the newest first."""
    with doors.reading() as session:
        found = queries.alerts(session, caller, int(after) if after else None, limit + 1)
    return page(found, limit, lambda one: str(one.id))
