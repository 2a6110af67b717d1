"""The door for lineage that other tools tell of: OpenLineage events from unmodified emitters."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from actors.catalog.contract import LineageReceipt, RecordLineageEvent
from serve.http.doors import Access
from serve.http.identity import Writer

router = APIRouter(tags=["catalog"])
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
