"""Routes of the glossary: terms, relations, links to columns, import and export."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog import queries
from actors.catalog.contract import (
    CatalogReceipt,
    DecideLink,
    DefineTerm,
    ImportGlossary,
    LinkStatus,
    MoveTerm,
    RelateTerms,
    Relation,
    RemoveTerm,
    SuggestLinks,
    TermLinkView,
    TermStatus,
    TermView,
)
from cluster.context import Caller
from cluster.runtime.commands import Done
from serve.http.doors import Access
from serve.http.etags import etag
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterNumber, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
Form = Annotated[Literal["csv", "turtle", "rdfxml", "jsonld"], Query(alias="format")]
MEDIA = {"csv": "text/csv", "turtle": "text/turtle", "rdfxml": "application/rdf+xml", "jsonld": "application/ld+json"}
MOST = 20_000


class TermMove(BaseModel):
    """The state that a term is to have."""

    model_config = ConfigDict(extra="forbid")

    to: TermStatus


class RelationOrder(BaseModel):
    """A relation from the term to another one."""

    model_config = ConfigDict(extra="forbid")

    relation: Relation
    to_term: str = Field(min_length=1, max_length=100)


class Suggesting(BaseModel):
    """How sure a proposal has to be."""

    model_config = ConfigDict(extra="forbid")

    least: float = Field(0.5, ge=0, le=1)


@router.get("/terms", operation_id="list_terms", summary="List glossary terms")
def list_terms(
    *, doors: Access, caller: MayRead, status: Annotated[TermStatus | None, Query()] = None, after: After = None,
    limit: Limit = 50,
) -> Page[TermView]:  # fmt: skip
    """Terms by name, with their relations in both directions and how many columns are linked to them."""
    with doors.reading() as session:
        return page(queries.terms(session, caller, status, after, limit + 1), limit, lambda term: term.id)


@router.post("/terms", operation_id="define_term", summary="Define a glossary term")
async def define(body: DefineTerm, response: Response, doors: Access, caller: Writer) -> TermView:
    """Adds a draft, or changes the term of this name; what is left out stays."""
    view = await doors.send(body, caller)
    response.headers["Location"] = f"/api/v1/terms/{view.id}"
    response.headers["ETag"] = etag(view.version)
    return view


@router.get(
    "/terms/export", operation_id="export_glossary", summary="Export the glossary", response_class=Response,
    responses={200: {"description": "The glossary.", "content": {media: {} for media in MEDIA.values()}}},
)  # fmt: skip
def export(doors: Access, caller: MayRead, form: Form = "csv") -> Response:
    """All terms that the caller may see as CSV, or as SKOS in Turtle, RDF/XML or JSON-LD; 20,000 at most."""
    with doors.reading() as session:
        found = queries.terms(session, caller, limit=MOST)
    return Response(queries.glossary_written(found, form), media_type=MEDIA[form])


@router.post("/terms/import", operation_id="import_glossary", summary="Import a glossary")
async def take_in(body: ImportGlossary, doors: Access, caller: Writer) -> CatalogReceipt:
    """CSV, or SKOS in Turtle, RDF/XML or JSON-LD: all of it or, where an entry is wrong, nothing."""
    return await doors.send(body, caller)


@router.get("/terms/{term_id}", operation_id="get_term", summary="Read a glossary term")
def get(term_id: Id, doors: Access, caller: MayRead) -> TermView:
    """One term."""
    with doors.reading() as session:
        return queries.term_view(session, term_id, caller)


@router.delete("/terms/{term_id}", operation_id="remove_term", summary="Remove a glossary term")
async def remove(term_id: Id, doors: Access, caller: Writer) -> Done:
    """Only one that no column is linked to and that has none below it."""
    return await doors.send(RemoveTerm(term_id=term_id), caller)


@router.put("/terms/{term_id}/status", operation_id="move_term", summary="Move a term on")
async def move(term_id: Id, body: TermMove, doors: Access, caller: Writer) -> TermView:
    """From draft to review, from review to approved or rejected, and out of use; nobody approves an own proposal."""
    return await doors.send(MoveTerm(term_id=term_id, to=body.to), caller)


@router.post("/terms/{term_id}/relations", operation_id="relate_terms", summary="Relate two terms")
async def relate(term_id: Id, body: RelationOrder, doors: Access, caller: Writer) -> TermView:
    """One of thirteen relations; its inverse is read from the other term."""
    order = RelateTerms(term_id=term_id, relation=body.relation, to_term=body.to_term)
    return await doors.send(order, caller)


@router.delete(
    "/terms/{term_id}/relations/{relation}/{to_term}", operation_id="unrelate_terms", summary="Take a relation back"
)  # fmt: skip
async def unrelate(term_id: Id, relation: Relation, to_term: Id, doors: Access, caller: Writer) -> TermView:
    """From either side."""
    return await doors.send(RelateTerms(term_id=term_id, relation=relation, to_term=to_term, remove=True), caller)


@router.get("/term-links", operation_id="list_term_links", summary="List links of terms to columns")
def links(
    *, doors: Access, caller: MayRead, term_id: IdFilter = None, asset_id: IdFilter = None,
    status: Annotated[LinkStatus | None, Query()] = None, after: AfterNumber = None, limit: Limit = 50,
) -> Page[TermLinkView]:  # fmt: skip
    """Proposed and decided links with their reasons, the surest first."""
    start = int(after or 0)
    with doors.reading() as session:
        found = queries.links(
            session, caller, term_id=term_id, asset_id=asset_id, status=status, after=start, limit=limit + 1
        )
    return Page[TermLinkView](items=tuple(found[:limit]), next=str(start + limit) if len(found) > limit else None)


@router.post("/terms/{term_id}/suggestions", operation_id="suggest_links", summary="Propose columns for a term")
async def suggest(term_id: Id, body: Suggesting, doors: Access, caller: Writer) -> CatalogReceipt:
    """By name, label, description, meaning, profile, and what people decided on columns of the same name."""
    return await doors.send(SuggestLinks(term_id=term_id, least=body.least), caller)


@router.put("/term-links", operation_id="decide_link", summary="Decide on a link")
async def decide(body: DecideLink, doors: Access, caller: Writer) -> TermLinkView:
    """Validates, rejects or deprecates a term on a column, proposed or not; later proposals learn from it."""
    return await doors.send(body, caller)
