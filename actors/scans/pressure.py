"""How scans work a source just now: what is under way, what waits, and what failed of late."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.tables import Partition, Run

RECENTLY = timedelta(hours=1)


class Pressure(NamedTuple):
    """Partitions being read, those that could be read and wait, and those whose last attempt, within the hour, found no
    answer or was refused.
    """

    in_use: int
    waiting: int
    unreachable: int
    refused: int


def pressure(session: Session, source_id: str, now: datetime) -> Pressure:
    """Of all scans of the source together."""
    open_ = select(Run.id).where(Run.source_id == source_id, Run.state.in_(queries.OPEN))
    code = Partition.problem["code"].astext

    lately = Partition.due_at > now - RECENTLY
    statement = select(
        func.count().filter(Partition.state == "leased"),
        func.count().filter(Partition.state == "pending", Partition.due_at <= now),
        func.count().filter(lately, code == "source-unreachable"),
        func.count().filter(lately, code == "source-auth-failed"),
    ).where(Partition.run_id.in_(open_))
    return Pressure(*(int(value) for value in session.execute(statement).one()))
