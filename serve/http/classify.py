"""Routes of classification on the spot. What is sent is looked at, answered and forgotten: not stored, not logged."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from actors.classification.tiers import Skipped, Tier, wanted
from cluster.context import Caller
from cluster.detectors.spans import Span
from cluster.errors import InvalidInput, SourceUnreadable
from serve.http.classify_bodies import (
    LONGEST_NAME,
    BatchFound,
    BatchOrder,
    ColumnsFound,
    ColumnsOrder,
    FileFound,
    RecordOrder,
    SpanFound,
    SpansOfText,
    TextFound,
    TextOrder,
    ValueFound,
    ValueOrder,
)
from serve.http.doors import Access, Doors, doors_of
from serve.http.identity import permitted

router = APIRouter(prefix="/classify", tags=["classification"])
MayRead = Annotated[Caller, Depends(permitted("classification:read"))]
MOST_VALUES = 1_000_000
TierNames = Annotated[str | None, Query(pattern=r"^[1-3a-z,]{1,30}$", description="As `tiers` elsewhere, with commas.")]


@router.post("/columns", operation_id="classify_columns", summary="Classify columns of values")
def columns(body: ColumnsOrder, doors: Access, caller: MayRead) -> ColumnsFound:
    """What each column holds, as a scan would find it. At most a million values in all."""
    if sum(map(len, body.columns.values())) > MOST_VALUES:
        raise InvalidInput(f"There are more than {MOST_VALUES} values.", "Send a sample of them, or scan the source.")
    return _columns_found(doors, body.columns, body.table, wanted(body.tiers))


@router.post("/record", operation_id="classify_record", summary="Classify the fields of a record")
def record(body: RecordOrder, doors: Access, caller: MayRead) -> ColumnsFound:
    """What each field of one row holds. One value proves less than many: expect `review`."""
    return _columns_found(doors, {name: (cell,) for name, cell in body.record.items()}, body.table, wanted(body.tiers))


@router.post("/value", operation_id="classify_value", summary="Classify one value")
def value(body: ValueOrder, doors: Access, caller: MayRead) -> ValueFound:
    """The classes that the value may be of, and where in it something stands if it is a text."""
    tiers = wanted(body.tiers)
    found = _columns_found(doors, {body.name: (body.value,)}, body.table, tiers)
    spans = _spans(doors, caller, [body.value], tiers)[0] if isinstance(body.value, str) else ()
    return ValueFound(classes=found.columns[body.name], spans=spans, skipped=found.skipped)


@router.post("/text", operation_id="classify_text", summary="Find personal and secret data in a text")
def text(body: TextOrder, doors: Access, caller: MayRead) -> TextFound:
    """Where in the text something stands, by character offset."""
    tiers = wanted(body.tiers)
    return TextFound(spans=_spans(doors, caller, [body.text], tiers)[0], skipped=_skipped(doors, caller, tiers))


@router.post("/batch", operation_id="classify_batch", summary="Find personal and secret data in many texts")
def batch(body: BatchOrder, doors: Access, caller: MayRead) -> BatchFound:
    """The same for up to 10,000 texts in one call."""
    tiers = wanted(body.tiers)
    results = tuple(SpansOfText(spans=spans) for spans in _spans(doors, caller, body.texts, tiers))
    return BatchFound(results=results, skipped=_skipped(doors, caller, tiers))


FILE_TYPES = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
}
LINES_TYPES = {
    "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"text": "Write to ada@example.org."}\n'},
}


@router.post(
    "/file", operation_id="classify_file", summary="Classify the columns of a file",
    openapi_extra={"requestBody": {"required": True, "content": FILE_TYPES}},
)  # fmt: skip
async def file(
    request: Request,
    caller: MayRead,
    format: Annotated[Literal["csv", "jsonl", "parquet"], Query(description="Layout of the body's bytes.")],
    table: Annotated[str, Query(max_length=LONGEST_NAME)] = "",
    tiers: TierNames = None,
) -> FileFound:
    """The body is the file itself: delimited text, JSON Lines or Parquet, as a source of files reads it."""
    content = await request.body()
    chosen = wanted(tiers.split(",") if tiers is not None else None)
    return await run_in_threadpool(_file_found, doors_of(request), content, format, table, chosen)


@router.post(
    "/stream", operation_id="classify_stream", summary="Find personal and secret data line by line",
    openapi_extra={"requestBody": {"required": True, "content": LINES_TYPES}},
    response_class=StreamingResponse,
    responses={200: {"description": "One line of JSON for each line.", "content": LINES_TYPES}},
)  # fmt: skip
async def stream(request: Request, caller: MayRead, tiers: TierNames = None) -> StreamingResponse:
    """Each line is `{"text": ...}`; each line of the answer is `{"line": ..., "spans": [...]}`, sent as it is found, or
    `{"line": ..., "problem": ...}` where a line is not of that form."""
    chosen = wanted(tiers.split(",") if tiers is not None else None)
    content = await request.body()
    return StreamingResponse(_answered(doors_of(request), caller, content, chosen), media_type="application/x-ndjson")


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    text: str


def _answered(doors: Doors, caller: Caller, content: bytes, tiers: tuple[Tier, ...]) -> Iterator[bytes]:
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        answer: dict[str, Any] = {"line": number}
        try:
            spans = _spans(doors, caller, [_Line.model_validate_json(line).text], tiers)[0]
            answer["spans"] = [span.model_dump(by_alias=True) for span in spans]
        except ValidationError:
            answer["problem"] = "The line is not a JSON object with a `text`."
        yield json.dumps(answer, ensure_ascii=False).encode() + b"\n"


def _columns_found(doors: Doors, columns: Any, table: str, tiers: tuple[Tier, ...]) -> ColumnsFound:
    from actors.classification.realtime import classify_columns  # numpy, polars and the detectors

    models = doors.models.for_columns(tiers, table)
    found = classify_columns(columns, table, tiers, models=models)
    return ColumnsFound(columns=found, skipped=models.skipped(tiers, texts=False))


def _file_found(doors: Doors, content: bytes, layout: str, table: str, tiers: tuple[Tier, ...]) -> FileFound:
    from actors.classification.realtime import classify_evidence, default_rules, evidence_of_batches
    from serve.http.uploads import batches_of

    models = doors.models.for_columns(tiers, table)
    try:
        evidence = evidence_of_batches(batches_of(content, layout), default_rules(), models)
    except SourceUnreadable:
        raise InvalidInput(f"The body is no {layout} file.", "Send the bytes of the file itself.") from None
    found = classify_evidence(evidence, table, tiers, models=models)
    rows = max((column.profile.rows for column in evidence.values()), default=0)
    return FileFound(columns=found, skipped=models.skipped(tiers, texts=False), rows=rows)


def _spans(doors: Doors, caller: Caller, texts: Any, tiers: tuple[Tier, ...]) -> list[tuple[SpanFound, ...]]:
    from actors.classification.realtime import classify_text

    found = classify_text(texts, tiers, models=doors.models.for_texts(tiers, caller.principal))
    return [tuple(map(_span_found, spans)) for spans in found]


def _span_found(span: Span) -> SpanFound:
    return SpanFound.model_construct(
        start=span.start, end=span.end, data_class=span.data_class, score=span.score, tier=span.tier
    )


def _skipped(doors: Doors, caller: Caller, tiers: tuple[Tier, ...]) -> tuple[Skipped, ...]:
    return doors.models.for_texts(tiers, caller.principal).skipped(tiers, texts=True)
