"""Routes of data quality: tests, runs, scores, learned bounds, data contracts, and exports of the catalog."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from actors.catalog import queries
from actors.catalog.contract import (
    Bounds,
    CatalogReceipt,
    CheckContract,
    ContractView,
    DefineTest,
    DimensionScoreView,
    FigureView,
    ImportContract,
    QualityResultView,
    QualityRunView,
    QualityTestView,
    RemoveContract,
    RemoveTest,
    RunTests,
    SuggestTests,
)
from cluster.context import Caller
from cluster.runtime.commands import Done
from serve.http.catalog import Wanted
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
Days = Annotated[int, Query(ge=1, le=400)]


class RunOrder(BaseModel):
    """How to run the tests of an asset."""

    model_config = ConfigDict(extra="forbid")

    fresh: bool = False


@router.get("/quality/tests", operation_id="list_quality_tests", summary="List quality tests")
def list_tests(
    doors: Access, caller: MayRead, asset_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[QualityTestView]:
    """Tests by id, of an asset or of all that the caller may see."""
    with doors.reading() as session:
        return page(queries.list_tests(session, caller, asset_id, after, limit + 1), limit, lambda test: test.id)


@router.post("/quality/tests", status_code=201, operation_id="define_quality_test", summary="Define a quality test")
async def define(body: DefineTest, doors: Access, caller: Writer) -> QualityTestView:
    """By the name of a definition and its parameters; the same test again is the same."""
    return await doors.send(body, caller)


@router.delete("/quality/tests/{test_id}", operation_id="remove_quality_test", summary="Remove a quality test")
async def remove(test_id: Id, doors: Access, caller: Writer) -> Done:
    """Its results stay."""
    return await doors.send(RemoveTest(test_id=test_id), caller)


@router.get("/quality/tests/{test_id}/results", operation_id="list_test_results", summary="Read what a test came to")
def results(test_id: Id, doors: Access, caller: MayRead, most: Days = 90) -> Page[QualityResultView]:
    """The newest results first."""
    with doors.reading() as session:
        return Page[QualityResultView](items=tuple(queries.results(session, caller, test_id, most)))


@router.post(
    "/assets/{asset_id}/quality/suggestions", operation_id="suggest_quality_tests", summary="Suggest quality tests"
)
async def suggest(asset_id: Id, doors: Access, caller: Writer) -> CatalogReceipt:
    """Adds the tests that the last census of the asset suggests."""
    return await doors.send(SuggestTests(asset_id=asset_id), caller)


@router.post(
    "/assets/{asset_id}/quality/runs", status_code=202, operation_id="run_quality_tests", summary="Run quality tests"
)  # fmt: skip
async def run(asset_id: Id, body: RunOrder, response: Response, doors: Access, caller: Writer) -> QualityRunView:
    """What the last census knows is decided at once; for the rest a worker reads the asset once."""
    view = await doors.send(RunTests(asset_id=asset_id, fresh=body.fresh), caller)
    response.headers["Location"] = f"/api/v1/quality/runs/{view.id}"
    return view


@router.get("/quality/runs/{run_id}", operation_id="get_quality_run", summary="Read a run of quality tests")
def get_run(run_id: Id, doors: Access, caller: MayRead) -> QualityRunView:
    """The run with its results so far."""
    with doors.reading() as session:
        return queries.run_view(session, run_id, caller)


@router.get("/assets/{asset_id}/quality/scores", operation_id="list_scores", summary="Read the quality of an asset")
def scores(asset_id: Id, doors: Access, caller: MayRead, days: Days = 90) -> Page[DimensionScoreView]:
    """By dimension and day: the share of tests that passed."""
    with doors.reading() as session:
        return Page[DimensionScoreView](items=tuple(queries.scores(session, caller, asset_id, days)))


@router.get(
    "/assets/{asset_id}/quality/bounds", operation_id="list_bounds", summary="Read what is expected of an asset"
)
def bounds(asset_id: Id, doors: Access, caller: MayRead) -> Page[Bounds]:
    """Where the next value of each metric is expected, learned from its history and the days of the week."""
    with doors.reading() as session:
        return Page[Bounds](items=tuple(queries.learned_bounds(session, caller, asset_id)))


@router.get("/assets/{asset_id}/quality/figures", operation_id="list_figures", summary="Read the figures of an asset")
def figures(  # noqa: PLR0917
    asset_id: Id,
    doors: Access,
    caller: MayRead,
    column: Annotated[str | None, Query(max_length=1000, description="A column; empty: the asset.")] = None,
    metric: Annotated[str | None, Query(max_length=100)] = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Page[FigureView]:
    """What was measured of it at which time, by inventories and scans, and by jobs that tell so; the newest first."""
    with doors.reading() as session:
        return Page[FigureView](items=tuple(queries.figures_of(session, caller, asset_id, column, metric, most)))


@router.get("/contracts", operation_id="list_contracts", summary="List data contracts")
def list_contracts(
    doors: Access, caller: MayRead, asset_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[ContractView]:
    """Contracts by id, with what their last check found."""
    with doors.reading() as session:
        return page(queries.contracts(session, caller, asset_id, after, limit + 1), limit, lambda one: one.id)


@router.post("/contracts", status_code=201, operation_id="import_contract", summary="Import a data contract")
async def import_contract(body: ImportContract, doors: Access, caller: Writer) -> ContractView:
    """An ODCS 3.1 document in YAML or JSON; its rules become tests of the asset."""
    return await doors.send(body, caller)


@router.get("/contracts/{contract_id}", operation_id="get_contract", summary="Read a data contract")
def get_contract(contract_id: Id, doors: Access, caller: MayRead) -> ContractView:
    """Its state and what the last check found."""
    with doors.reading() as session:
        return queries.get_contract(session, contract_id, caller)


@router.get("/contracts/{contract_id}/document", operation_id="export_contract", summary="Export a data contract")
def export_contract(contract_id: Id, doors: Access, caller: MayRead) -> dict[str, Any]:
    """The ODCS document as it was imported, as JSON."""
    with doors.reading() as session:
        return queries.contract_document(session, contract_id, caller)


@router.post("/contracts/{contract_id}/checks", operation_id="check_contract", summary="Hold an asset to its contract")
async def check(contract_id: Id, doors: Access, caller: Writer) -> ContractView:
    """Schema, quality and SLA, by what is known now and the last results of its tests."""
    return await doors.send(CheckContract(contract_id=contract_id), caller)


@router.delete("/contracts/{contract_id}", operation_id="remove_contract", summary="Take a contract out of force")
async def remove_contract(contract_id: Id, doors: Access, caller: Writer) -> Done:
    """With the tests that it brought."""
    return await doors.send(RemoveContract(contract_id=contract_id), caller)


@router.get("/assets/{asset_id}/contract-draft", operation_id="draft_contract", summary="Draft a data contract")
def draft(asset_id: Id, doors: Access, caller: MayRead) -> dict[str, Any]:
    """An ODCS 3.1.0 document of what the catalog knows of an asset: columns, classes, words and tests."""
    with doors.reading() as session:
        return queries.contract_draft(session, asset_id, caller)


@router.get(
    "/catalog/export", operation_id="export_catalog", summary="Export the catalog", response_class=Response,
    responses={200: {"description": "A page of the catalog; `Link` leads to the next.",
                     "content": {"application/ld+json": {}, "text/csv": {}}}},
)  # fmt: skip
def export(
    *, request: Request, doors: Access, caller: MayRead, wanted: Wanted, after: After = None, limit: Limit = 100,
    form: Annotated[Literal["dcat", "csv"], Query(alias="format")] = "dcat",
) -> Response:  # fmt: skip
    """Assets that the caller may see, as DCAT 3 in JSON-LD or as CSV, page by page; `Link` holds the next page."""
    with doors.reading() as session:
        if form == "dcat":
            document, following = queries.dcat(session, caller, wanted, after, limit)
            answer: Response = JSONResponse(document, media_type="application/ld+json")
        else:
            text, following = queries.assets_csv(session, caller, wanted, after, limit)
            answer = Response(text, media_type="text/csv")
    if following is not None:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        query = urlencode([*asked, ("after", following)])
        answer.headers["Link"] = f'</api/v1/catalog/export?{query}>; rel="next"'
    return answer
