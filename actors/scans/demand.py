"""Asking for machines ahead of need: how much work waits decides how many CPUs the cluster is asked to have."""

import time
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.dispatch import cpus_wanted
from actors.scans.fitting import planned_bytes
from actors.scans.forecast import remaining_cpu_seconds
from actors.scans.tables import Partition, Run

EVERY_SECONDS = 15.0
UNKNOWN_RATE = 50e6
"""Bytes that a CPU is taken to read in a second until rates were learned: about what CSV takes with all detectors."""


def wanted(session: Session, most: int) -> int:
    """The CPUs that the scans under way have use for, at most `most`; 0 if nothing waits."""
    waiting = (
        select(func.count(), func.sum(planned_bytes()))
        .join(Run, Run.id == Partition.run_id)
        .where(Run.state.in_(queries.ACTIVE), ~Run.plan_only, Partition.state.in_(queries.WAITING))
    )
    count, size = session.execute(waiting).one()
    if not count:
        return 0
    learned = remaining_cpu_seconds(session)
    seconds = int(size or 0) / UNKNOWN_RATE if learned is None else learned
    return min(most, max(1, cpus_wanted(seconds, count)))


class Demand:
    """Keeps a request to the autoscaler in step with what is wanted. `grows_to` is None if the cluster cannot grow."""

    def __init__(self, grows_to: Callable[[], int | None], request: Callable[[int], None]) -> None:
        self._grows_to, self._request = grows_to, request
        self._asked: int | None = None  # another incarnation may have asked for something
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() >= self._next

    def look(self, session: Session) -> None:
        """Asks for what is wanted if that has changed, and takes the request back when nothing waits."""
        self._next = time.monotonic() + EVERY_SECONDS
        most = self._grows_to()
        if most is None:
            return
        cpus = wanted(session, most)
        if cpus != self._asked:
            self._request(cpus)
            self._asked = cpus
