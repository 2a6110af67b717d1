"""Routes of curation: registered assets, domains, lifecycle, history, custom properties, use."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from actors.catalog import queries
from actors.catalog.contract import (
    AssetChangeView,
    AssetState,
    AssetView,
    AssignDomain,
    CatalogReceipt,
    DefineProperty,
    DomainView,
    MoveLifecycle,
    PropertyType,
    PropertyView,
    RegisterAsset,
    RemoveProperty,
    RestoreAsset,
    RestrictDomain,
    TellUse,
)
from cluster.context import Caller
from cluster.errors import InvalidInput
from cluster.runtime.commands import Done
from serve.http.doors import Access
from serve.http.etags import IfMatch, etag, version_of
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterNumber, Id, Limit, Page, page

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$")]
PropertyName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_.\-]*$")]


class Members(BaseModel):
    """Who alone may see a domain: names of principals, or "role:" and the name of a role; null opens it to all."""

    model_config = ConfigDict(extra="forbid")

    members: tuple[Short, ...] | None = Field(..., max_length=1_000, examples=[["role:steward", "ada"]])


class LifecycleOrder(BaseModel):
    """Where to move an asset in its life."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(pattern="^(active|tombstoned|purged)$", examples=["tombstoned"])]


class RestoreOrder(BaseModel):
    """Which version's words are to be those of the asset again."""

    model_config = ConfigDict(extra="forbid")

    to_version: int = Field(ge=1, le=2**31 - 1)


class PropertyOrder(BaseModel):
    """The definition of a custom property."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field("", max_length=1_000)
    type: PropertyType = "text"
    choices: tuple[Short, ...] = Field((), max_length=100)
    kinds: tuple[Short, ...] = Field((), max_length=20, description="Kinds of assets that may have it; none: all.")


@router.post("/assets", status_code=201, operation_id="register_asset", summary="Register an asset")
async def register(body: RegisterAsset, response: Response, doors: Access, caller: Writer) -> AssetView:
    """Adds what no source lists: a dashboard, a pipeline, a job, a model, a metric, a domain, a data product."""
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/assets/{view.id}"
    response.headers["ETag"] = etag(view.version)
    return view


@router.put("/assets/{asset_id}/lifecycle", operation_id="move_lifecycle", summary="Move an asset in its life")
async def move(
    *, asset_id: Id, body: LifecycleOrder, response: Response, doors: Access, caller: Writer, if_match: IfMatch = None
) -> AssetView:
    """Takes it out of use (tombstoned), back into use (active), or deletes what is known of it (purged)."""
    version = version_of(if_match) if if_match is not None else None
    order = MoveLifecycle.model_validate({"asset_id": asset_id, "to": body.to, "version": version})
    view = await doors.send(order, caller)
    response.headers["ETag"] = etag(view.version)
    return view


@router.get("/assets/{asset_id}/history", operation_id="list_asset_history", summary="Read what changed in an asset")
def history(
    asset_id: Id, doors: Access, caller: MayRead, after: AfterNumber = None, limit: Limit = 50
) -> Page[AssetChangeView]:
    """Every version with what it changed, before and after, by whom; the newest first."""
    with doors.reading() as session:
        found = queries.changes(session, asset_id, caller, int(after) if after else None, limit + 1)
    return page(found, limit, lambda change: str(change.version))


@router.get("/assets/{asset_id}/state", operation_id="get_asset_state", summary="Read an asset as it was")
def state(
    *, asset_id: Id, doors: Access, caller: MayRead,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    at: Annotated[AwareDatetime | None, Query(description="A time, instead of a version.")] = None,
) -> AssetState:  # fmt: skip
    """Facts, columns, labels and people's words of a version, of a time, or of now."""
    if version is not None and at is not None:
        raise InvalidInput("A version and a time are given.", "Give one of them.")
    with doors.reading() as session:
        if at is not None:
            version = queries.version_at(session, asset_id, at, caller)
        return queries.state(session, asset_id, caller, version)


@router.post(
    "/assets/{asset_id}/restore", operation_id="restore_asset", summary="Take people's words back to a version"
)
async def restore(
    *, asset_id: Id, body: RestoreOrder, response: Response, doors: Access, caller: Writer, if_match: IfMatch = None
) -> AssetView:
    """Makes people's words those of an older version; machine facts stay as they are. It is a new version itself."""
    version = version_of(if_match) if if_match is not None else None
    view = await doors.send(RestoreAsset(asset_id=asset_id, to_version=body.to_version, version=version), caller)
    response.headers["ETag"] = etag(view.version)
    return view


@router.post("/usage", operation_id="tell_use", summary="Tell how much assets were used")
async def tell_use(body: TellUse, doors: Access, caller: Writer) -> CatalogReceipt:
    """Uses of assets on a day, by id; the same day again replaces what was told. 90 days count."""
    return await doors.send(body, caller)


@router.get("/domains", operation_id="list_domains", summary="List domains")
def list_domains(doors: Access, caller: MayRead, after: After = None, limit: Limit = 50) -> Page[DomainView]:
    """The domains that the caller may see, with how many of their assets it may see."""
    with doors.reading() as session:
        return page(queries.domains(session, caller, after, limit + 1), limit, lambda domain: domain.id)


@router.get("/domains/{domain_id}", operation_id="get_domain", summary="Read a domain")
def get_domain(domain_id: Id, doors: Access, caller: MayRead) -> DomainView:
    """One domain; domains are registered as assets of kind `domain`."""
    with doors.reading() as session:
        return queries.get_domain(session, domain_id, caller)


@router.put("/domains/{domain_id}/members", operation_id="restrict_domain", summary="Say who may see a domain")
async def restrict(domain_id: Id, body: Members, doors: Access, caller: Writer) -> DomainView:
    """Conceals the domain, its subdomains and all of their assets from everybody else but administrators."""
    return await doors.send(RestrictDomain(domain_id=domain_id, members=body.members), caller)


@router.post("/domain-assignments", operation_id="assign_domain", summary="Put assets into a domain")
async def assign(body: AssignDomain, doors: Access, caller: Writer) -> CatalogReceipt:
    """Assets by id, or all that a source has and will have; a null domain takes them out."""
    return await doors.send(body, caller)


@router.get("/properties", operation_id="list_properties", summary="List custom properties")
def properties(doors: Access, caller: MayRead) -> Page[PropertyView]:
    """The definitions of custom properties by name."""
    with doors.reading() as session:
        return Page[PropertyView](items=tuple(queries.definitions(session)))


@router.put("/properties/{name}", operation_id="define_property", summary="Define a custom property")
async def define(name: PropertyName, body: PropertyOrder, doors: Access, caller: Writer) -> PropertyView:
    """Makes or changes a definition; a change that values in use do not fit is a conflict."""
    return await doors.send(DefineProperty.model_validate({"name": name, **body.model_dump()}), caller)


@router.delete("/properties/{name}", operation_id="remove_property", summary="Take a custom property back")
async def remove(name: PropertyName, doors: Access, caller: Writer) -> Done:
    """Only while no asset has a value of it."""
    return await doors.send(RemoveProperty(name=name), caller)
