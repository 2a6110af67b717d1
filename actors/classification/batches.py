"""Deciding many labels in one go, and taking that back."""

from sqlalchemy import select

from actors.classification.contract import (
    DecideLabel,
    DecideLabels,
    DecisionBatch,
    UndoDecisions,
    WithdrawDecision,
)
from actors.classification.deciding import decide, end, in_force, put_in_force, record, withdraw
from actors.classification.labelling import ruling
from actors.classification.review import alike
from actors.classification.tables import Decision, Label
from cluster.context import new_id
from cluster.errors import NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork


def decide_many(work: UnitOfWork, command: DecideLabels) -> DecisionBatch:
    """Labels that are no more are named in the receipt and do not keep the others from being decided."""
    batch, decided, unchanged = new_id(), 0, 0
    rows = {row.id: row for row in work.session.scalars(select(Label).where(Label.id.in_(command.label_ids)))}
    unknown = tuple(identifier for identifier in dict.fromkeys(command.label_ids) if identifier not in rows)
    if command.alike:
        rows |= {row.id: row for given in list(rows.values()) for row in alike(work.session, given)}
    for row in [rows[identifier] for identifier in sorted(rows)]:
        before = in_force(work.session, row.id)
        decide(work, _one(row, command), batch)
        made = in_force(work.session, row.id)
        same = before is not None and made is not None and before.seq == made.seq
        decided, unchanged = decided + (not same), unchanged + same
    return DecisionBatch(batch_id=batch, decided=decided, unchanged=unchanged, unknown=unknown)


def _one(row: Label, command: DecideLabels) -> DecideLabel:
    return DecideLabel(
        asset_id=row.asset_id, column=row.column, data_class=row.data_class, decision=command.decision,
        reason=command.reason, reason_code=command.reason_code,
    )  # fmt: skip


def undo(work: UnitOfWork, command: UndoDecisions) -> DecisionBatch:
    """What the batch has ended comes into force again, in the name of whoever decided it."""
    session = work.session
    made = session.scalars(select(Decision).where(Decision.batch_id == command.batch_id).order_by(Decision.seq)).all()
    if not made:
        raise NotFound("There is no such batch of decisions.", "Use the `batch_id` that deciding has returned.")
    standing = [decision for decision in made if decision.ended_at is None]
    for decision in standing:
        _take_back(work, decision)
    return DecisionBatch(
        batch_id=command.batch_id, decided=len(standing), unchanged=len(made) - len(standing), unknown=()
    )


def _take_back(work: UnitOfWork, decision: Decision) -> None:
    session = work.session
    before = session.get(Decision, decision.replaces) if decision.replaces is not None else None
    if before is None:
        withdraw(work, WithdrawDecision(label_id=decision.label_id))
        return
    end(work, decision)
    made = ruling(before)
    record(
        work, decision, made, batch_id=before.batch_id, reason_code=before.reason_code, replaces=before.replaces
    )  # fmt: skip
    row = session.get(Label, decision.label_id)
    if row is not None:
        put_in_force(work, row, made)
        return
    # The column is not there at present: the decision waits for it.
    where = {"source_id": decision.source_id, "asset": decision.asset}
    work.emit("decided", asset_entity(decision.asset_id), None, where | {"labels": [], "decision": made.decision})
