"""Who is given workers next: by priority, then fairly between sources, within what each source may take.

`allotted` decides, as a pure function; `allotment` asks the tables what there is to decide about.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.budgets import Usage, in_force, is_open, usage
from actors.scans.contract import Budget, LeasePartitions
from actors.scans.fitting import scan_bytes
from actors.scans.paces import pace_of
from actors.scans.tables import Partition, Run
from cluster.connectors.pace import Pace

# For each run no more partitions are walked than could be given.
_DUE = text(
    "SELECT asked.id, due.found FROM unnest(CAST(:runs AS text[])) AS asked(id) CROSS JOIN LATERAL"
    " (SELECT count(*) AS found FROM (SELECT 1 FROM scans.partition AS p WHERE p.run_id = asked.id"
    " AND p.state IN ('pending', 'leased') AND p.due_at <= :now LIMIT :most) AS waiting) AS due"
)
_RATES_ONLY = {"concurrency": None, "cpu_seconds_per_day": None}
_ALMOST = 1e-6  # shares are fractions of a rate, and their sum is not exact


class Queued(NamedTuple):
    """A run that has partitions to be read; `served` is when its source was last given a worker."""

    run_id: str
    source_id: str
    priority: int
    requested_at: datetime
    served: float
    available: int


class Room(NamedTuple):
    """What a source has under way, how many partitions more it may have, and the share of its rates that each gets."""

    under_way: int = 0
    more: int | None = None
    pace: Pace | None = None


class Given(NamedTuple):
    """How many partitions of a run are to be leased, and at what pace each; `free` if nothing limits its source."""

    run_id: str
    source_id: str
    partitions: int
    pace: Pace | None
    free: bool


def allotted(queue: Sequence[Queued], rooms: Mapping[str, Room], limit: int) -> dict[str, int]:
    """How many partitions each run is given of `limit`, in the order in which they are given.

    Each goes to a run of the highest priority; among those to the source that has the fewest under way, then to the one
    that was served longest ago; within a source to its oldest run.
    """
    left = {run.run_id: run.available for run in queue}
    busy = Counter({source: room.under_way for source, room in rooms.items()})
    more = {source: math.inf if room.more is None else room.more for source, room in rooms.items()}
    served = {run.source_id: (0, run.served) for run in queue}
    given: Counter[str] = Counter()
    open_ = sorted(queue, key=lambda run: (-run.priority, run.requested_at, run.run_id))
    for turn in range(1, limit + 1):
        open_ = [run for run in open_ if left[run.run_id] and more.get(run.source_id, math.inf) > 0]
        if not open_:
            break
        first = [run for run in open_ if run.priority == open_[0].priority]
        run = min(first, key=lambda run: (busy[run.source_id], served[run.source_id]))
        given[run.run_id] += 1
        left[run.run_id] -= 1
        busy[run.source_id] += 1
        served[run.source_id] = (turn, 0.0)
        if run.source_id in more:
            more[run.source_id] -= 1
    return dict(given)


def allotment(session: Session, now: datetime, command: LeasePartitions) -> list[Given]:
    """What is to be leased now. Raises nothing, and changes nothing."""
    runs: Sequence[Any] = session.execute(
        select(Run.id, Run.source_id, Run.priority, Run.requested_at, Run.state, Run.leased_at)
        .where(Run.state.in_(queries.ACTIVE), ~Run.plan_only)
    ).all()  # fmt: skip
    available = _available(session, now, [run.id for run in runs], command.limit)
    runs = [run for run in runs if available.get(run.id)]
    if not runs:
        return []
    limits = in_force(session, {run.source_id for run in runs})
    rooms = rooms_of(session, now, command, {run.source_id for run in runs}, limits)
    served: dict[str, float] = {}
    for run in runs:
        served[run.source_id] = max(served.get(run.source_id, 0.0), run.leased_at.timestamp() if run.leased_at else 0.0)
    queue = [
        Queued(run.id, run.source_id, run.priority, run.requested_at, served[run.source_id], available[run.id])
        for run in runs
        if _carried(session, run, limits.get(run.source_id))
    ]
    counts, sources = allotted(queue, rooms, command.limit), {run.id: run.source_id for run in runs}
    given = ((run, count, rooms[sources[run]]) for run, count in counts.items())
    return [
        Given(run, sources[run], count, room.pace, room.more is None and room.pace is None)
        for run, count, room in given
    ]


def _available(session: Session, now: datetime, runs: list[str], most: int) -> dict[str, int]:
    """How many partitions of each run may be leased, counted to `most`."""
    if not runs:
        return {}
    found = session.execute(_DUE, {"runs": runs, "now": now, "most": most})
    return {run: count for run, count in found if count}


def _carried(
    session: Session, run: Row[tuple[str, str, int, datetime, str, datetime | None]], budget: Budget | None
) -> bool:
    """Whether the budget has room for the run as a whole. That is known when all of it was planned."""
    if budget is None:
        return True
    if run.state == "planning":  # what is read before it is known what is to be left out would be the head
        return budget.bytes_per_scan is None and (budget.cpu_seconds_per_day is None or not budget.degrade)
    return budget.degrade or budget.bytes_per_scan is None or scan_bytes(session, run.id) <= budget.bytes_per_scan


def rooms_of(
    session: Session, now: datetime, command: LeasePartitions, sources: Collection[str], limits: Mapping[str, Budget]
) -> dict[str, Room]:
    """The room of each of the sources."""
    leased = _leased(session, now)
    astray = _astray(session, command, {(row.run_id, row.asset_id, row.number, row.fence) for row in leased})
    spending = [source for source, budget in limits.items() if budget.cpu_seconds_per_day is not None]
    used = usage(session, spending, now) if spending else {}
    rooms = {}
    for source in sources:
        paces = [row.pace for row in leased if row.source_id == source]
        busy = len(paces) + astray[source]
        more = [command.limits[source] - busy] if source in command.limits else []
        budget, pace = limits.get(source), None
        if budget is not None:
            pace = pace_of(budget, command.slots or command.limit)
            more += _within(budget, now, busy, used.get(source, Usage()))
            if pace is not None:
                free = _shares_left(budget, pace, paces) - command.planning.count(source)
                # A reader that lost its lease has a share until it has ended, and how large that one is is not known.
                more.append(free if command.paced and not astray[source] else 0)
        rooms[source] = Room(busy, max(0, min(more)) if more else None, pace)
    return rooms


def planning_room(
    session: Session, now: datetime, command: LeasePartitions, sources: Collection[str]
) -> tuple[set[str], dict[str, Pace]]:
    """The sources of which nothing may be planned just now, and the pace at which others are: it takes one share."""
    limits = in_force(session, sources)
    paces = {source: pace for source, budget in limits.items() if (pace := pace_of(budget, command.slots)) is not None}
    rated = {source: limits[source].model_copy(update=_RATES_ONLY) for source in paces}
    rooms = rooms_of(session, now, command, rated.keys(), rated)
    full = {source for source, room in rooms.items() if not room.more}
    closed = {source for source, budget in limits.items() if not is_open(budget.windows, now)}
    return full | closed, paces


def _within(budget: Budget, now: datetime, busy: int, used: Usage) -> list[int]:
    """How many more partitions the limits of a budget allow, each for itself."""
    more = [] if is_open(budget.windows, now) else [0]
    if budget.concurrency is not None:
        more.append(budget.concurrency - busy)
    if budget.cpu_seconds_per_day is not None:
        left = budget.cpu_seconds_per_day - used.cpu_seconds
        each = used.cpu_seconds / used.partitions if used.partitions else 0.0
        # Until one was read nobody knows what they cost, and then what those under way are going to cost is taken off.
        more.append(int(left / each) - busy if each else (1 - busy if left > 0 else 0))
    return more


def _shares_left(budget: Budget, pace: Pace, paces: Sequence[dict[str, float | None] | None]) -> int:
    """How many shares of the rates of a source nobody has."""
    free: float = math.inf
    for name in ("bytes_per_second", "queries_per_second", "cpu_share"):
        rate, share = getattr(budget, name), getattr(pace, name)
        if rate is not None:
            taken = sum(float((held or {}).get(name) or rate) for held in paces)
            free = min(free, (rate - taken) / share)
    return math.floor(free + _ALMOST)


def _leased(session: Session, now: datetime) -> Sequence[Row[Any]]:
    columns = (Partition.run_id, Partition.asset_id, Partition.number, Partition.fence, Run.source_id, Partition.pace)
    statement = select(*columns).join(Run, Run.id == Partition.run_id)
    return session.execute(
        statement.where(Run.state.in_(queries.OPEN), Partition.state == "leased", Partition.due_at > now)
    ).all()


def _astray(session: Session, command: LeasePartitions, leased: set[tuple[str, str, int, int]]) -> Counter[str]:
    """How many readers of each source live whose leases are over: their scan was cancelled, or its budget changed."""
    without = [held for held in command.under_way if held not in leased]
    if not without:
        return Counter()
    found = select(Run.id, Run.source_id).where(Run.id.in_({held[0] for held in without}))
    sources = {row.id: row.source_id for row in session.execute(found)}
    return Counter(sources[held[0]] for held in without if held[0] in sources)
