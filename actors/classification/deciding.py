"""People's decisions: recorded for ever, in force until the next one on the same label or until they are taken back."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.contract import DecideLabel, LabelView, WithdrawDecision
from actors.classification.decisions import Ruling, basis_of, ruled
from actors.classification.labelling import brief, facts_of, fill, label_id, machine_of, ruling
from actors.classification.observing import observed
from actors.classification.queries import label_view
from actors.classification.tables import Decision, Evidence, Label
from cluster.detectors.taxonomy import load_taxonomy
from cluster.errors import InvalidInput, NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork


def decide(work: UnitOfWork, command: DecideLabel, batch_id: str | None = None) -> LabelView:
    """Records a decision and applies it. A repeated one changes nothing.

    Raises NotFound for a column that was never scanned, a class that the taxonomy does not know, or a label to confirm
    or reject that does not exist; InvalidInput for a text that PostgreSQL cannot hold.
    """
    if any("\0" in text for text in (command.asset_id, command.column, command.data_class, command.reason)):
        raise InvalidInput("A text holds a NUL character.", "Leave it out.")
    session = work.session
    identifier = label_id(command.asset_id, command.column, command.data_class)
    row = session.get(Label, identifier)
    place = _place(session, command, row)
    machine = machine_of(row) if row else None
    basis = basis_of(machine, *_meaning(session, command.data_class, row))
    earlier = in_force(session, identifier)
    if row and earlier and (earlier.decision, earlier.reason) == (command.decision, command.reason) and not row.drifted:
        return label_view(row)
    end(work, earlier)
    replaces = earlier.seq if earlier else None
    made = Ruling(
        data_class=command.data_class, decision=command.decision, reason=command.reason,
        principal=work.caller.principal, basis=basis,
    )  # fmt: skip
    known = row is not None
    row = row or _label(identifier, place, command.asset_id, command.column)
    record(work, row, made, batch_id=batch_id, reason_code=command.reason_code, replaces=replaces)
    return put_in_force(work, row, made, new=not known)


def record(
    work: UnitOfWork,
    place: Label | Decision,
    made: Ruling,
    *,
    batch_id: str | None,
    reason_code: str | None,
    replaces: int | None,
) -> None:
    """Writes a decision about a place, which is in force from now on; none may be."""
    identifier = label_id(place.asset_id, place.column, made.data_class)
    work.session.add(
        Decision(
            label_id=identifier, source_id=place.source_id, asset_id=place.asset_id, asset=place.asset,
            column=place.column, **made.model_dump(), reason_code=reason_code, batch_id=batch_id, replaces=replaces,
            decided_at=work.now, ended_at=None, ended_by=None,
        )
    )  # fmt: skip
    work.session.flush()


def put_in_force(work: UnitOfWork, row: Label, made: Ruling, *, new: bool = False) -> LabelView:
    """Writes the label under a decision. `new`: the label is not stored yet."""
    session, taxonomy = work.session, load_taxonomy().value
    seen = observed(session, row.asset_id, row.column)
    machine = None if new else machine_of(row)
    facts = ruled(machine, made, taxonomy, census=seen is not None and seen.is_census)
    before = None if new else brief(row.column, facts_of(row))
    session.add(row)
    fill(row, facts, machine)
    row.updated_at = work.now
    session.flush()
    where = {"source_id": row.source_id, "asset": row.asset}
    after = where | {"labels": [brief(row.column, facts)], "decision": made.decision}
    work.emit("decided", asset_entity(row.asset_id), where | {"labels": [before]} if before else None, after)
    return label_view(row)


def withdraw(work: UnitOfWork, command: WithdrawDecision) -> LabelView:
    """Ends the decision in force on a label and gives it back to the machine. Raises NotFound without one."""
    session = work.session
    decision = in_force(session, command.label_id)
    if decision is None:
        raise NotFound("No decision is in force on this label.", "List the labels of origin human.")
    end(work, decision)
    row = session.get(Label, command.label_id)
    if row is None:  # the column is not there at present; the label as it would have been
        facts = ruled(None, ruling(decision), load_taxonomy().value, census=False)
        row = _label(command.label_id, decision, decision.asset_id, decision.column)
        row.updated_at = work.now
        fill(row, facts, None)
        view = label_view(row)
        work.emit("decision_withdrawn", asset_entity(row.asset_id), {"labels": [brief(row.column, facts)]}, None)
        return view
    where = {"source_id": row.source_id, "asset": row.asset}
    before = where | {"labels": [brief(row.column, facts_of(row))]}
    machine = machine_of(row)
    if machine is None:
        view = label_view(row)
        session.delete(row)
        work.emit("decision_withdrawn", asset_entity(row.asset_id), before, where | {"labels": []})
        return view
    fill(row, machine, machine)
    row.updated_at = work.now
    after = where | {"labels": [brief(row.column, machine)]}
    work.emit("decision_withdrawn", asset_entity(row.asset_id), before, after)
    return label_view(row)


def _meaning(session: Session, data_class: str, row: Label | None) -> tuple[str, list[str]]:
    """Sensitivity and tags of a class: of the label itself, else of the taxonomy, else of another label of it, whose
    rule set has brought the class. Raises NotFound for a class that none of them knows."""
    known = load_taxonomy().value.classes.get(data_class)
    if row is None and known is not None:
        return known.sensitivity, list(known.tags)
    row = row or session.scalars(select(Label).where(Label.data_class == data_class).limit(1)).first()
    if row is None:
        raise NotFound(f"There is no data class {data_class!r}.", "List the classes to see their ids.")
    return row.sensitivity, list(row.tags)


def _place(session: Session, command: DecideLabel, row: Label | None) -> Label | Evidence:
    if row is not None:
        return row
    statement = select(Evidence).where(Evidence.asset_id == command.asset_id, Evidence.column == command.column)
    seen = session.scalars(statement).first()
    if seen is None:
        raise NotFound("This column has not been scanned.", "Check asset and column, or scan the source first.")
    if command.decision != "assign":
        raise NotFound("The column has no label of this class.", "Use `assign` to put one on it.")
    return seen


def _label(identifier: str, place: Label | Evidence | Decision, asset_id: str, column: str) -> Label:
    return Label(id=identifier, source_id=place.source_id, asset=place.asset, asset_id=asset_id, column=column)


def in_force(session: Session, identifier: str) -> Decision | None:
    """The decision in force on a label."""
    statement = select(Decision).where(Decision.label_id == identifier, Decision.ended_at.is_(None))
    return session.scalars(statement).first()


def end(work: UnitOfWork, decision: Decision | None) -> None:
    """Takes a decision out of force; it stays on record."""
    if decision is not None:
        decision.ended_at, decision.ended_by = work.now, work.caller.principal
        work.session.flush()  # before the next one: only one may be in force
