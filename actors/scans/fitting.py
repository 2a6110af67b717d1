"""Cutting a scan that its source's budget cannot carry down to a sample, and saying what was left out."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, cast, func, select, text
from sqlalchemy.orm import Session

from actors.scans.contract import Budget
from actors.scans.forecast import forecast
from actors.scans.tables import Partition, Run
from cluster.runtime.commands import UnitOfWork

# What a partition is taken to hold of which its source does not say: what the planner aims for.
UNKNOWN_BYTES = 64 << 20
_READS = ("pending", "leased", "done")


class Part(NamedTuple):
    """A partition that waits."""

    asset_id: str
    number: int
    key: str
    bytes: int


def planned_bytes() -> ColumnElement[int]:
    """The size of a partition as its source told it when it was planned."""
    return func.coalesce(cast(Partition.task["bytes"].astext, BigInteger), UNKNOWN_BYTES)


def scan_bytes(session: Session, run_id: str) -> int:
    """The bytes that a run reads of its source, of what is planned already; nothing that was read before it."""
    wanted = select(func.sum(planned_bytes())).where(Partition.run_id == run_id, Partition.state.in_(_READS))
    return int(session.scalar(wanted) or 0)


def fitted(parts: Iterable[Part], room: int) -> set[tuple[str, int]]:
    """(asset, number) of a random sample of the partitions that holds at most `room` bytes.

    Of each asset the partitions with the lowest SHA-256 are taken, and of all assets about the same share. Where the
    next one of an asset does not fit, none of its others is taken for it: small ones would be seen too often.
    """
    ranked: dict[str, list[tuple[bytes, Part]]] = {}
    for part in parts:
        rank = hashlib.sha256(f"{part.asset_id}\0{part.key}\0{part.number}".encode()).digest()
        ranked.setdefault(part.asset_id, []).append((rank, part))
    queue = []
    for asset_id, found in ranked.items():
        found.sort()
        queue += [((place + 0.5) / len(found), asset_id, rank, part) for place, (rank, part) in enumerate(found)]
    queue.sort()
    chosen: set[tuple[str, int]] = set()
    closed: set[str] = set()
    for _, asset_id, _, part in queue:
        if asset_id in closed:
            continue
        if part.bytes > room:
            closed.add(asset_id)
            continue
        room -= part.bytes
        chosen.add((part.asset_id, part.number))
    return chosen


def fit(work: UnitOfWork, run: Run, budget: Budget) -> None:
    """Skips what of a planned run its budget has no room for, if it may be degraded; else nothing is changed."""
    if not budget.degrade or (budget.bytes_per_scan is None and budget.cpu_seconds_per_day is None):
        return
    columns = (Partition.asset_id, Partition.number, Partition.content_key, planned_bytes())
    waiting = select(*columns).where(Partition.run_id == run.id, Partition.state == "pending")
    parts = [Part(*row) for row in work.session.execute(waiting)]
    rooms = _rooms(work.session, run.id, budget, sum(part.bytes for part in parts))
    if not rooms:
        return
    room, reason = min(rooms)
    chosen = fitted(parts, room)
    left = [part for part in parts if (part.asset_id, part.number) not in chosen]
    if left:
        _skip(work, run, left)
        run.degraded = _words(work.session, run.id, reason)
        work.session.flush()
        after = {"scan_id": run.id, "source_id": run.source_id, "partitions": len(left), "reason": run.degraded}
        work.emit("degraded", f"scan:{run.id}", after=after)


def _rooms(session: Session, run_id: str, budget: Budget, waiting: int) -> list[tuple[int, str]]:
    """The bytes that may still be read by each limit that is too narrow for the `waiting` ones, and how it reads."""
    rooms = []
    if budget.bytes_per_scan is not None:
        room = budget.bytes_per_scan - (scan_bytes(session, run_id) - waiting)
        if room < waiting:
            rooms.append((room, f"{budget.bytes_per_scan} bytes in one scan"))
    if budget.cpu_seconds_per_day is not None and waiting:
        expected = forecast(session, run_id).cpu_seconds
        if expected is not None and expected > budget.cpu_seconds_per_day:
            room = int(waiting * budget.cpu_seconds_per_day / expected)
            rooms.append((room, f"{budget.cpu_seconds_per_day:.0f} CPU seconds a day, and {expected:.0f} are expected"))
    return rooms


def _skip(work: UnitOfWork, run: Run, left: list[Part]) -> None:
    statement = text(
        "UPDATE scans.partition AS p SET state = 'skipped'"
        " FROM unnest(CAST(:assets AS text[]), CAST(:numbers AS integer[])) AS gone(asset_id, number)"
        " WHERE p.run_id = :run AND p.asset_id = gone.asset_id AND p.number = gone.number AND p.state = 'pending'"
    )
    given = {"run": run.id, "assets": [part.asset_id for part in left], "numbers": [part.number for part in left]}
    work.session.execute(statement, given)
    for row in work.session.identity_map.values():
        if isinstance(row, Partition):
            work.session.expire(row)


def _words(session: Session, run_id: str, reason: str) -> str:
    skipped = Partition.state == "skipped"
    counts = (func.count(), func.count().filter(skipped), func.sum(planned_bytes()))
    statement = select(*counts, func.sum(planned_bytes()).filter(skipped)).where(Partition.run_id == run_id)
    total, out, size, size_out = session.execute(statement).one()
    share = 100 * int(size_out or 0) / max(1, int(size or 0))
    return (
        f"{out} of {total} partitions, {share:.1f} % of the bytes, are left out, drawn at random:"
        f" the budget of the source allows {reason}."
    )
