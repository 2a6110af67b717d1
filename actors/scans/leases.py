"""The commands on partitions: leased to one worker at a time, and done exactly once whatever dies.

Each lease raises the partition's fence. A report or a failure counts only while the partition is leased under that
fence, in the one statement that changes the row; a worker that was given up for dead comes too late and is refused.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, case, null, select, tuple_, update

from actors.scans import queries
from actors.scans.contract import (
    CommitReport,
    FailPartition,
    Lease,
    LeasePartitions,
    Leases,
    PartitionState,
    RenewLeases,
)
from actors.scans.sharing import Given, allotment
from actors.scans.tables import Partition, Run
from cluster.connectors import interface
from cluster.errors import Conflict, Unavailable
from cluster.naming import asset_entity
from cluster.runtime.commands import Done, UnitOfWork

ATTEMPTS = 5
GIVEN_BACK = 20
PUT_OFF = 60
"""Leases without charge after which a failure is charged all the same: more than the trials of a source in the patience
that `dispatch` has with it, as all of them may be of one partition."""
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


def lease_partitions(work: UnitOfWork, command: LeasePartitions) -> Leases:
    """Leases what is due as `actors/scans/sharing.py` allots it. What was lost at its last attempt is quarantined."""
    _give_up(work)
    leases: list[Lease] = []
    for given in allotment(work.session, work.now, command):
        leases.extend(_lease(work, given, command.seconds))
    return Leases(leases=tuple(leases))


def _lease(work: UnitOfWork, given: Given, seconds: float) -> list[Lease]:
    taken = _taken(work, given, seconds)
    turn = update(Run).where(Run.id == given.run_id).values(leased_at=work.now)
    work.session.execute(turn.execution_options(synchronize_session=False))
    return [
        Lease(
            scan_id=given.run_id, source_id=given.source_id, asset_id=row.asset_id, fence=row.fence,
            attempt=row.attempts, last=row.attempts >= ATTEMPTS, pace=given.pace,
            only=tuple(row.only or ()), keep=given.free,
            partition=interface.Partition.model_validate(row.task),
        )
        for row in sorted(taken, key=lambda row: (row.asset_id, row.number))
    ]  # fmt: skip


def _taken(work: UnitOfWork, given: Given, seconds: float) -> Sequence[Row[Any]]:
    waiting = (
        select(Partition.run_id, Partition.asset_id, Partition.number)
        .where(Partition.run_id == given.run_id, Partition.state.in_(queries.WAITING), Partition.due_at <= work.now)
        .order_by(Partition.asset_id, Partition.number)
        .limit(given.partitions)
        .with_for_update(skip_locked=True)
        # As a subquery a join by nested loops may ask it anew for each row, and then more are leased than were given.
        .cte("waiting")
    )
    return work.session.execute(
        update(Partition)
        .where(
            Partition.run_id == waiting.c.run_id,
            Partition.asset_id == waiting.c.asset_id,
            Partition.number == waiting.c.number,
        )
        .values(
            state="leased",
            fence=Partition.fence + 1,
            attempts=Partition.attempts + 1,
            due_at=_until(work, seconds),
            pace=given.pace and given.pace.model_dump(mode="json"),
            leased_at=work.now,
            ended_at=None,
            # Without the report that the rest was to come from, all of it is read.
            only=case((Partition.base_id.is_(None), null()), else_=Partition.only),
        )
        .returning(
            Partition.asset_id,
            Partition.number,
            Partition.task,
            Partition.fence,
            Partition.attempts,
            Partition.only,
        )
        .execution_options(synchronize_session=False)
    ).all()


def _give_up(work: UnitOfWork) -> None:
    """Quarantines partitions whose lease ran out at their last attempt: whoever reads them dies of it."""
    lost = (
        select(Partition, Run)
        .join(Run, Run.id == Partition.run_id)
        .where(Run.state.in_(queries.ACTIVE), Partition.state == "leased", Partition.due_at <= work.now)
        .where(Partition.attempts >= ATTEMPTS)
    )
    for row, run in work.session.execute(lost).all():
        problem = interface.Problem(
            path=row.task["asset"],
            code=Unavailable.code,
            detail=f"Partition {row.number}: no worker came back in {row.attempts} attempts.",
            remedy="Look for workers that were killed for want of memory, then retry the scan.",
        )
        _end(work, run, row, problem, "quarantined")


def renew_leases(work: UnitOfWork, command: RenewLeases) -> Done:
    """Prolongs leases that are still held. 0 seconds give them back, as an actor does with those of its forerunner.

    What is given back costs no attempt: it was the actor that died. But a partition that takes the actor with it, as
    one may that exhausts a machine, is charged in the end.
    """
    if command.held:
        values: dict[str, Any] = {"due_at": _until(work, command.seconds)}
        if not command.seconds:
            once = case((Partition.spared >= GIVEN_BACK, 0), else_=1)
            values |= {"attempts": Partition.attempts - once, "spared": Partition.spared + once}
        work.session.execute(
            update(Partition)
            .where(
                Partition.state == "leased",
                tuple_(Partition.run_id, Partition.asset_id, Partition.number, Partition.fence).in_(command.held),
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    return Done()


def fail_partition(work: UnitOfWork, command: FailPartition) -> Done:
    """Ends an attempt. Raises Conflict if the lease is not the current one."""
    row = work.session.scalars(
        select(Partition).where(*held(command)).with_for_update().execution_options(populate_existing=True)
    ).first()
    run = queries.row_of(work.session, command.scan_id)
    if row is None or run.state not in queries.OPEN:
        raise refused(command)
    if not command.charged and row.spared < PUT_OFF:
        row.attempts, row.spared = row.attempts - 1, row.spared + 1
    if command.retryable and row.attempts < ATTEMPTS:
        pause = min(PAUSE_SECONDS * 2 ** max(0, row.attempts - 1), LONGEST_PAUSE_SECONDS)
        row.state, row.due_at = "pending", _until(work, pause)
        row.problem = command.problem.model_dump(mode="json")
    else:
        _end(work, run, row, command.problem, "quarantined" if command.lost else "failed")
    work.session.flush()
    return Done()


def _end(work: UnitOfWork, run: Run, row: Partition, problem: interface.Problem, state: PartitionState) -> None:
    row.state, row.problem, row.ended_at = state, problem.model_dump(mode="json"), work.now
    after = {
        "scan_id": run.id, "source_id": run.source_id, "asset_id": row.asset_id, "number": row.number,
        "attempts": row.attempts, "code": problem.code,
    }  # fmt: skip
    work.emit(f"partition_{state}", asset_entity(row.asset_id), after=after)
    work.session.flush()


def held(command: CommitReport | FailPartition) -> tuple[Any, ...]:
    """What must be true of a partition for a command on it to count."""
    return (
        Partition.run_id == command.scan_id,
        Partition.asset_id == command.asset_id,
        Partition.number == command.number,
        Partition.fence == command.fence,
        Partition.state == "leased",
    )


def refused(command: CommitReport | FailPartition) -> Conflict:
    """The answer to who comes too late."""
    return Conflict(
        f"Partition {command.number} is not held under fence {command.fence}.",
        "Throw this result away: the partition was given to another worker, or the scan has ended.",
    )


def _until(work: UnitOfWork, seconds: float) -> datetime:
    return work.now + timedelta(seconds=seconds)
