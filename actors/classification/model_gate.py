"""Evaluations of versions, and the gate that stands on the newest of them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.contract import EvaluateModel, EvaluationSummary, RecordEvaluation
from actors.classification.model_tables import ModelEvaluation, ModelVersion
from cluster.context import new_id
from cluster.errors import Conflict, NotFound
from cluster.ml.figures import Evaluation
from cluster.ml.gate import Gate, gate
from cluster.runtime.commands import UnitOfWork

OVERRIDE = "classification:override"


def ask(work: UnitOfWork, command: EvaluateModel) -> EvaluationSummary:
    """A row that the group's loop hands to a worker."""
    row = work.session.get(ModelVersion, command.model_id)
    if row is None:
        raise NotFound("There is no such model.", "List the models to see their ids.")
    pending = select(ModelEvaluation).where(ModelEvaluation.model_id == row.id, ModelEvaluation.state == "pending")
    asked = work.session.scalars(pending).first()
    if asked is None:
        asked = ModelEvaluation(
            id=new_id(), model_id=row.id, state="pending", asked_by=work.caller.principal, asked_at=work.now,
            done_at=None, digest=None, figures=None, per_second=None, gate=None, note="", problem=None,
        )  # fmt: skip
        work.session.add(asked)
        work.emit("model_evaluation_asked", f"model:{row.id}", None, {"evaluation": asked.id})
    return summary(asked)


def record(work: UnitOfWork, command: RecordEvaluation) -> EvaluationSummary:
    """The figures, and what the gate makes of them now. An evaluation that is over stays as it is."""
    asked = work.session.get(ModelEvaluation, command.evaluation_id)
    row = work.session.get(ModelVersion, asked.model_id) if asked else None
    if asked is None or row is None:
        raise NotFound("There is no such evaluation.", "Ask for one.")
    if asked.state != "pending":
        return summary(asked)
    asked.done_at, asked.problem = work.now, command.problem
    told = command.assessment
    if told is not None and told.digest != row.digest:
        told, asked.problem = None, "The files are not those that were registered."
    if told is None:
        asked.state = "failed"
    else:
        verdict = gate(row.kind, told.evaluation, told.per_second, _active_figures(work.session, row))  # type: ignore[arg-type]  # the column holds a ModelKind
        asked.state, asked.digest, asked.note, asked.per_second = "done", told.digest, told.note, told.per_second
        asked.figures = told.evaluation.model_dump(mode="json") if told.evaluation else None
        asked.gate, row.gate_passed = verdict.model_dump(mode="json"), verdict.passed
    work.emit("model_evaluated", f"model:{row.id}", None, {"evaluation": asked.id, "passed": row.gate_passed})
    return summary(asked)


def require_gate(work: UnitOfWork, row: ModelVersion, override: str | None) -> str | None:
    """The reason under which the version goes on against the gate, None if the gate lets it pass.

    Raises Conflict with the reasons of a refusal, Forbidden if an override is given without the permission for it.
    """
    done = newest(work.session, row.id)
    verdict = Gate.model_validate(done.gate) if done and done.gate else None
    if verdict is not None and verdict.passed:
        return None
    reasons = verdict.refusals if verdict else ("It was not evaluated.",)
    if override is None:
        raise Conflict(
            f"The gate refuses this version: {' '.join(reasons)}",
            "Evaluate it, train a better one, or give the reason to go on nevertheless as `override`.",
            {"reasons": list(reasons)},
        )
    work.caller.require(OVERRIDE)
    work.emit(
        "model_gate_overridden", f"model:{row.id}", None, {"reason": override, "refusals": list(reasons)}
    )  # fmt: skip
    return override


def newest(session: Session, model_id: str) -> ModelEvaluation | None:
    """The newest evaluation of a version that brought figures."""
    statement = select(ModelEvaluation).where(ModelEvaluation.model_id == model_id, ModelEvaluation.state == "done")
    return session.scalars(statement.order_by(ModelEvaluation.asked_at.desc()).limit(1)).first()


def figures(row: ModelEvaluation | None) -> Evaluation | None:
    """The figures of an evaluation, if it has some."""
    return Evaluation.model_validate(row.figures) if row and row.figures else None


def summary(row: ModelEvaluation) -> EvaluationSummary:
    """An evaluation as others see it."""
    told, verdict = figures(row), Gate.model_validate(row.gate) if row.gate else None
    return EvaluationSummary(
        id=row.id, model_id=row.model_id, state=row.state, asked_by=row.asked_by, asked_at=row.asked_at,
        done_at=row.done_at, passed=verdict.passed if verdict else None, checks=verdict.checks if verdict else (),
        refusals=verdict.refusals if verdict else (), macro_f1=told.macro_f1 if told else None,
        calibration_error=told.calibration_error if told else None, per_second=row.per_second, note=row.note,
        problem=row.problem,
    )  # fmt: skip


def _active_figures(session: Session, row: ModelVersion) -> Evaluation | None:
    active = select(ModelVersion.id).where(ModelVersion.kind == row.kind, ModelVersion.state == "active")
    answering = session.scalars(active).first()
    return figures(newest(session, answering)) if answering and answering != row.id else None
