"""The doors of lineage: OpenLineage events from unmodified emitters, and the lineage of a SQL text."""

from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from actors.catalog.contract import LineageReceipt, RecordLineageEvent
from cluster.context import Caller
from cluster.errors import InvalidInput
from serve.http.doors import Access
from serve.http.identity import Writer, permitted

router = APIRouter(tags=["catalog"])
MayRead = Annotated[Caller, Depends(permitted("catalog:read"))]
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
