"""Budgets of sources: what is set, what was taken of them, and when they let scans read."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import Budget, BudgetView, ClearBudget, SetBudget, Window
from actors.scans.definition_tables import SourceBudget
from actors.scans.fitting import fit
from actors.scans.tables import Partition, Run
from cluster.errors import InvalidInput
from cluster.naming import source_entity
from cluster.runtime.commands import Done, UnitOfWork

DAY = timedelta(hours=24)
_RATES = ("bytes_per_second", "queries_per_second", "cpu_share")  # what workers are given with a partition


class Usage(NamedTuple):
    """What the partitions that were read of a source in the last 24 hours took."""

    cpu_seconds: float = 0.0
    bytes: int = 0
    partitions: int = 0


def set_budget(work: UnitOfWork, command: SetBudget) -> BudgetView:
    """Holds from the next partition on; where a rate is changed, partitions under way begin again at the new one."""
    _check(command.content)
    before = _stored(work.session, [command.source_id]).get(command.source_id)
    if before is None or before.content != command.content:
        values = {"content": command.content.model_dump(mode="json"), "updated_at": work.now}
        statement = insert(SourceBudget).values(source_id=command.source_id, **values)
        work.session.execute(
            statement.on_conflict_do_update(index_elements=["source_id"], set_=values),
            execution_options={"populate_existing": True},
        )
        _changed(work, command.source_id, before and before.content, command.content)
    return budget_of(work.session, command.source_id, work.now)


def clear_budget(work: UnitOfWork, command: ClearBudget) -> Done:
    """Repeating it changes nothing."""
    before = _stored(work.session, [command.source_id]).get(command.source_id)
    if before is not None:
        work.session.execute(delete(SourceBudget).where(SourceBudget.source_id == command.source_id))
        _changed(work, command.source_id, before.content, None)
    return Done()


def _check(budget: Budget) -> None:
    for window in budget.windows:
        if not window.days or not set(window.days) <= set(range(7)):
            raise InvalidInput("A window names a day that no week has.", "Name days from 0, Monday, to 6, Sunday.")
        try:
            ZoneInfo(window.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidInput("A window names no time zone that is known.", "Name one as in Europe/Paris.") from None


def _changed(work: UnitOfWork, source_id: str, before: Budget | None, after: Budget | None) -> None:
    old, new = before or Budget(), after or Budget()
    if any(getattr(old, name) != getattr(new, name) for name in _RATES):
        _take_back(work, source_id)
    if after is not None:
        runs = select(Run).where(Run.source_id == source_id, Run.state.in_(queries.OPEN))
        for run in work.session.scalars(runs).all():
            if "planning" not in (run.state, run.paused_from):
                fit(work, run, after)
    shown = [budget and budget.model_dump(mode="json") for budget in (before, after)]
    kind = "budget_set" if after else "budget_cleared"
    work.emit(kind, source_entity(source_id), before=shown[0], after=shown[1] or {"source_id": source_id})


def fit_planned(work: UnitOfWork, run: Run) -> None:
    """Cuts a run whose planning has just ended to what the budget of its source carries."""
    budget = in_force(work.session, [run.source_id]).get(run.source_id)
    if budget is not None:
        fit(work, run, budget)


def _take_back(work: UnitOfWork, source_id: str) -> None:
    """Ends the leases of a source, whose workers go on at a rate that holds no more; it costs them no attempt."""
    runs = select(Run.id).where(Run.source_id == source_id, Run.state.in_(queries.OPEN))
    work.session.execute(
        update(Partition)
        .where(Partition.run_id.in_(runs), Partition.state == "leased")
        .values(state="pending", due_at=work.now, attempts=Partition.attempts - 1, pace=None)
        .execution_options(synchronize_session=False)
    )


def budget_of(session: Session, source_id: str, now: datetime) -> BudgetView:
    """The budget of a source; one that limits nothing if none was set."""
    found = _stored(session, [source_id]).get(source_id)
    return _view(source_id, found, usage(session, [source_id], now), now)


def budgets(session: Session, now: datetime, after: str | None = None, limit: int = 100) -> list[BudgetView]:
    """The budgets that were set, in the order of the ids of their sources, behind the source `after`."""
    statement = select(SourceBudget.source_id).where(SourceBudget.source_id > (after or ""))
    ids = session.scalars(statement.order_by(SourceBudget.source_id).limit(limit)).all()
    stored, used = _stored(session, ids), usage(session, ids, now)
    return [_view(source_id, stored[source_id], used, now) for source_id in ids]


def in_force(session: Session, sources: Collection[str]) -> dict[str, Budget]:
    """The budgets of those of the sources that have one."""
    return {source_id: stored.content for source_id, stored in _stored(session, sources).items()}


class _Stored(NamedTuple):
    content: Budget
    updated_at: datetime


def _stored(session: Session, sources: Collection[str]) -> dict[str, _Stored]:
    columns = (SourceBudget.source_id, SourceBudget.content, SourceBudget.updated_at)
    found = session.execute(select(*columns).where(SourceBudget.source_id.in_(sources)))
    return {row.source_id: _Stored(Budget.model_validate(row.content), row.updated_at) for row in found}


def _view(source_id: str, stored: _Stored | None, used: dict[str, Usage], now: datetime) -> BudgetView:
    taken, content = used.get(source_id, Usage()), stored.content if stored else Budget()
    return BudgetView(
        source_id=source_id, content=content, updated_at=stored.updated_at if stored else None,
        cpu_seconds_today=taken.cpu_seconds, bytes_today=taken.bytes, open_now=is_open(content.windows, now),
    )  # fmt: skip


def usage(session: Session, sources: Collection[str], now: datetime) -> dict[str, Usage]:
    """What was taken of each source in the last 24 hours, where anything was."""
    since = now - DAY
    sums = (func.sum(Partition.cpu_seconds), func.sum(Partition.size), func.count())
    statement = (
        select(Run.source_id, *sums)
        .join(Partition, Partition.run_id == Run.id)
        .where(Run.source_id.in_(sources), or_(Run.finished_at.is_(None), Run.finished_at > since))
        .where(Partition.state == "done", Partition.ended_at > since)
        .group_by(Run.source_id)
    )
    found = session.execute(statement)
    return {source: Usage(float(cpu or 0), int(size or 0), count) for source, cpu, size, count in found}


def is_open(windows: Sequence[Window], now: datetime) -> bool:
    """Whether scans may read now. A window whose end is its start is the whole day."""
    return not windows or any(_holds(window, now) for window in windows)


def _holds(window: Window, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(window.timezone))
    time, today, yesterday = local.time(), local.weekday() in window.days, (local.weekday() - 1) % 7 in window.days
    if window.start < window.end:
        return today and window.start <= time < window.end
    return (today and time >= window.start) or (yesterday and time < window.end)
