"""Routes by which verdicts are handed on: to other tools (OSCAL, SARIF), to people, and as signed evidence."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from actors.compliance import queries
from actors.compliance.documents import Period, as_csv, as_html, as_json, document
from actors.compliance.reporting import Report, oscal, sarif
from cluster.errors import InvalidInput
from serve.http.compliance import Framework, MayRead, MaySee
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
FORMS = {"json": "application/json", "csv": "text/csv", "html": "text/html", "pdf": "application/pdf"}
REPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report in the form that was asked for.",
        "content": {
            media: {"schema": {"type": "object"} if form == "json" else {"type": "string"}}
            for form, media in FORMS.items()
        },
    }
}
# A page that somebody opens from here shows what it holds, and neither runs nor fetches anything.
HARMLESS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
OneFramework = Annotated[
    str, Query(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$", examples=["gdpr"], description="Its key.")
]
PRINTING = anyio.CapacityLimiter(1)
"""A long document takes a processor for seconds: who waits for another one holds none of the threads of all routes."""


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


@router.get(
    "/sources/{source_id}/report", operation_id="report_source", summary="Report on a source by one framework",
    response_class=Response, responses=REPORTED,
)  # fmt: skip
async def report(  # noqa: PLR0917
    source_id: Id,
    doors: Access,
    caller: MaySee,
    framework: OneFramework,
    format: Annotated[Literal["json", "csv", "html", "pdf"], Query(description="The form of the document.")] = "json",
    since: Annotated[datetime | None, Query(description="Findings whose verdict was reached from then on.")] = None,
    until: Annotated[datetime | None, Query(description="Findings whose verdict was reached before.")] = None,
) -> Response:
    """The posture by every control, and the findings that fail or lack evidence, the heaviest first: at most 2,000, of
    which HTML and PDF print 500. The document says how many are left out."""
    period = Period(_moment(since), _moment(until))
    if period.since and period.until and period.since >= period.until:
        raise InvalidInput("The period ends before it begins.", "Give a `since` that is before `until`.")

    def told() -> Report:
        with doors.reading() as session:
            return queries.report(session, source_id, framework, caller, period)

    found = await run_in_threadpool(told)
    if format == "pdf":
        from actors.compliance.printing import as_pdf  # loaded by those who print

        body: bytes | str = await anyio.to_thread.run_sync(as_pdf, document(found, period), limiter=PRINTING)
    else:
        body = await run_in_threadpool(_written, found, period, format)
    name = f'inline; filename="{framework}-{source_id}.{format}"'
    return Response(body, media_type=FORMS[format], headers=HARMLESS | {"Content-Disposition": name})


def _written(found: Report, period: Period, form: Literal["json", "csv", "html"]) -> str:
    if form == "json":
        return json.dumps(as_json(found, period), ensure_ascii=False)
    return as_csv(found) if form == "csv" else as_html(document(found, period))


@router.get("/sources/{source_id}/evidence", operation_id="bundle_evidence", summary="Take the evidence, signed")
def evidence(source_id: Id, doors: Access, caller: MayRead, framework: OneFramework) -> dict[str, Any]:
    """The report of a framework with the facts and the rules that its verdicts cite, and the head of the audit chain,
    signed by this installation (Ed25519): whoever has the public key sees whether a byte was changed."""
    with doors.reading() as session:
        return queries.bundle(session, source_id, framework)


def _moment(at: datetime | None) -> datetime | None:
    try:
        return at and (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except OverflowError:
        raise InvalidInput("A time of the period is beyond the calendar.", "Leave it out for an open end.") from None
