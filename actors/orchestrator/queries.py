"""The read side of the orchestrator."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.orchestrator.contract import InsightView, PhaseView, WorkflowView
from actors.orchestrator.tables import Insight, Phase, Workflow
from cluster.errors import NotFound


def get_workflow(session: Session, workflow_id: str) -> WorkflowView:
    """One workflow with its phases. Raises NotFound."""
    row = session.get(Workflow, workflow_id)
    if row is None:
        raise NotFound(f"There is no workflow '{workflow_id}'.", "List the workflows to see their ids.")
    return view(session, row)


def view(session: Session, row: Workflow) -> WorkflowView:
    """A workflow with its phases in their order."""
    phases = session.scalars(select(Phase).where(Phase.workflow_id == row.id).order_by(Phase.number))
    return WorkflowView(
        id=row.id,
        key=row.key,
        source_id=row.source_id,
        ruleset=row.ruleset,
        state=row.state,
        phases=tuple(PhaseView.model_validate(phase) for phase in phases),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
    )


def list_workflows(
    session: Session, source_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[WorkflowView]:
    """Workflows in the order of their ids, beginning behind `after`."""
    statement = select(Workflow).order_by(Workflow.id).limit(limit)
    if source_id:
        statement = statement.where(Workflow.source_id == source_id)
    if after:
        statement = statement.where(Workflow.id > after)
    return [view(session, row) for row in session.scalars(statement).all()]


def running(session: Session) -> list[str]:
    """The ids of the workflows that are under way."""
    return list(session.scalars(select(Workflow.id).where(Workflow.state == "running").order_by(Workflow.requested_at)))


def find_by_key(session: Session, key: str) -> str | None:
    """The id of the workflow that was started with this key, None if there is none."""
    return session.scalars(select(Workflow.id).where(Workflow.key == key)).first()


def running_on(session: Session, source_id: str) -> str | None:
    """The id of the workflow that the source is under way with, None if there is none."""
    statement = select(Workflow.id).where(Workflow.source_id == source_id, Workflow.state == "running")
    return session.scalars(statement).first()


def cancelled_among(session: Session, ids: Collection[str]) -> set[str]:
    """Those of the workflows that were cancelled; ids of anything else are left out."""
    return set(session.scalars(select(Workflow.id).where(Workflow.id.in_(ids), Workflow.state == "cancelled")))


def insights(session: Session, source_id: str, limit: int = 100) -> list[InsightView]:
    """Insights of a source, the weightiest first."""
    statement = select(Insight).where(Insight.source_id == source_id).order_by(Insight.score.desc(), Insight.id)
    return [InsightView.model_validate(row) for row in session.scalars(statement.limit(limit))]
