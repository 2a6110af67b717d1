"""The evidence of a label as it is stored, put together so that its classification can be asked for again."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.explaining import Place
from actors.classification.observing import observed
from actors.classification.queries import get_label
from actors.classification.tables import Evidence
from cluster.errors import NotFound


def place_of_label(session: Session, label_id: str) -> tuple[Place, str]:
    """The column of a label among the others of its asset, and its class.

    Raises NotFound for an unknown label, or one on a column that was never scanned.
    """
    label = get_label(session, label_id)
    names = session.scalars(select(Evidence.column).where(Evidence.asset_id == label.asset_id).distinct())
    seen = {name: observed(session, label.asset_id, name) for name in sorted(names)}
    mine = seen.pop(label.column, None)
    if mine is None:
        raise NotFound("There is no evidence on this column.", "Scan the source first.")
    others = tuple(other.evidence for other in seen.values() if other is not None)
    return Place(mine.evidence, label.asset, others), label.data_class
