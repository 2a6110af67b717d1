"""What a scan is still expected to take, from its plan and the learned rates."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, func, select
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract.budgets import Budget
from actors.scans.contract.forecasts import Forecast, Limit
from actors.scans.definition_tables import SourceBudget
from actors.scans.learning import Rates, load, portion
from actors.scans.paces import pace_of, shares
from actors.scans.rates import facts, rows_of
from actors.scans.tables import Asset, Partition, Run
from cluster.connectors.pace import HELD_SECONDS, WINDOW_SECONDS, Pace
from cluster.settings import settings

_NINETY = 1.645  # standard deviations on either side of the mean that hold 90 % of a normal distribution
# What one partition asks of its source: see `connectors.postgres.reading` and `connectors.files.objects`.
_STATEMENTS = 2
_REQUEST_BYTES = 4 << 20
# Under a pace also the session, the transaction and the sizes of what is read, and then a third of a window at a time.
_PACED_STATEMENTS = 9
_PACED_PIECES = 3.2


@dataclass(frozen=True)
class Group:
    """Partitions of one asset that wait to be read or were read, added up as the plan describes them."""

    asset_id: str
    info: dict[str, Any]
    kind: str
    partitions: int
    unsized: int
    bytes: float
    rows: float | None


@dataclass(frozen=True)
class Expected:
    """CPU seconds with the variance of their error, and how many of the assets were read or piloted before."""

    cpu_seconds: float
    variance: float
    known: int
    rows: float

    def bounds(self) -> tuple[float, float]:
        """Low and high of 90 %: the error is taken to be log-normal."""
        if self.cpu_seconds <= 0:
            return 0.0, 0.0
        spread = math.sqrt(math.log1p(self.variance / self.cpu_seconds**2)) * _NINETY
        return self.cpu_seconds * math.exp(-spread), self.cpu_seconds * math.exp(spread)


def forecast(session: Session, scan_id: str, workers: int | None = None) -> Forecast:
    """What is left of a scan that has not ended; nothing is left of one that has. Raises NotFound.

    `workers` is how many partitions are read at once: by default as set, else the CPUs of this machine.
    """
    run = queries.row_of(session, scan_id)
    groups = waiting_groups(session, run.id) if run.state in queries.OPEN else []
    rates = load(session, [f"source:{run.source_id}", *(f"asset:{group.asset_id}" for group in groups)])
    learned = rates.ledger.n
    found = expected(rates, run.source_id, groups)
    low, high = found.bounds()
    partitions, size = sum(group.partitions for group in groups), sum(group.bytes for group in groups)
    at_once = workers or settings().scan_workers or settings().cpus or os.cpu_count() or 1
    budget = _budget(session, run.source_id)
    asked = _asked(run, groups, pace_of(budget, at_once))
    waited = rates.waiting(run.source_id) * found.cpu_seconds if learned else None
    times = _times(budget, waited, min(at_once, max(1, partitions)), (size, asked))
    limit = max(times, key=lambda name: times[name], default=None)
    cached = select(func.count()).where(Partition.run_id == run.id, Partition.state == "cached")
    uncut = select(func.count()).where(Asset.run_id == run.id, Asset.state == "unplanned")
    return Forecast(
        scan_id=run.id, partitions=partitions, cached=session.scalar(cached) or 0,
        assets_unplanned=(session.scalar(uncut) or 0) if run.state in queries.OPEN else 0,
        bytes=round(size), rows=round(found.rows), partitions_unsized=sum(group.unsized for group in groups),
        cpu_seconds=found.cpu_seconds if learned else None, cpu_seconds_low=low if learned else None,
        cpu_seconds_high=high if learned else None, queries=asked, seconds=times[limit] if limit else None,
        workers=at_once, limited_by=limit,
        money=money(found.cpu_seconds if learned else None, asked if _stored(run) else 0),
        currency=settings().currency, learned_from=learned, assets_known=found.known,
    )  # fmt: skip


def remaining_cpu_seconds(session: Session) -> float | None:
    """What all scans that may run now are still expected to take; None before anything was learned."""
    runs = session.execute(select(Run.id, Run.source_id).where(Run.state.in_(queries.ACTIVE))).all()
    total = 0.0
    for run_id, source_id in runs:
        groups = waiting_groups(session, run_id)
        rates = load(session, [f"source:{source_id}", *(f"asset:{group.asset_id}" for group in groups)])
        if not rates.ledger.n:
            return None
        total += expected(rates, source_id, groups).cpu_seconds
    return total


def waiting_groups(session: Session, run_id: str) -> list[Group]:
    """The partitions of a run that are still to be read, by asset and kind."""
    return groups_of(session, [Partition.run_id == run_id, Partition.state.in_(queries.WAITING)])


def groups_of(session: Session, where: Sequence[Any]) -> list[Group]:
    """Partitions by run, asset and kind. Those whose size is not told count as the average of the others."""
    size, rows = (Partition.task[name].astext.cast(BigInteger) for name in ("bytes", "rows_estimate"))
    kind = Partition.task["kind"].astext
    statement: Select[Any] = (
        select(
            Partition.asset_id, Asset.info, kind, func.count(), func.count(size), func.sum(size), func.count(rows),
            func.sum(rows),
        )
        .join(Asset, (Asset.run_id == Partition.run_id) & (Asset.asset_id == Partition.asset_id))
        .where(*where)
        .group_by(Partition.run_id, Partition.asset_id, Asset.info, kind)
        .order_by(Partition.asset_id)
    )  # fmt: skip
    return [
        Group(
            asset_id=asset_id, info=info, kind=name, partitions=count, unsized=count - sized,
            bytes=float(total or 0) * count / max(1, sized),
            rows=float(lines) * count / counted if counted else None,
        )
        for asset_id, info, name, count, sized, total, counted, lines in session.execute(statement)
    ]  # fmt: skip


def expected(rates: Rates, source_id: str, groups: list[Group]) -> Expected:
    """CPU seconds of groups. Errors of different assets are independent, and all share that of the rates."""
    total = variance = rows = 0.0
    known: dict[str, bool] = {}
    by_asset: dict[tuple[str, bool], float] = {}
    for group in groups:
        pilot = rates.pilot(group.asset_id)
        size = group.bytes if group.partitions > group.unsized else None
        part = portion(group.info, group.kind, group.partitions, (size, group.rows), pilot)
        seconds = rates.cpu_seconds(source_id, group.asset_id, facts(part))
        read = rates.known(group.asset_id)
        known[group.asset_id] = read or pilot is not None
        by_asset[group.asset_id, read] = by_asset.get((group.asset_id, read), 0.0) + seconds
        total, rows = total + seconds, rows + rows_of(part)
    for (_, read), seconds in by_asset.items():
        variance += (rates.ledger.spread(read) * seconds) ** 2
    if rates.ledger.assets:
        variance += (rates.ledger.spread(known=False) * total) ** 2 / rates.ledger.assets
    return Expected(total, variance, sum(known.values()), rows)


def money(cpu_seconds: float | None, requests: int | None) -> float | None:
    """What CPU seconds and requests cost by the prices that are set; None without a price or a figure for it."""
    now = settings()
    if now.cpu_hour_price is None or cpu_seconds is None:
        return None
    return cpu_seconds / 3600 * now.cpu_hour_price + (requests or 0) / 1000 * (now.request_price or 0.0)


def _stored(run: Run) -> bool:
    return str(run.access["url"]).startswith("s3:")


def _asked(run: Run, groups: list[Group], pace: Pace | None) -> int | None:
    """Statements to a database, requests to an object store; None for what counts neither."""
    partitions, size = sum(group.partitions for group in groups), sum(group.bytes for group in groups)
    if _stored(run):
        return sum(group.partitions + math.ceil(group.bytes / _REQUEST_BYTES) for group in groups)
    if not str(run.access["url"]).startswith("postgres"):
        return None
    if pace is None:
        return _STATEMENTS * partitions
    pieces = _PACED_PIECES * size / pace.window_bytes if pace.window_bytes else 0
    return _PACED_STATEMENTS * partitions + math.ceil(pieces)


def _budget(session: Session, source_id: str) -> Budget:
    stored = session.get(SourceBudget, source_id)
    return Budget.model_validate(stored.content) if stored else Budget()


def _times(budget: Budget, work: float | None, workers: int, demand: tuple[float, int | None]) -> dict[Limit, float]:
    """How long a scan takes alone by each thing that bounds it; nothing where its work is not known.

    `demand` is its bytes and what it asks of the source.
    """
    if work is None:
        return {}
    size, asked = demand
    pace, parts = pace_of(budget, workers), shares(budget, workers)
    at_once = min(workers, budget.concurrency or workers, parts if pace else workers)
    times: dict[Limit, float] = {"workers": work / at_once}
    if budget.cpu_share:
        times["cpu_share"] = work / budget.cpu_share
    if pace is not None and pace.usable:
        times["bytes_per_second"] = size / (pace.usable * parts)
    if budget.queries_per_second and asked:
        times["queries_per_second"] = asked / budget.queries_per_second * HELD_SECONDS / WINDOW_SECONDS
    if budget.cpu_seconds_per_day:
        times["cpu_seconds_per_day"] = 86_400 * max(0.0, work / budget.cpu_seconds_per_day - 1)
    return times
