"""The route by which verdicts are handed to other tools: OSCAL and SARIF."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from actors.compliance import queries
from actors.compliance.reporting import oscal, sarif
from serve.http.compliance import Framework, MaySee
from serve.http.doors import Access
from serve.http.pages import Id

router = APIRouter(tags=["compliance"])
MEDIA = {"oscal": "application/json", "sarif": "application/sarif+json"}
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "OSCAL assessment results 1.1.2, or SARIF 2.1.0.",
        "content": {media: {"schema": {"type": "object"}} for media in MEDIA.values()},
    }
}


@router.get(
    "/sources/{source_id}/findings/export", operation_id="export_findings", summary="Export the findings of a source",
    response_class=JSONResponse, responses=ANSWER,
)  # fmt: skip
def export(
    source_id: Id,
    doors: Access,
    caller: MaySee,
    format: Annotated[Literal["oscal", "sarif"], Query(description="The form of the document.")] = "oscal",
    framework: Framework = None,
) -> JSONResponse:
    """What fails and what lacks evidence, at most 2,000 of each framework; the document says how many are left out."""
    with doors.reading() as session:
        report = queries.report(session, source_id, framework, caller)
    document = oscal(report) if format == "oscal" else sarif(report)
    return JSONResponse(document, media_type=MEDIA[format])
