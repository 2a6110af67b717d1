"""Fencing: a group's tables have one writer, the latest incarnation of its actor.

A new incarnation takes the group's lock alone and raises the epoch; every writing transaction shares that lock and
compares. So a bump waits for writes under way, and no write of an older incarnation can commit after it.
"""

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cluster.errors import StaleEpoch
from cluster.store.locks import lock
from cluster.store.tables import GroupEpoch


def raise_epoch(engine: Engine, group: str) -> int:
    """Makes the caller the only writer of the group and returns its epoch (1, 2, ...)."""
    with Session(engine) as session, session.begin():
        lock(session, f"epoch:{group}")
        statement = insert(GroupEpoch).values(group=group, epoch=1)
        statement = statement.on_conflict_do_update(
            index_elements=[GroupEpoch.group], set_={"epoch": GroupEpoch.epoch + 1, "started_at": func.now()}
        )
        return session.execute(statement.returning(GroupEpoch.epoch)).scalar_one()


def hold_epoch(session: Session, group: str, epoch: int) -> None:
    """Keeps the group from being taken over until this transaction ends. Raises StaleEpoch if it has been already."""
    lock(session, f"epoch:{group}", shared=True)
    current = session.execute(select(GroupEpoch.epoch).where(GroupEpoch.group == group)).scalar_one_or_none()
    if current != epoch:
        raise StaleEpoch(
            f"This incarnation of '{group}' (epoch {epoch}) was replaced by epoch {current}.", "Try again."
        )
