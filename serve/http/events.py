"""Routes of the event log: pages of it, and a live stream (server-sent events) that resumes without a gap."""

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse

from cluster.context import Caller
from cluster.errors import SextantError
from cluster.events.feed import EventView, read_after
from serve.http.doors import GROUPS, Access, Doors
from serve.http.identity import CallerNow, permitted
from serve.http.pages import Limit, Page

router = APIRouter(prefix="/events", tags=["events"])
HEARTBEAT_SECONDS = 15.0
HIGHEST = 2**63 - 1
MayRead = Annotated[Caller, Depends(permitted("events:read"))]
Kind = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[a-z_]+\.([a-z_]+|\*)$")]
Kinds = Annotated[
    list[Kind] | None,
    Query(max_length=20, description='Only these kinds; "scans.*" is all of a group.', examples=[["scans.*"]]),
]
Entity = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[a-z_]+:[^\x00]+$")]
Seq = Annotated[int, Query(ge=0, le=HIGHEST)]


@router.get("", operation_id="list_events", summary="Read the event log")
def list_after(
    *, doors: Access, caller: MayRead, after: Seq = 0, kinds: Kinds = None, entity: Entity = None, limit: Limit = 100
) -> Page[EventView]:
    """Events numbered above `after`, oldest first, of the groups that the caller may read.

    `next` is always given, since there may be more at any time.
    """
    kinds = visible(caller, kinds)
    with doors.reading() as session:
        found = read_after(session, after, limit, kinds, entity)
    return Page[EventView](items=tuple(found), next=str(found[-1].seq if found else after))


@router.get(
    "/stream",
    operation_id="stream_events",
    summary="Follow the event log",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def stream(
    *,
    doors: Access,
    caller: MayRead,
    caller_now: CallerNow,
    after: Annotated[int | None, Query(ge=0, le=HIGHEST)] = None,
    kinds: Kinds = None,
    entity: Entity = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> StreamingResponse:
    """One message per event: `id` is its number, `event` its kind, `data` the event as JSON.

    Begins behind `Last-Event-ID`, else behind `after`, else with the next event. A heartbeat comes every 15 seconds and
    carries the number reached, so a client that filters resumes there too. The stream ends when the token does.
    """
    kinds = visible(caller, kinds)
    cursor = int(last_event_id) if last_event_id else after
    if cursor is None:
        cursor = await doors.tail.newest()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    found = messages(doors, caller_now, cursor, kinds, entity)
    return StreamingResponse(found, media_type="text/event-stream", headers=headers)


def visible(caller: Caller, kinds: list[str] | None) -> list[str] | None:
    """The kinds to give: those asked for, else all of the groups that the caller may read; None stands for all.

    An event tells what its group knows, so it needs the group's own permission too. Raises Forbidden.
    """
    for kind in kinds or ():
        caller.require(f"{kind.partition('.')[0]}:read")
    if kinds or all(caller.may(f"{group}:read") for group in GROUPS):
        return kinds
    readable = [f"{group}.*" for group in GROUPS if caller.may(f"{group}:read")]
    if not readable:
        caller.require(f"{GROUPS[0]}:read")
    return readable


async def messages(
    doors: Doors, caller_now: CallerNow, cursor: int, kinds: list[str] | None, entity: str | None
) -> AsyncIterator[str]:
    """The messages of a stream behind `cursor`, until the token ends."""
    yield f"retry: 1000\nid: {cursor}\n\n"
    # A store that goes away, or a token, ends the stream without a word: the client comes back and is told.
    with contextlib.suppress(SextantError):
        async with doors.tail.followed():
            silent_since = time.monotonic()
            while True:
                news = doors.tail.news
                found, cursor = await doors.tail.after(cursor, kinds, entity)
                visible(await caller_now(), kinds)  # a token that was valid a moment ago costs no query
                for event in found:
                    yield f"id: {event.seq}\nevent: {event.kind}\ndata: {event.model_dump_json()}\n\n"
                silence = time.monotonic() - silent_since
                if silence >= HEARTBEAT_SECONDS:
                    yield f": heartbeat\nid: {cursor}\n\n"
                if found or silence >= HEARTBEAT_SECONDS:
                    silent_since = time.monotonic()
                else:
                    await doors.tail.wait(news, HEARTBEAT_SECONDS - silence)
