"""What people do with findings: take them on, and waive them for a time."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.compliance.contract.verdicts import GROUP, FindingView
from cluster.runtime.commands import Command, Done

Handling = Literal["open", "acknowledged", "in_progress", "false_positive"]
WaiverState = Literal["requested", "approved", "refused", "expired", "withdrawn"]
Reason = Annotated[str, Field(min_length=10, max_length=2000)]
Person = Annotated[str, Field(min_length=1, max_length=200)]


class WaiverView(BaseModel):
    """An exception from a control. While it is `approved`, the finding's verdict stays what it is, and is waived."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    finding_id: str
    framework: str
    control: str
    subject_name: str
    state: WaiverState
    reason: str
    compensating_control: str
    requested_by: str
    approver: str
    decided_by: str | None
    decision: str | None
    requested_at: datetime
    decided_at: datetime | None
    expires_at: date


class HandleFinding(Command[FindingView]):
    """Takes a failing finding on: who works on it, how far it is, and by when. A field left out stays.

    A false positive is a person's word on the verdict, and ends when the facts change. Raises NotFound; Conflict if
    the finding does not fail.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:write"
    finding_id: str
    handling: Handling | None = None
    assignee: Person | None = None
    due_at: date | None = None
    note: Annotated[str, Field(max_length=2000)] | None = None


class RequestWaiver(Command[WaiverView]):
    """Asks for an exception from a control for one finding, to be decided by `approver`.

    Raises NotFound; Conflict if the control cannot be waived, the finding does not fail, or it is waived already;
    InvalidInput if it would expire in the past or later than a year from now, or if the approver is the requester, is
    not known, may not decide, or can no longer sign in.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:write"
    finding_id: str
    reason: Reason
    compensating_control: Reason
    approver: Person
    expires_at: date


class DecideWaiver(Command[WaiverView]):
    """Approves, refuses or withdraws a waiver. Only the named approver approves or refuses, and never the requester.

    Raises NotFound, Forbidden, and Conflict if it has been decided, or has expired meanwhile.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:decide"
    waiver_id: str
    decision: Literal["approve", "refuse", "withdraw"]
    comment: Reason


class KeepClocks(Command[Done]):
    """Internal: what runs out by the day is marked, so that it is told: waivers, and if asked for the deadlines of
    findings.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:internal"
    deadlines: bool = False
