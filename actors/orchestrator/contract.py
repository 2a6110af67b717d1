"""What the doors may know of the orchestrator: its values and its commands."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cluster.runtime.commands import Command, Done
from cluster.security.tokens import TokenView

GROUP = "orchestrator"

WorkflowState = Literal["running", "succeeded", "partial", "failed", "cancelled"]
PhaseState = Literal["pending", "running", "succeeded", "partial", "failed", "cancelled"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class PhaseView(_View):
    """One of the eight phases: its counters are figures of what it did; `problem` says why it did not succeed."""

    number: int
    name: str
    state: PhaseState
    step: int
    counters: dict[str, Any]
    problem: str | None
    started_at: datetime | None
    finished_at: datetime | None


class WorkflowView(_View):
    """`key` is that of the command that started it, None where it had none."""

    id: str
    key: str | None = None
    source_id: str
    ruleset: str
    state: WorkflowState
    phases: tuple[PhaseView, ...]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None


class InsightView(_View):
    """A correlation across groups that cites its members."""

    id: str
    source_id: str
    kind: str
    title: str
    score: float
    members: dict[str, Any]


class StartWorkflow(Command[WorkflowView]):
    """Takes a registered source through the eight phases. A source that is under way returns its running workflow.

    The same `key` returns the workflow that it started, also when that has ended.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:write"
    source_id: str
    ruleset: str = "default"
    key: str | None = Field(None, min_length=1, max_length=200)


class CancelWorkflow(Command[WorkflowView]):
    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:write"
    workflow_id: str


class ResumeWorkflow(Command[WorkflowView]):
    """Goes on with a failed or cancelled workflow at the phase where it ended."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:write"
    workflow_id: str


class RecordPhase(Command[WorkflowView]):
    """Internal: where a phase stands."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:internal"
    workflow_id: str
    number: int
    step: int
    state: PhaseState
    counters: dict[str, Any]
    problem: str | None = None


class ForgetOperations(Command[Done]):
    """Internal: drops what is remembered of operations, and so of Idempotency-Keys, that are older than `days`."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:internal"
    days: int = Field(7, ge=1)


class RecordInsights(Command[Done]):
    """Internal: replaces the insights of a source."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "orchestrator:internal"
    source_id: str
    insights: tuple[InsightView, ...]


class CreateToken(Command[TokenView]):
    """Registers a token for a principal with roles. The secret is made by the door and shown by it once."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "access:write"
    principal: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@\-]*$")
    roles: tuple[str, ...] = Field(min_length=1, max_length=20)
    days: int | None = Field(None, ge=1, le=3650)
    secret: SecretStr = Field(min_length=32, max_length=200)


class RevokeToken(Command[TokenView]):
    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "access:write"
    token_id: str
