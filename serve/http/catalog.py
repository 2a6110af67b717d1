"""Routes of the catalog group."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog import queries
from actors.catalog.contract import (
    AnnotateAsset,
    AssetKind,
    AssetStatus,
    AssetSummary,
    AssetView,
    CatalogReceipt,
    Certification,
    CertificationLevel,
    DeriveLineage,
    FacetCounts,
    Lifecycle,
    Ownership,
    SchemaVersion,
    Tier,
)
from cluster.context import Caller
from serve.http.doors import Access
from serve.http.etags import IfMatch, IfNoneMatch, etag, version_of
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterNumber, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]


async def wanted_assets(
    *,
    source_id: IdFilter = None,
    kind: Annotated[AssetKind | None, Query()] = None,
    status: Annotated[AssetStatus | None, Query()] = None,
    lifecycle: Annotated[Lifecycle | None, Query()] = None,
    sensitivity: Text = None,
    data_class: Text = None,
    tag: Text = None,
    owner: Text = None,
    tier: Annotated[Tier | None, Query()] = None,
    certification: Annotated[CertificationLevel | None, Query(description="Certified so, and not expired.")] = None,
    domain_id: IdFilter = None,
    parent_id: IdFilter = None,
) -> queries.AssetFilter:
    """The filters of a list of assets."""
    return queries.AssetFilter(
        source_id=source_id, kind=kind, status=status, lifecycle=lifecycle, sensitivity=sensitivity,
        data_class=data_class, tag=tag, owner=owner, tier=tier, certification=certification, domain_id=domain_id,
        parent_id=parent_id,
    )  # fmt: skip


Wanted = Annotated[queries.AssetFilter, Depends(wanted_assets)]


class Annotation(BaseModel):
    """A person's words on an asset, or on one of its columns; a field that is left out stays."""

    model_config = ConfigDict(extra="forbid")

    column: str | None = Field(None, min_length=1, max_length=1000)
    description: str | None = Field(None, max_length=10_000, examples=["Orders since 2019."])
    owner: str | None = Field(None, max_length=200, examples=["sales"])
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] | None = Field(None, max_length=50)
    owners: tuple[Ownership, ...] | None = Field(None, max_length=20)
    tier: Tier | Literal[""] | None = None
    certification: Certification | Literal[""] | None = None
    properties: dict[str, str | float | bool | None] | None = Field(None, max_length=50, examples=[{"retention": 365}])


@router.get("/assets", operation_id="list_assets", summary="List assets")
def list_all(
    doors: Access, caller: MayRead, wanted: Wanted, after: After = None, limit: Limit = 50
) -> Page[AssetSummary]:
    """Tables, views and files, filtered by source, status, sensitivity or a class that one of their columns carries."""
    with doors.reading() as session:
        return page(queries.list_assets(session, wanted, after, limit + 1, caller), limit, lambda asset: asset.id)


@router.get("/assets/{asset_id}", operation_id="get_asset", summary="Read an asset", response_model=AssetView)
def get(
    asset_id: Id, response: Response, doors: Access, caller: MayRead, known: IfNoneMatch = None
) -> AssetView | Response:
    """The asset with its columns, their profiles and labels, and its ETag."""
    with doors.reading() as session:
        view = queries.get_asset(session, asset_id, caller)
    if known == etag(view.version):
        return Response(status_code=304, headers={"ETag": etag(view.version)})
    response.headers["ETag"] = etag(view.version)
    return view


@router.patch("/assets/{asset_id}", operation_id="annotate_asset", summary="Describe an asset")
async def annotate(
    *, asset_id: Id, body: Annotation, response: Response, doors: Access, caller: Writer, if_match: IfMatch = None
) -> AssetView:
    """Sets what people say of it, or of a column. With `If-Match` only on that version (412 otherwise)."""
    version = version_of(if_match) if if_match is not None else None
    fields: dict[str, Any] = body.model_dump(exclude_unset=True)
    view = await doors.send(AnnotateAsset(asset_id=asset_id, version=version, **fields), caller)
    response.headers["ETag"] = etag(view.version)
    return view


@router.get(
    "/assets/{asset_id}/schema-versions", operation_id="list_schema_versions", summary="Read the schema history"
)
def schema_versions(
    asset_id: Id, doors: Access, caller: MayRead, after: AfterNumber = None, limit: Limit = 50
) -> Page[SchemaVersion]:
    """Every set of columns that the asset had, with what changed."""
    with doors.reading() as session:
        found = queries.schema_versions(session, asset_id, after, limit + 1, caller)
    return page(found, limit, lambda version: str(version.version))


@router.post("/sources/{source_id}/lineage", operation_id="derive_lineage", summary="Derive lineage of a source")
async def derive(source_id: Id, doors: Access, caller: Writer) -> CatalogReceipt:
    """Reads the view definitions and foreign keys of a source once more."""
    return await doors.send(DeriveLineage(source_id=source_id), caller)


@router.get("/search", operation_id="search_catalog", summary="Search the catalog")
def search(
    *,
    q: Annotated[str, Query(min_length=1, max_length=200, description="Words to look for.", examples=["orders"])],
    doors: Access,
    caller: MayRead,
    wanted: Wanted,
    after: After = None,
    limit: Limit = 20,
) -> Page[AssetSummary]:
    """Assets that hold the words, each as the beginning of one, or mean what is asked, the best match first.

    Mistyped words are corrected; "quoted words" follow each other; a minus excludes; "or" asks for either. Without
    these, a question may be a sentence: "where are customers' phone numbers?". At most 500 results are given.
    """
    told = doors.models.embedding(queries.english(q))
    asked = queries.Asked(q, told[1], told[0]) if told else queries.Asked(q)
    with doors.reading() as session:
        found = queries.search(session, asked, wanted, after, limit + 1, caller=caller)
    return page(found, limit, lambda asset: asset.id)


@router.get("/search/facets", operation_id="count_facets", summary="Count what a search finds by its facets")
def count_facets(
    *, doors: Access, caller: MayRead, wanted: Wanted,
    q: Annotated[str | None, Query(min_length=1, max_length=200, description="All words must occur.")] = None,
) -> FacetCounts:  # fmt: skip
    """Kinds, sources, states, sensitivities, domains, classes, tags and tiers with how many assets have each; what the
    caller may not see is not counted. Of more than 10,000 assets 10,000 are counted."""
    with doors.reading() as session:
        return queries.facets(session, q, wanted, caller)
