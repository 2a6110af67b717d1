"""The doors of lineage: OpenLineage events from unmodified emitters, and the lineage of a SQL text."""

from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog import queries
from actors.catalog.contract import (
    CarriedLabelView,
    CatalogReceipt,
    EndEdge,
    ImpactView,
    LineageEdge,
    LineageReceipt,
    LineageView,
    PathView,
    RecordLineageEvent,
    RecordQueries,
    TellEdge,
)
from cluster.context import Caller
from cluster.errors import InvalidInput
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import Id

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read", scoped=True))]
SECONDS = 20.0
AT_ONCE = BoundedSemaphore(1)  # parsing is work for one processor, and others want an answer too
EXAMPLE = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-23T08:00:00Z",
    "run": {"runId": "0193a1c2-7b1e-7000-8000-000000000001"},
    "job": {"namespace": "nightly", "name": "load_orders"},
    "inputs": [{"namespace": "s3://landing", "name": "orders/2026-11-22.csv"}],
    "outputs": [{"namespace": "postgres://warehouse:5432", "name": "sales.public.orders"}],
    "producer": "https://example.org/loader/1.0",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
}
Told = Annotated[dict[str, Any], Body(examples=[EXAMPLE], description="An OpenLineage event; unknown facets are kept.")]


@router.post("/lineage", operation_id="record_lineage_event", summary="Take in an OpenLineage event", status_code=201)
async def record(body: Told, doors: Access, caller: Writer) -> LineageReceipt:
    """A RunEvent, JobEvent or DatasetEvent. The lineage of a job is what its newest completed run told of; a COMPLETE
    event also sets off the scans that wait for it. The same event again changes nothing."""
    return await doors.send(RecordLineageEvent(body=body), caller)


class Failed(BaseModel):
    """An event of a batch that was not taken in, by its place in the batch."""

    index: int
    reason: str
    retriable: bool = False


class Batch(BaseModel):
    """What became of a batch of events."""

    status: Literal["success", "partial_success", "failure"]
    summary: dict[str, int]
    failed_events: list[Failed]


Events = Annotated[list[dict[str, Any]], Body(max_length=1_000, examples=[[EXAMPLE]])]


@router.post("/lineage/batch", operation_id="record_lineage_batch", summary="Take in OpenLineage events")
async def record_batch(body: Events, doors: Access, caller: Writer) -> Batch:
    """As many events as 1,000 in one request. One that is none does not keep the others from being taken in."""
    failed = []
    for index, event in enumerate(body):
        try:
            one = caller.model_copy(update={"operation_id": f"{caller.operation_id[:100]}:{index}"})
            await doors.send(RecordLineageEvent(body=event), one)
        except InvalidInput as error:
            failed.append(Failed(index=index, reason=error.detail))
    whole = "success" if not failed else "partial_success" if len(failed) < len(body) else "failure"
    summary = {"received": len(body), "successful": len(body) - len(failed), "failed": len(failed)}
    return Batch.model_validate({"status": whole, "summary": summary, "failed_events": failed})


class Script(BaseModel):
    """A SQL text of up to 16 million characters, with what is known of the tables that it names."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    sql: str = Field(max_length=16_000_000, examples=["INSERT INTO sales SELECT id, amount FROM orders"])
    dialect: str | None = Field(None, max_length=50, examples=["postgres"], description="As sqlglot names it.")
    tables: dict[str, dict[str, str | None]] | None = Field(
        None, alias="schema", examples=[{"orders": {"id": "int", "amount": "numeric"}}],
        description="Columns and types by table; a table is `table`, `schema.table` or `db.schema.table`.",
    )  # fmt: skip
    default_db: str | None = Field(None, max_length=500)
    default_schema: str | None = Field(None, max_length=500)


class ExtractedEdge(BaseModel):
    """A column that a column of a written table depends on; no column: the table as a whole."""

    from_table: str
    from_column: str | None
    to_table: str
    to_column: str | None
    transformation: Literal["DIRECT", "INDIRECT"]
    subtype: str
    masking: bool
    confidence: float
    path: str = Field(description="The field of a struct or document that is read, where only that is.")
    statement: int


class ExtractionError(BaseModel):
    """What could not be read, and where it stands in the text."""

    message: str
    line: int
    column: int
    statement: int


class Extracted(BaseModel):
    """The tables that a text reads and writes, which columns are computed from which, and every edge in detail."""

    tables_in: list[str]
    tables_out: list[str]
    column_edges: list[tuple[str, str]]
    edges: list[ExtractedEdge]
    errors: list[ExtractionError]
    statements: int


@router.post("/lineage/extract", operation_id="extract_lineage", summary="Find the lineage of a SQL text")
def extract(body: Script, caller: MayRead) -> Extracted:
    """Column lineage of a query or a script of many statements, in any dialect that sqlglot reads. Nothing is kept.

    The result of a bare query is the table `<query>`. A part that cannot be read is an error with its place, and the
    rest is read; after 20 seconds the rest is left out, which is an error too. docs/lineage.md has the rules."""
    from cluster.lineage.extract import extract as extracted  # the parser is loaded by those who need it

    schema = {
        table: {name: kind or "" for name, kind in columns.items()} for table, columns in (body.tables or {}).items()
    }
    with AT_ONCE:
        try:
            found = extracted(body.sql, body.dialect, schema, body.default_db, body.default_schema, SECONDS)
        except ValueError:
            raise InvalidInput("Nobody knows that dialect of SQL.", "Name one that sqlglot reads, or none.") from None
    return Extracted.model_validate(found.as_dict())


Depth = Annotated[int, Query(ge=1, le=20, description="How many steps away at most.")]
ColumnName = Annotated[str | None, Query(min_length=1, max_length=1000)]
At = Annotated[datetime | None, Query(description="As of this time (RFC 3339); now if left out.")]


def _moment(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


@router.get("/assets/{asset_id}/lineage", operation_id="get_lineage", summary="Read the lineage of an asset")
def read(  # noqa: PLR0917
    asset_id: Id,
    doors: Access,
    caller: MayRead,
    depth: Depth = 3,
    direction: Literal["up", "down", "both"] = "both",
    column: ColumnName = None,
    at: At = None,
) -> LineageView:
    """Where the data of the asset, or of one column of it, comes from and goes to, within `depth` steps, now or as of
    a time. What the caller may not see is neither shown nor walked through."""
    with doors.reading() as session:
        return queries.lineage(session, asset_id, depth, direction, _moment(at), caller, column)


@router.get("/assets/{asset_id}/lineage/impact", operation_id="get_lineage_impact", summary="Count what depends on it")
def impact(  # noqa: PLR0917
    asset_id: Id, doors: Access, caller: MayRead, column: ColumnName = None, depth: Depth = 20, at: At = None
) -> ImpactView:
    """How many assets and columns are made from the asset, or from one column of it, by the number of steps."""
    with doors.reading() as session:
        return queries.impact(session, asset_id, column, depth, _moment(at), caller)


@router.get("/assets/{asset_id}/lineage/path", operation_id="get_lineage_path", summary="Explain how data got there")
def path(  # noqa: PLR0917
    asset_id: Id,
    to: Annotated[str, Query(min_length=1, max_length=64, description="The asset that it leads to.")],
    doors: Access,
    caller: MayRead,
    column: ColumnName = None,
    to_column: ColumnName = None,
    at: At = None,
) -> PathView:
    """The shortest way from this asset or column to another, each step in words; no steps if there is no way."""
    with doors.reading() as session:
        return queries.path(session, (asset_id, column), (to, to_column), _moment(at), caller)


@router.get(
    "/assets/{asset_id}/lineage/labels", operation_id="list_carried_labels", summary="Read what lineage carries"
)
def carried(asset_id: Id, doors: Access, caller: MayRead) -> list[CarriedLabelView]:
    """Classes that come to the asset's columns along lineage, where from, and whether a scan found them there."""
    with doors.reading() as session:
        return queries.carried_labels(session, asset_id, caller)


