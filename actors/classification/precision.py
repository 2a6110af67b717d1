"""How right the machine was, by the decisions of people."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.classification.contract import ClassPrecision
from actors.classification.tables import Decision
from cluster.kernels.intervals import clopper_pearson


def precision_by_class(session: Session) -> list[ClassPrecision]:
    """For each class on which people decided a label that the machine had made, in the order of names.

    Of decisions that were replaced the last one counts. The interval is Clopper and Pearson's at 95 %.
    """
    state, of_machine = Decision.basis["state"].as_string(), Decision.basis["state"].as_string().is_not(None)
    approved, automatic = Decision.decision != "reject", state == "automatic"
    statement = (
        select(
            Decision.data_class,
            func.count(),
            func.count().filter(approved),
            func.count().filter(automatic),
            func.count().filter(automatic, approved),
        )
        .where(Decision.ended_at.is_(None), of_machine)
        .group_by(Decision.data_class)
        .order_by(Decision.data_class)
    )
    found = []
    for data_class, decided, right, automatic_decided, automatic_right in session.execute(statement):
        low, high = clopper_pearson(right, decided)
        found.append(
            ClassPrecision(
                data_class=data_class,
                decided=decided,
                approved=right,
                precision=right / decided,
                low=low,
                high=high,
                automatic_decided=automatic_decided,
                automatic_approved=automatic_right,
            )
        )
    return found
