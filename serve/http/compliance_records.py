"""Routes of what people put on record for compliance: registers, periods, holds, policies, reviews, attestations."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from actors.compliance import queries
from actors.compliance.contract import (
    AccessRequest,
    Body,
    Contradiction,
    Deadline,
    Decision,
    EndRecord,
    FrameworkView,
    ImportedFramework,
    KeepRecord,
    RecordKind,
    RecordView,
)
from serve.http.compliance import MayRead
from serve.http.doors import Access
from serve.http.identity import Writer
from serve.http.pages import After, Limit, Page, page

router = APIRouter(tags=["compliance"])
RecordId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", examples=["3f2a"])]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The version that is to be replaced.")]


class RecordOrder(BaseModel):
    """What is to be put on record."""

    model_config = ConfigDict(extra="forbid")

    body: Body


class FrameworkFile(BaseModel):
    """A framework of the organisation's own: the YAML text of one pack."""

    model_config = ConfigDict(extra="forbid")

    content: str = Field(min_length=10, max_length=1_000_000)


@router.get("/compliance/records", operation_id="list_records", summary="List records")
def list_records(
    *,
    doors: Access,
    caller: MayRead,
    kind: Annotated[RecordKind | None, Query(description="Only records of this kind.")] = None,
    ended: Annotated[bool, Query(description="Those that are no longer in force as well.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> Page[RecordView]:
    """Register entries, vendors, assessments, attestations, retentions, holds, policies, incidents, reviews, packs."""
    with doors.reading() as session:
        found = queries.list_records(session, kind, ended, after, limit + 1)
    return page(found, limit, lambda record: record.id)


@router.post("/compliance/records", operation_id="keep_record", summary="Put something on record", status_code=201)
async def keep(body: RecordOrder, doors: Access, caller: Writer) -> RecordView:
    """Makes a record. What it says counts from the next evaluation on, which follows by itself."""
    return await doors.send(KeepRecord(body=body.body), caller)


@router.get("/compliance/records/{record_id}", operation_id="get_record", summary="Read a record")
def get(record_id: RecordId, doors: Access, caller: MayRead) -> RecordView:
    """A record in its newest version."""
    with doors.reading() as session:
        return queries.record_history(session, record_id)[0]


@router.get("/compliance/records/{record_id}/history", operation_id="get_record_history", summary="Read all versions")
def history(record_id: RecordId, doors: Access, caller: MayRead) -> Page[RecordView]:
    """All versions of a record with who wrote them, the newest first."""
    with doors.reading() as session:
        return Page[RecordView](items=tuple(queries.record_history(session, record_id)))


@router.put("/compliance/records/{record_id}", operation_id="change_record", summary="Change a record")
async def change(
    record_id: RecordId, body: RecordOrder, doors: Access, caller: Writer, version: Version = None
) -> RecordView:
    """Writes the next version; the one before stays readable."""
    return await doors.send(KeepRecord(record_id=record_id, version=version, body=body.body), caller)


@router.delete("/compliance/records/{record_id}", operation_id="end_record", summary="Take a record out of force")
async def end(record_id: RecordId, doors: Access, caller: Writer, version: Version = None) -> RecordView:
    """The record counts no more. It stays readable with its history."""
    return await doors.send(EndRecord(record_id=record_id, version=version), caller)


@router.get("/compliance/deadlines", operation_id="list_deadlines", summary="What has to be done by when")
def list_deadlines(doors: Access, caller: MayRead) -> Page[Deadline]:
    """Incidents, requests, reviews, and what runs out: the earliest first, with what is overdue and what is so soon."""
    with doors.reading() as session:
        return Page[Deadline](items=tuple(queries.deadlines(session)))


@router.post("/frameworks", operation_id="import_framework", summary="Import a framework", status_code=201)
async def import_framework(body: FrameworkFile, doors: Access, caller: Writer) -> FrameworkView:
    """Takes a framework of the organisation's own from one file, if it is sound: see docs/compliance.md."""
    view = queries.readable_framework(body.content)
    with doors.reading() as session:
        known = queries.framework_record(session, view.key)
    named = ImportedFramework(name=view.key, content=body.content)
    await doors.send(KeepRecord(record_id=known, body=named), caller)
    return view


@router.post("/policies/evaluate", operation_id="evaluate_policies", summary="Ask the policies")
def evaluate_policies(body: AccessRequest, doors: Access, caller: MayRead) -> Decision:
    """What the policies in force say of a request: permit, mask or deny, by which of them, and with which duties."""
    with doors.reading() as session:
        return queries.decide(session, body)


@router.get("/policies/contradictions", operation_id="list_contradictions", summary="List contradictory policies")
def contradictions(doors: Access, caller: MayRead) -> Page[Contradiction]:
    """Pairs of policies that say opposite things of the same data for the same people, at the same priority."""
    with doors.reading() as session:
        return Page[Contradiction](items=tuple(queries.contradictions(session)))
