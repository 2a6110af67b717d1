"""The commands of the orchestrator, and those of access: tokens."""

from datetime import timedelta

from sqlalchemy import delete, select

from actors.orchestrator import queries
from actors.orchestrator.contract import (
    CancelWorkflow,
    CreateToken,
    ForgetOperations,
    RecordInsights,
    RecordPhase,
    ResumeWorkflow,
    RevokeToken,
    StartWorkflow,
    WorkflowView,
)
from actors.orchestrator.tables import Insight, Phase, Workflow
from actors.orchestrator.workflows import PHASES
from actors.rulesets import queries as rulesets
from actors.sources import queries as sources
from cluster.context import new_id
from cluster.errors import Conflict, NotFound
from cluster.runtime.commands import Done, Service, UnitOfWork
from cluster.security.tokens import TokenView, issue_token, revoke_token
from cluster.store.tables import Operation, Token

service = Service("orchestrator")


@service.handles(StartWorkflow)
def start_workflow(work: UnitOfWork, command: StartWorkflow) -> WorkflowView:
    known = queries.find_by_key(work.session, command.key) if command.key is not None else None
    known = known or queries.running_on(work.session, command.source_id)
    if known is not None:
        return queries.get_workflow(work.session, known)
    sources.get_source(work.session, command.source_id)
    rulesets.current(work.session, command.ruleset)
    row = Workflow(
        id=new_id(),
        key=command.key,
        source_id=command.source_id,
        ruleset=command.ruleset,
        state="running",
        requested_by=work.caller.principal,
        requested_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    for number, phase in enumerate(PHASES, start=1):
        work.session.add(
            Phase(workflow_id=row.id, number=number, name=phase.name, state="pending", step=0, counters={})
        )
    work.session.flush()
    return _published(work, row, "workflow_started")


@service.handles(CancelWorkflow)
def cancel_workflow(work: UnitOfWork, command: CancelWorkflow) -> WorkflowView:
    row = _row(work, command.workflow_id)
    if row.state != "running":
        raise Conflict(f"The workflow has {row.state} already.", "Only a running workflow can be cancelled.")
    _end(work, row, "cancelled")
    for phase in _phases(work, row.id):
        if phase.state == "running":
            phase.state, phase.finished_at = "cancelled", work.now
    return _published(work, row, "workflow_cancelled")


@service.handles(ResumeWorkflow)
def resume_workflow(work: UnitOfWork, command: ResumeWorkflow) -> WorkflowView:
    row = _row(work, command.workflow_id)
    if row.state not in ("failed", "cancelled"):
        raise Conflict(f"The workflow is {row.state}.", "Only a failed or cancelled workflow can be resumed.")
    row.state, row.finished_at = "running", None
    for phase in _phases(work, row.id):
        if phase.state in ("failed", "cancelled"):
            phase.state, phase.step, phase.problem, phase.finished_at = "pending", 0, None, None
    return _published(work, row, "workflow_resumed")


@service.handles(RecordPhase)
def record_phase(work: UnitOfWork, command: RecordPhase) -> WorkflowView:
    row = _row(work, command.workflow_id)
    if row.state != "running":
        return queries.view(work.session, row)
    phase = work.session.get_one(Phase, (command.workflow_id, command.number))
    moved = phase.state != command.state
    phase.state, phase.step, phase.problem = command.state, command.step, command.problem
    phase.counters = command.counters
    phase.started_at = phase.started_at or work.now
    if command.state not in ("pending", "running"):
        phase.finished_at = work.now
    if moved:
        after = {"workflow_id": row.id, "source_id": row.source_id, "phase": phase.name, "state": phase.state}
        work.emit("phase", f"workflow:{row.id}", after=after | {"counters": public(command.counters)})
    _settle(work, row)
    return queries.view(work.session, row)


@service.handles(ForgetOperations)
def forget_operations(work: UnitOfWork, command: ForgetOperations) -> Done:
    work.session.execute(delete(Operation).where(Operation.at < work.now - timedelta(days=command.days)))
    return Done()


@service.handles(RecordInsights)
def record_insights(work: UnitOfWork, command: RecordInsights) -> Done:
    known = {row.id: row for row in work.session.scalars(select(Insight).where(Insight.source_id == command.source_id))}
    fresh = {insight.id: insight for insight in command.insights}
    work.session.execute(delete(Insight).where(Insight.id.in_(known.keys() - fresh.keys())))
    for identifier, insight in fresh.items():
        work.session.merge(Insight(**insight.model_dump(mode="json")))
        if identifier not in known:
            work.emit("insight_found", f"source:{command.source_id}", after=insight)
    return Done()


@service.handles(CreateToken)
def create_token(work: UnitOfWork, command: CreateToken) -> TokenView:
    secret = command.secret.get_secret_value()
    issued = issue_token(work.session, command.principal, list(command.roles), command.days, secret)
    token = TokenView(**issued.model_dump(exclude={"secret"}))  # the secret is shown by the door, once
    work.emit("token_created", f"token:{token.id}", after=token)
    return token


@service.handles(RevokeToken)
def withdraw_token(work: UnitOfWork, command: RevokeToken) -> TokenView:
    known = work.session.get(Token, command.token_id)
    before = known.revoked_at if known else None
    token = revoke_token(work.session, command.token_id)
    if token.revoked_at != before:
        work.emit("token_revoked", f"token:{token.id}", after=token)
    return token


def public(counters: dict[str, object]) -> dict[str, object]:
    """Counters without the references that only the orchestrator needs (they begin with an underscore)."""
    return {name: value for name, value in counters.items() if not name.startswith("_")}


def _settle(work: UnitOfWork, row: Workflow) -> None:
    """Ends the workflow when its last phase has ended, or one that the others need has failed."""
    phases = _phases(work, row.id)
    essential = {phase.name for phase in PHASES if phase.essential}
    if any(phase.state == "failed" and phase.name in essential for phase in phases):
        _end(work, row, "failed")
    elif all(phase.state in ("succeeded", "partial", "failed") for phase in phases):
        _end(work, row, "succeeded" if all(phase.state == "succeeded" for phase in phases) else "partial")
    else:
        return
    _published(work, row, "workflow_finished")


def _end(work: UnitOfWork, row: Workflow, state: str) -> None:
    row.state, row.finished_at = state, work.now
    work.session.flush()


def _published(work: UnitOfWork, row: Workflow, kind: str) -> WorkflowView:
    work.session.flush()
    after = queries.view(work.session, row)
    summary = {"workflow_id": row.id, "source_id": row.source_id, "state": row.state, "key": row.key}
    work.emit(kind, f"workflow:{row.id}", after=summary)
    return after


def _row(work: UnitOfWork, workflow_id: str) -> Workflow:
    row = work.session.get(Workflow, workflow_id)
    if row is None:
        raise NotFound(f"There is no workflow '{workflow_id}'.", "List the workflows to see their ids.")
    return row


def _phases(work: UnitOfWork, workflow_id: str) -> list[Phase]:
    statement = select(Phase).where(Phase.workflow_id == workflow_id).order_by(Phase.number)
    return list(work.session.scalars(statement))
