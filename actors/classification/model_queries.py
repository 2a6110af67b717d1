"""The read side of the governed models."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from actors.classification.contract import EvaluationSummary, ModelDetail, ModelState, ModelView
from actors.classification.model_gate import figures, newest, summary
from actors.classification.model_registry import found, view
from actors.classification.model_tables import ModelEvaluation, ModelVersion
from cluster.errors import NotFound
from cluster.ml.figures import Evaluation
from cluster.ml.gate import ModelKind

LIMIT = 200


def models(
    session: Session, kind: ModelKind | None = None, state: ModelState | None = None, after: str | None = None,
    limit: int = 100,
) -> list[ModelView]:  # fmt: skip
    """Versions in the order of their ids, beginning behind `after`."""
    statement = select(ModelVersion).order_by(ModelVersion.id).limit(min(limit, LIMIT + 1))
    if kind is not None:
        statement = statement.where(ModelVersion.kind == kind)
    if state is not None:
        statement = statement.where(ModelVersion.state == state)
    if after is not None:
        statement = statement.where(ModelVersion.id > after)
    return [view(row) for row in session.scalars(statement)]


def model(session: Session, model_id: str) -> ModelDetail:
    """One version with its card and its newest evaluation. Raises NotFound."""
    row = found(session, model_id)
    latest = session.scalars(_evaluations(model_id).limit(1)).first()
    known = view(row).model_dump()
    return ModelDetail(**known, card=row.card, evaluation=summary(latest) if latest else None)


def evaluations(session: Session, model_id: str, limit: int = 50) -> list[EvaluationSummary]:
    """The evaluations of a version, the newest first. Raises NotFound for an unknown one."""
    found(session, model_id)
    return [summary(row) for row in session.scalars(_evaluations(model_id).limit(limit))]


def evaluation(session: Session, model_id: str) -> Evaluation:
    """All figures of the newest evaluation that brought some. Raises NotFound without one."""
    found(session, model_id)
    told = figures(newest(session, model_id))
    if told is None:
        raise NotFound("This version has no figures yet.", "Evaluate it first.")
    return told


def pending(session: Session) -> list[tuple[str, ModelVersion]]:
    """Evaluations that wait for a worker, the oldest first, with their versions."""
    statement = select(ModelEvaluation.id, ModelVersion).join(ModelVersion, ModelVersion.id == ModelEvaluation.model_id)
    statement = statement.where(ModelEvaluation.state == "pending").order_by(ModelEvaluation.asked_at)
    return [(identifier, row) for identifier, row in session.execute(statement)]


def _evaluations(model_id: str) -> Select[ModelEvaluation]:
    return select(ModelEvaluation).where(ModelEvaluation.model_id == model_id).order_by(ModelEvaluation.asked_at.desc())
