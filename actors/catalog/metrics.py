"""The history of figures, and the bounds in which the next one is expected.

Figures rarely move like a bell curve, and one outage must not widen the bounds for a year: the middle is the median,
the width is the median absolute deviation times 1.4826 (its ratio to the standard deviation of a normal distribution)
times 3.5 (Iglewicz and Hoaglin, 1993). Where the weekday explains enough of the spread, each weekday has a middle of
its own.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite
from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actors.catalog.contract import Bounds, FigureView
from actors.catalog.quality_tables import MetricPoint
from cluster.kernels.report import AssetEvidence
from cluster.runtime.commands import UnitOfWork

FEWEST: Final = 7  # points below which nothing is expected
WEEKS: Final = 3  # points of each weekday from which its own middle counts
WIDTH: Final = 3.5 * 1.4826
LEAST_WIDTH: Final = 0.02  # of the middle: what never moved may move a little
KEPT_DAYS: Final = 400
LOOKED_AT: Final = 1_000


class Point(NamedTuple):
    at: datetime
    value: float


def note(  # noqa: PLR0917
    work: UnitOfWork, asset_id: str, column: str, metric: str, value: float, at: datetime | None = None
) -> None:
    """Keeps a figure of now or of a time, and forgets those of more than 400 days ago."""
    work.session.merge(MetricPoint(asset_id=asset_id, column=column, metric=metric, at=at or work.now, value=value))
    mine = (MetricPoint.asset_id == asset_id, MetricPoint.column == column, MetricPoint.metric == metric)
    work.session.execute(delete(MetricPoint).where(*mine, MetricPoint.at < work.now - timedelta(days=KEPT_DAYS)))


def note_profiles(work: UnitOfWork, asset_id: str, evidence: AssetEvidence) -> None:
    """Keeps what a census found: rows, and of each column the shares of nulls and of distinct values, and the mean."""
    note(work, asset_id, "", "rows", float(evidence.rows))
    for column in evidence.columns:
        profile = column.profile
        if profile.rows:
            note(work, asset_id, column.column, "null_share", profile.nulls / profile.rows)
            note(work, asset_id, column.column, "distinct_share", profile.distinct / profile.rows)
        if profile.mean is not None and isfinite(profile.mean):
            note(work, asset_id, column.column, "mean", profile.mean)


def points(
    session: Session, asset_id: str, column: str, metric: str, before: datetime | None = None
) -> list[Point]:  # fmt: skip
    """The newest 1,000 figures in the order of time, those before a time alone if it is given."""
    mine = (MetricPoint.asset_id == asset_id, MetricPoint.column == column, MetricPoint.metric == metric)
    statement = select(MetricPoint.at, MetricPoint.value).where(*mine)
    if before is not None:
        statement = statement.where(MetricPoint.at < before)
    rows = session.execute(statement.order_by(MetricPoint.at.desc()).limit(LOOKED_AT)).all()
    return [Point(at, value) for at, value in reversed(rows)]


def metrics_of(session: Session, asset_id: str) -> list[tuple[str, str]]:
    """(column, metric) of every history that an asset has."""
    statement = select(MetricPoint.column, MetricPoint.metric).where(MetricPoint.asset_id == asset_id).distinct()
    return [(column, metric) for column, metric in session.execute(statement.order_by("column", "metric"))]


def figures(
    session: Session, asset_id: str, column: str | None, metric: str | None, limit: int = 100
) -> list[FigureView]:
    """The newest figures of an asset, the newest first: all, or those of a column ("": the asset) or a metric."""
    statement = select(MetricPoint).where(MetricPoint.asset_id == asset_id, MetricPoint.metric != "content")
    if column is not None:
        statement = statement.where(MetricPoint.column == column)
    if metric is not None:
        statement = statement.where(MetricPoint.metric == metric)
    ordered = statement.order_by(MetricPoint.at.desc(), MetricPoint.column, MetricPoint.metric)
    return [FigureView.model_validate(row) for row in session.scalars(ordered.limit(limit))]


def expected(history: Sequence[Point], at: datetime) -> tuple[float, float, bool] | None:
    """(low, high, whether by weekday) for a figure at a time; None where the history is too short to say.

    Counts do not fall below zero: where none of the history does, the lower bound does not either.
    """
    if len(history) < FEWEST:
        return None
    seasons = _by_weekday(history)
    values = [point.value for point in history]
    middle, residuals = median(values), [value - median(values) for value in values]
    if seasons is not None:
        apart = [point.value - seasons[point.at.weekday()] for point in history]
        if _spread(apart) < 0.7 * _spread(residuals):
            middle, residuals = seasons[at.weekday()], apart
        else:
            seasons = None
    width = max(WIDTH * _spread(residuals), LEAST_WIDTH * abs(middle))
    low = middle - width
    return (max(low, 0.0) if min(values) >= 0 else low), middle + width, seasons is not None


def _by_weekday(history: Sequence[Point]) -> dict[int, float] | None:
    """The median of each weekday, None unless each has three points."""
    days: dict[int, list[float]] = defaultdict(list)
    for point in history:
        days[point.at.weekday()].append(point.value)
    if len(days) < 7 or min(map(len, days.values())) < WEEKS:
        return None
    return {day: median(values) for day, values in days.items()}


def _spread(residuals: Sequence[float]) -> float:
    """The median absolute deviation; where more than half do not move at all, the mean one."""
    apart = [abs(each) for each in residuals]
    return median(apart) or sum(apart) / len(apart)


def learned(session: Session, asset_id: str, at: datetime) -> list[Bounds]:
    """The bounds of all histories of an asset that are long enough."""
    found = []
    for column, metric in metrics_of(session, asset_id):
        history = points(session, asset_id, column, metric, at)
        told = expected(history, at)
        if told is not None:
            low, high, seasonal = told
            season = "weekday" if seasonal else "none"
            found.append(
                Bounds.model_validate({
                    "asset_id": asset_id, "column": column, "metric": metric, "low": low, "high": high,
                    "points": len(history), "season": season,
                })
            )  # fmt: skip
    return found
