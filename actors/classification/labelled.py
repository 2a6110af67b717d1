"""Labelled columns: what people decided, with the figures of the column, for training and for audits."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.observing import observed
from actors.classification.tables import Decision, Evidence
from cluster.kernels.report import ColumnEvidence

LIMIT = 200


class LabelledColumn(BaseModel):
    """A decision in force and what it is about. `approved` is false for a rejection.

    `neighbours` are the names of the other columns. `evidence` holds counts, shapes and the blurred profile, and no
    hash of a value; None where the column was not scanned.
    """

    model_config = ConfigDict(frozen=True)

    seq: int
    asset: str
    column: str
    data_class: str
    approved: bool
    reason_code: str | None
    decided_by: str
    decided_at: datetime
    neighbours: tuple[str, ...]
    evidence: ColumnEvidence | None


def labelled(session: Session, after: int = 0, limit: int = LIMIT) -> list[LabelledColumn]:
    """Decisions in force in the order in which they were made, beginning behind `after`."""
    statement = select(Decision).where(Decision.ended_at.is_(None), Decision.seq > after)
    found = []
    for row in session.scalars(statement.order_by(Decision.seq).limit(limit)).all():
        beside = select(Evidence.column).where(Evidence.asset_id == row.asset_id, Evidence.column != row.column)
        seen = observed(session, row.asset_id, row.column)
        found.append(
            LabelledColumn(
                seq=row.seq, asset=row.asset, column=row.column, data_class=row.data_class,
                approved=row.decision != "reject", reason_code=row.reason_code, decided_by=row.principal,
                decided_at=row.decided_at, neighbours=tuple(sorted(set(session.scalars(beside)))),
                evidence=_bare(seen.evidence) if seen else None,
            )
        )  # fmt: skip
    return found


def _bare(evidence: ColumnEvidence) -> ColumnEvidence:
    classes = tuple(found.model_copy(update={"examples": ()}) for found in evidence.classes)
    return evidence.model_copy(update={"classes": classes})