@router.get("/assets/{asset_id}/lineage/export", operation_id="export_lineage", summary="Export lineage as a document")
def export(  # noqa: PLR0917
    asset_id: Id,
    doors: Access,
    caller: MayRead,
    form: Annotated[Literal["openlineage", "graph"], Query(alias="format")] = "openlineage",
    depth: Depth = 3,
    direction: Literal["up", "down", "both"] = "both",
    at: At = None,
) -> dict[str, Any]:
    """OpenLineage JobEvents with columnLineage facets (`events`), or a graph of nodes and edges (`graph`)."""
    with doors.reading() as session:
        view = queries.lineage(session, asset_id, depth, direction, _moment(at), caller)
        if form == "graph":
            return queries.as_graph(view)
        return {"events": queries.as_openlineage(session, view, _moment(at) or datetime.now(UTC))}


class QueryLog(BaseModel):
    """Statements that ran on a source; literals may be replaced by parameters."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    queries: tuple[Annotated[str, Field(max_length=100_000)], ...] = Field(
        min_length=1, max_length=1_000, examples=[["INSERT INTO sales SELECT id, amount FROM orders WHERE day = $1"]]
    )


@router.post("/sources/{source_id}/lineage/queries", operation_id="record_queries", summary="Take in a query log")
async def record_queries(source_id: Id, body: QueryLog, doors: Access, caller: Writer) -> CatalogReceipt:
    """What the statements fill, and from where, becomes lineage of the source; texts are not kept. PostgreSQL has
    them in pg_stat_statements."""
    return await doors.send(RecordQueries(source_id=source_id, queries=body.queries), caller)


class ToldEdge(BaseModel):
    """Where data goes by a person's knowledge; without columns the assets as wholes."""

    model_config = ConfigDict(extra="forbid")

    from_asset: Annotated[str, Field(min_length=1, max_length=64)]
    from_column: str | None = Field(None, min_length=1, max_length=1000)
    to_asset: Annotated[str, Field(min_length=1, max_length=64)]
    to_column: str | None = Field(None, min_length=1, max_length=1000)
    subtype: Literal[
        "IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "FILTER", "GROUP_BY", "SORT", "WINDOW", "CONDITIONAL"
    ] = "TRANSFORMATION"
    masking: bool = False
    note: str | None = Field(None, max_length=2000)


@router.post("/lineage/edges", operation_id="tell_edge", summary="Tell of an edge", status_code=201)
async def tell(body: ToldEdge, doors: Access, caller: Writer) -> LineageEdge:
    """An edge that no machine finds, under the caller's name. The same edge again gives the one that stands."""
    return await doors.send(TellEdge(**body.model_dump()), caller)


@router.delete("/lineage/edges/{edge_id}", operation_id="end_edge", summary="End a told edge")
async def end(edge_id: Annotated[int, Path(ge=1, le=2**62)], doors: Access, caller: Writer) -> LineageEdge:
    """The edge holds no longer; lineage as of earlier times still shows it."""
    return await doors.send(EndEdge(edge_id=edge_id), caller)
