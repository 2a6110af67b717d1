"""Routes of scan definitions: what is scanned, what sets it off, and each time that it was."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from actors.scans import definitions, occurrences, triggers
from actors.scans.contract import (
    AddTrigger,
    ChangeTrigger,
    DefineScan,
    Definition,
    DefinitionView,
    OccurrenceState,
    OccurrenceView,
    RemoveTrigger,
    RetireDefinition,
    RunDefinition,
    Trigger,
    TriggerView,
    UpcomingView,
)
from actors.sources import queries as sources
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.etags import IfMatch, etag, version_of
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["scan definitions"])
MayRead = Annotated[Caller, Depends(permitted("scans:read"))]
DefinitionName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")]


class Upcoming(BaseModel):
    """What cron and interval triggers will set off, the soonest first."""

    items: tuple[UpcomingView, ...]


@router.put("/scan-definitions/{name}", operation_id="define_scan", summary="Define a scan")
async def define(
    *,
    name: DefinitionName,
    body: Definition,
    response: Response,
    doors: Access,
    caller: Writer,
    if_match: IfMatch = None,
) -> DefinitionView:
    """Makes the definition of this name, or changes it; with `If-Match` only the version that it names."""
    version = version_of(if_match) if if_match is not None else None
    await run_in_threadpool(_require_source, doors, body.source_id)
    view = await doors.send(DefineScan(name=name, content=body, if_version=version), caller)
    response.headers["ETag"] = etag(view.version)
    return view


@router.get("/scan-definitions", operation_id="list_scan_definitions", summary="List scan definitions")
def list_all(
    doors: Access, caller: MayRead, source_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[DefinitionView]:
    """Definitions in the order of their names; retired ones are left out."""
    with doors.reading() as session:
        found = definitions.definitions(session, source_id, after, limit + 1)
    return page(found, limit, lambda definition: definition.name)


@router.get("/scan-definitions/{name}", operation_id="get_scan_definition", summary="Read a scan definition")
def get(name: DefinitionName, response: Response, doors: Access, caller: MayRead) -> DefinitionView:
    """What the definition scans, and how."""
    with doors.reading() as session:
        view = definitions.definition_by_name(session, name)
    response.headers["ETag"] = etag(view.version)
    return view


@router.post("/scan-definitions/{name}/retire", operation_id="retire_scan_definition", summary="Retire a definition")
async def retire(name: DefinitionName, doors: Access, caller: Writer) -> DefinitionView:
    """Takes the definition out of use with its triggers; its runs stay."""
    return await doors.send(RetireDefinition(definition_id=await run_in_threadpool(_id, doors, name)), caller)


@router.post(
    "/scan-definitions/{name}/run", status_code=202, operation_id="run_scan_definition", summary="Set a definition off"
)
async def run(name: DefinitionName, response: Response, doors: Access, caller: Writer) -> OccurrenceView:
    """Sets the definition off now; follow `Location` to the scan or workflow that it starts."""
    key = f"{caller.principal}:{caller.operation_id}"
    view = await doors.send(RunDefinition(definition_id=await run_in_threadpool(_id, doors, name), key=key), caller)
    response.headers["Location"] = f"/api/v1/scan-occurrences/{view.id}"
    return view


@router.get("/scan-definitions/{name}/triggers", operation_id="list_triggers", summary="List what sets a scan off")
def list_triggers(name: DefinitionName, doors: Access, caller: MayRead) -> Page[TriggerView]:
    """The triggers of a definition, at most 20."""
    with doors.reading() as session:
        found = triggers.triggers(session, definitions.definition_by_name(session, name).id)
    return Page[TriggerView](items=tuple(found))


@router.post(
    "/scan-definitions/{name}/triggers", status_code=201, operation_id="add_trigger", summary="Let something set it off"
)
async def add(name: DefinitionName, body: Trigger, doors: Access, caller: Writer) -> TriggerView:
    """A cron expression in a time zone, an interval, an arrival, a new version of the rules, or the end of another."""
    return await doors.send(AddTrigger(definition_id=await run_in_threadpool(_id, doors, name), content=body), caller)


@router.put("/scan-triggers/{trigger_id}", operation_id="change_trigger", summary="Change a trigger")
async def change(trigger_id: Id, body: Trigger, doors: Access, caller: Writer) -> TriggerView:
    """Replaces what sets the definition off; it looks at what happens from now on."""
    return await doors.send(ChangeTrigger(trigger_id=trigger_id, content=body), caller)


@router.delete(
    "/scan-triggers/{trigger_id}", status_code=204, operation_id="remove_trigger", summary="Remove a trigger"
)
async def remove(trigger_id: Id, doors: Access, caller: Writer) -> None:
    """What it has set off stays."""
    await doors.send(RemoveTrigger(trigger_id=trigger_id), caller)


@router.get("/scan-occurrences", operation_id="list_occurrences", summary="List what was set off")
def list_occurrences(
    *, doors: Access, caller: MayRead, definition_id: IdFilter = None,
    state: Annotated[OccurrenceState | None, Query()] = None, after: After = None, limit: Limit = 50,
) -> Page[OccurrenceView]:  # fmt: skip
    """Each time that a definition was set off, the newest first, with what it started or why it did not."""
    with doors.reading() as session:
        found = occurrences.occurrences(session, definition_id, state, after, limit + 1)
    return page(found, limit, lambda one: one.id)


@router.get("/scan-occurrences/{occurrence_id}", operation_id="get_occurrence", summary="Read what was set off")
def get_occurrence(occurrence_id: Id, doors: Access, caller: MayRead) -> OccurrenceView:
    """One time that a definition was set off."""
    with doors.reading() as session:
        return occurrences.occurrence(session, occurrence_id)


@router.get("/scan-calendar", operation_id="list_upcoming_scans", summary="List what will be set off")
def upcoming(doors: Access, caller: MayRead, limit: Limit = 50) -> Upcoming:
    """The next firings of all cron and interval triggers."""
    with doors.reading() as session:
        return Upcoming(items=tuple(occurrences.upcoming(session, datetime.now(UTC), limit)))


def _require_source(doors: Access, source_id: str) -> None:
    with doors.reading() as session:
        sources.get_source(session, source_id)


def _id(doors: Access, name: str) -> str:
    with doors.reading() as session:
        return definitions.definition_by_name(session, name).id
