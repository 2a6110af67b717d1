"""What the actor looks at in each round: which scans live, what may be planned, and whether anything may be read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import Held, LeasePartitions
from actors.scans.planning import Waiting
from actors.scans.sharing import allotment, planning_room
from actors.scans.tables import Run
from cluster.connectors.pace import Pace


@dataclass(frozen=True)
class Outlook:
    """`sources` are the sources of the scans that have not ended, by scan; `paces` those of scans whose source has one.

    `waiting` are the assets that may be planned now; `due` says whether a lease would be given; `exhausted` are the
    scans in which nothing is left to do; `held` are the leases.
    """

    sources: dict[str, str]
    waiting: Waiting
    paces: dict[str, Pace]
    due: bool
    exhausted: list[str]
    held: list[Held]


def outlook(session: Session, now: datetime, page: int, asked: LeasePartitions) -> Outlook:
    """How things stand. `page` is how many waiting assets are wanted, `asked` what would be leased."""
    found = session.execute(select(Run.id, Run.source_id, Run.state).where(Run.state.in_(queries.OPEN))).all()
    sources = {run.id: run.source_id for run in found}
    planned = {run.id: run.source_id for run in found if run.state == "planning"}
    held_back, paces = planning_room(session, now, asked, set(planned.values()))
    one_each = _one_each(planned, held_back, paces)
    return Outlook(
        sources=sources,
        waiting=queries.unplanned(session, page, without=planned.keys() - one_each) if one_each else [],
        paces={scan: paces[source] for scan, source in planned.items() if source in paces},
        due=asked.limit > 0 and bool(allotment(session, now, asked)),
        exhausted=queries.exhausted(session),
        held=queries.leased(session),
    )


def _one_each(planned: dict[str, str], held_back: Collection[str], paces: Collection[str]) -> set[str]:
    """The scans that may be planned: of a source that has a pace one at a time, as each takes a share of it."""
    chosen: dict[str, str] = {}
    for scan, source in sorted(planned.items()):
        if source not in held_back:
            chosen.setdefault(source if source in paces else scan, scan)
    return set(chosen.values())
