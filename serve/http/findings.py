"""Routes of what people do with findings: take them on, ask for waivers, decide on them."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from actors.compliance import queries
from actors.compliance.contract import DecideWaiver, FindingView, HandleFinding, Handling, RequestWaiver, WaiverView
from actors.compliance.contract.findings import Person, Reason
from serve.http.compliance import MaySee
from serve.http.doors import Access
from serve.http.identity import Writer
from serve.http.pages import After, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["compliance"])
WaiverId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", examples=["3f2a"])]


class HandlingOrder(BaseModel):
    """A field left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    handling: Handling | None = None
    assignee: Person | None = None
    due_at: date | None = None
    note: Annotated[str, Field(max_length=2000)] | None = None


class WaiverOrder(BaseModel):
    """Why the finding may stand for a while, what guards the data meanwhile, who is to decide, and until when."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    compensating_control: Reason
    approver: Person
    expires_at: date


class WaiverDecision(BaseModel):
    """The decision with its reason."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "refuse", "withdraw"]
    comment: Reason


@router.patch("/findings/{finding_id}", operation_id="handle_finding", summary="Take a finding on")
async def handle(finding_id: Id, body: HandlingOrder, doors: Access, caller: Writer) -> FindingView:
    """Who works on it, how far it is, and by when; a false positive ends when the facts change."""
    return await doors.send(HandleFinding.model_validate({"finding_id": finding_id, **body.model_dump()}), caller)


@router.post(
    "/findings/{finding_id}/waivers", operation_id="request_waiver", summary="Ask for a waiver", status_code=201
)
async def request_waiver(finding_id: Id, body: WaiverOrder, doors: Access, caller: Writer) -> WaiverView:
    """An exception for one finding, to be decided by somebody else. Some controls allow none."""
    return await doors.send(RequestWaiver.model_validate({"finding_id": finding_id, **body.model_dump()}), caller)


@router.get("/waivers", operation_id="list_waivers", summary="List waivers")
def waivers(
    doors: Access, caller: MaySee, finding_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[WaiverView]:
    """Waivers with what became of them."""
    with doors.reading() as session:
        found = queries.list_waivers(session, finding_id, after, limit + 1, caller=caller)
    return page(found, limit, lambda waiver: waiver.id)


@router.post("/waivers/{waiver_id}/decision", operation_id="decide_waiver", summary="Decide on a waiver")
async def decide_waiver(waiver_id: WaiverId, body: WaiverDecision, doors: Access, caller: Writer) -> WaiverView:
    """Only the approver that it names approves or refuses; it is never the one who asked."""
    return await doors.send(DecideWaiver.model_validate({"waiver_id": waiver_id, **body.model_dump()}), caller)
