"""Training anew: proposed or asked for, carried out by a Ray job, and ended with a shadow that has to prove itself."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification import model_gate, model_registry
from actors.classification.contract import (
    BeginRetraining,
    DismissRetraining,
    EvaluateModel,
    FinishRetraining,
    RegisterModel,
    RequestRetraining,
    RetrainingView,
    ShadowModel,
)
from actors.classification.contract.watch import RETRAINED
from actors.classification.model_tables import Retraining
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput, ModelUnusable, NotFound
from cluster.ml.gate import ModelKind
from cluster.runtime.commands import UnitOfWork

OPEN = ("proposed", "requested", "running")


def propose(work: UnitOfWork, kind: ModelKind, reasons: Sequence[str]) -> None:
    """A proposal for a person, unless one is open; the reasons of an open proposal are brought up to date."""
    row = _open(work.session, kind)
    if row is None:
        row = _new(work, kind, "proposed", reasons)
        work.emit("retraining_proposed", _entity(row), None, view(row))
    elif row.state == "proposed" and list(row.reasons) != list(reasons):
        row.reasons = list(reasons)


def request(work: UnitOfWork, command: RequestRetraining) -> RetrainingView:
    """A proposal is taken up, with what was said for it."""
    if command.kind not in RETRAINED:
        raise InvalidInput(
            f"Models of kind {command.kind} are not trained by the instance.",
            f"It trains {', '.join(RETRAINED)}; run the training job of the others and register its folder.",
        )
    row = _open(work.session, command.kind) or _new(work, command.kind, "requested", ())
    if row.state != "running":
        row.state, row.changed_at, row.reasons = "requested", work.now, [*row.reasons, command.reason]
        row.asked_by = work.caller.principal
        work.emit("retraining_requested", _entity(row), None, view(row))
    return view(row)


def dismiss(work: UnitOfWork, command: DismissRetraining) -> RetrainingView:
    """A proposal only: what runs is a job, and is ended as one."""
    row = _found(work.session, command.retraining_id)
    if row.state not in {"proposed", "dismissed"}:
        raise Conflict(f"A training that is {row.state} cannot be dismissed.", "Stop its job instead.")
    return _moved(work, row, "dismissed")


def begin(work: UnitOfWork, command: BeginRetraining) -> RetrainingView:
    """Repeating it changes nothing."""
    row = _found(work.session, command.retraining_id)
    return _moved(work, row, "running") if row.state == "requested" else view(row)


def finish(work: UnitOfWork, command: FinishRetraining) -> RetrainingView:
    """A model that cannot be registered is a problem of the training, not of whoever finishes it."""
    row = _found(work.session, command.retraining_id)
    if row.state not in OPEN:
        return view(row)
    row.problem = command.problem
    if command.folder is not None:
        try:
            row.model_id = _registered(work, row, command.folder)
        except (ModelUnusable, InvalidInput, Conflict) as error:
            row.problem = error.detail[:1000]
    return _moved(work, row, "done" if row.problem is None else "failed")


def retrainings(session: Session, limit: int = 50) -> list[RetrainingView]:
    """The newest first."""
    statement = select(Retraining).order_by(Retraining.asked_at.desc(), Retraining.id)
    return [view(row) for row in session.scalars(statement.limit(limit))]


def requested(session: Session) -> list[str]:
    """Trainings whose job is to be submitted."""
    return list(session.scalars(select(Retraining.id).where(Retraining.state == "requested")))


def running(session: Session) -> list[str]:
    """Trainings whose job was submitted and has not told of its end."""
    return list(session.scalars(select(Retraining.id).where(Retraining.state == "running")))


def view(row: Retraining) -> RetrainingView:
    """A training as others see it."""
    return RetrainingView.model_validate(row)


def _registered(work: UnitOfWork, row: Retraining, folder: str) -> str:
    model = model_registry.register(work, RegisterModel(kind=row.kind, folder=folder))
    model_gate.ask(work, EvaluateModel(model_id=model.id))
    if model.state == "registered" and model_registry.in_state(work.session, row.kind, "shadow") is None:
        work.session.flush()
        model_registry.shadow(work, ShadowModel(model_id=model.id))
    return model.id


def _new(work: UnitOfWork, kind: ModelKind, state: str, reasons: Sequence[str]) -> Retraining:
    row = Retraining(
        id=new_id(), kind=kind, state=state, reasons=list(reasons), asked_by=work.caller.principal,
        asked_at=work.now, changed_at=work.now, model_id=None, problem=None,
    )  # fmt: skip
    work.session.add(row)
    return row


def _open(session: Session, kind: str) -> Retraining | None:
    return session.scalars(select(Retraining).where(Retraining.kind == kind, Retraining.state.in_(OPEN))).first()


def _found(session: Session, identifier: str) -> Retraining:
    row = session.get(Retraining, identifier)
    if row is None:
        raise NotFound("There is no such training.", "List the trainings to see their ids.")
    return row


def _moved(work: UnitOfWork, row: Retraining, state: str) -> RetrainingView:
    if row.state != state:
        before = view(row)
        row.state, row.changed_at = state, work.now
        work.emit(f"retraining_{state}", _entity(row), before, view(row))
    return view(row)


def _entity(row: Retraining) -> str:
    return f"retraining:{row.id}"
