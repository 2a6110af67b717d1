"""Decisions about assets that were renamed: they are in force under the new name."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.contract import MoveDecisions
from actors.classification.deciding import end
from actors.classification.labelling import label_id
from actors.classification.tables import Decision
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork


def move_decisions(work: UnitOfWork, command: MoveDecisions) -> int:
    """How many decisions were moved. They apply to labels once the asset is classified under its new name."""
    count = 0
    for old, new, path in command.moves:
        held = _in_force(work.session, old)
        decided = {row.label_id for row in _in_force(work.session, new)}
        wanted = [row for row in held if label_id(new, row.column, row.data_class) not in decided]
        for row in wanted:
            end(work, row)
            work.session.add(_copy(row, new, path))
        if wanted:
            where = {"source_id": command.source_id, "asset": path}
            work.emit("decisions_moved", asset_entity(new), {"asset_id": old}, where | {"decisions": len(wanted)})
        count += len(wanted)
    work.session.flush()
    return count


def _in_force(session: Session, asset_id: str) -> list[Decision]:
    statement = select(Decision).where(Decision.asset_id == asset_id, Decision.ended_at.is_(None))
    return list(session.scalars(statement.order_by(Decision.seq)))


def _copy(row: Decision, asset_id: str, path: str) -> Decision:
    """The decision as it was made, by whom and when, on the column of the new name."""
    return Decision(
        label_id=label_id(asset_id, row.column, row.data_class), source_id=row.source_id, asset_id=asset_id, asset=path,
        column=row.column, data_class=row.data_class, decision=row.decision, reason=row.reason,
        reason_code=row.reason_code, batch_id=row.batch_id, replaces=row.replaces, basis=row.basis,
        principal=row.principal, decided_at=row.decided_at, ended_at=None, ended_by=None,
    )  # fmt: skip
