"""Routes of the sources group."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from actors.sources import queries
from actors.sources.contract import (
    DiscoverSource,
    DiscoveryView,
    InventoryItem,
    RegisterSource,
    RetireSource,
    SourceView,
    TestSource,
    TestView,
    UpdateSource,
)
from cluster.connectors import split_url
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.security.network import check_places
from serve.http.doors import Access
from serve.http.etags import IfMatch, IfNoneMatch, etag, version_of
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, Limit, Page, page

router = APIRouter(prefix="/sources", tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class SourceChanges(BaseModel):
    """What to change of a source; a field that is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=100, examples=["orders"])
    options: dict[str, str] | None = Field(None, max_length=50, examples=[{"sslmode": "require"}])


@router.post("", status_code=201, operation_id="register_source", summary="Register a source")
async def register(body: RegisterSource, response: Response, doors: Access, caller: Writer) -> SourceView:
    """Registers a database, folder or bucket by its URL. 409 with `context.source_id` where it is known already.

    403 where it lies on a host, or a name that now leads to an address, that the settings do not allow.
    """
    if caller.may(RegisterSource.permission):  # others are refused by the command, in the audit log
        parts = split_url(body.url.get_secret_value())
        await run_in_threadpool(check_places, parts.url, {**parts.options, **body.options}, ask_dns=True)
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/sources/{view.id}"
    response.headers["ETag"] = etag(view.version)
    return view


@router.get("", operation_id="list_sources", summary="List sources")
def list_all(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[SourceView]:
    """Sources in the order of their ids."""
    with doors.reading() as session:
        return page(queries.list_sources(session, after, limit + 1), limit, lambda source: source.id)


@router.get("/{source_id}", operation_id="get_source", summary="Read a source", response_model=SourceView)
def get(
    source_id: Id, response: Response, doors: Access, caller: MayRead, known: IfNoneMatch = None
) -> SourceView | Response:
    """The source with its ETag; 304 where `If-None-Match` holds it."""
    with doors.reading() as session:
        view = queries.get_source(session, source_id)
    if known == etag(view.version):
        return Response(status_code=304, headers={"ETag": etag(view.version)})
    response.headers["ETag"] = etag(view.version)
    return view


@router.patch("/{source_id}", operation_id="update_source", summary="Change name or options")
async def update(
    *, source_id: Id, body: SourceChanges, response: Response, doors: Access, caller: Writer, if_match: IfMatch = None
) -> SourceView:
    """Needs `If-Match` with the current ETag; 412 where somebody else was faster."""
    version = version_of(if_match)
    command = UpdateSource(source_id=source_id, version=version, name=body.name, options=body.options)
    view = await doors.send(command, caller)
    response.headers["ETag"] = etag(view.version)
    return view


@router.post("/{source_id}/retire", operation_id="retire_source", summary="Take a source out of service")
async def retire(source_id: Id, doors: Access, caller: Writer) -> SourceView:
    """Nothing is read from it any more; what is known of it stays readable."""
    return await doors.send(RetireSource(source_id=source_id), caller)


@router.post("/{source_id}/tests", status_code=202, operation_id="test_source", summary="Test the connection")
async def test(source_id: Id, response: Response, doors: Access, caller: Writer) -> TestView:
    """Starts a connection test; follow `Location`."""
    view = await doors.send(TestSource(source_id=source_id), caller)
    response.headers["Location"] = f"/api/v1/sources/{source_id}/tests/{view.id}"
    return view


@router.get("/{source_id}/tests", operation_id="list_tests", summary="List connection tests")
def list_tests(source_id: Id, doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[TestView]:
    """The tests that are still known, the newest first."""
    with doors.reading() as session:
        return page(queries.list_tests(session, source_id, after, limit + 1), limit, lambda test: test.id)


@router.get("/{source_id}/tests/{test_id}", operation_id="get_test", summary="Read a connection test")
def get_test(source_id: Id, test_id: Id, doors: Access, caller: MayRead) -> TestView:
    """The steps of a connection test, each with what to do where it failed."""
    with doors.reading() as session:
        view = queries.get_test(session, test_id)
    if view.source_id != source_id:
        raise NotFound("This source has no such connection test.", "Use the address that the request returned.")
    return view


@router.post("/{source_id}/discoveries", status_code=202, operation_id="discover_source", summary="Discover assets")
async def discover(source_id: Id, response: Response, doors: Access, caller: Writer) -> DiscoveryView:
    """Starts an enumeration of the source; follow `Location`."""
    view = await doors.send(DiscoverSource(source_id=source_id), caller)
    response.headers["Location"] = f"/api/v1/sources/{source_id}/discoveries/{view.id}"
    return view


@router.get("/{source_id}/discoveries", operation_id="list_discoveries", summary="List discoveries")
def list_discoveries(
    source_id: Id, doors: Access, caller: MayRead, after: After = None, limit: Limit = 50
) -> Page[DiscoveryView]:
    """The discoveries that are still known, the newest first."""
    with doors.reading() as session:
        return page(queries.list_discoveries(session, source_id, after, limit + 1), limit, lambda found: found.id)


@router.get("/{source_id}/discoveries/{discovery_id}", operation_id="get_discovery", summary="Read a discovery")
def get_discovery(source_id: Id, discovery_id: Id, doors: Access, caller: MayRead) -> DiscoveryView:
    """What a discovery found: new, changed and gone assets, and what it could not read."""
    with doors.reading() as session:
        view = queries.get_discovery(session, discovery_id)
    if view.source_id != source_id:
        raise NotFound("This source has no such discovery.", "Use the address that the request returned.")
    return view


@router.get("/{source_id}/inventory", operation_id="get_inventory", summary="List what the source holds")
def inventory(
    *,
    source_id: Id,
    doors: Access,
    caller: MayRead,
    status: Annotated[Literal["present", "gone", "unknown"] | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[InventoryItem]:
    """Assets as the source described them last, in the order of their ids."""
    with doors.reading() as session:
        found = queries.inventory(session, source_id, after, limit + 1, status)
    return page(found, limit, lambda item: item.asset_id)
