"""Deciding tests by reading the asset, in a worker: one pass over its rows for all tests, in bounded memory.

Row by row tests count the rows that fail. Figures are exact: sums and moments are merged over batches (Chan, Golub and
LeVeque), distinct values and the median keep 64 bits for each value up to 20 million of them, and are given up beyond.
Nothing but counts and figures leaves the worker.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from actors.catalog.contract import CheckOutcome, TestOrder
from actors.catalog.quality_definitions import DEFINITIONS, bounds, met, tolerated, within

KEPT: Final = 20_000_000
SPANS: Final = {"HOUR": 1 / 24, "DAY": 1.0, "MONTH": 30.44, "YEAR": 365.25}
EARTH: Final = 6_371_008.8  # mean radius in metres (IUGG)
Failing = Callable[[pl.DataFrame], pl.Series]


class Check:
    """One test over the batches of an asset."""

    def __init__(self, test: TestOrder) -> None:
        self.test = test
        self.low, self.high = bounds(test.definition, test.parameters)
        self.metric = DEFINITIONS[test.definition].metric
        self.rows = self.failed = self.count = 0
        self.mean = self.squares = 0.0
        self.least, self.most = math.inf, -math.inf
        self.kept: list[np.ndarray[Any, Any]] = []
        self.held = 0
        self.problem: str | None = None

    def take(self, batch: pl.DataFrame) -> None:
        """Looks at a batch; a test that cannot look at it is aborted, and says why."""
        if self.problem is not None:
            return
        lacking = [name for name in _columns(self.test) if name not in batch.columns]
        if lacking:
            self.problem = "The asset has no column of the name that the test gives."
            return
        try:
            self._take(batch)
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
            self.problem = "The values are not of a type that this test can look at."

    def _take(self, batch: pl.DataFrame) -> None:
        self.rows += batch.height
        if self.test.definition == "columnValuesToBeUnique":
            self._keep(batch[self.test.column].drop_nulls().hash(7).to_numpy())
        elif self.metric in {"min", "max", "mean", "stddev", "sum", "median"}:
            self._measure(numbers(batch[self.test.column]))
        elif self.metric == "missing":
            self.failed += _missing(batch[self.test.column], self.test.parameters.get("missingValueMatch") or ())
        elif self.metric == "inserted":
            self.failed += _inserted(batch[self.test.parameters["columnName"]], self.test.parameters)
        elif not self.metric:
            failing = FAILING[self.test.definition](batch, self.test)
            self.failed += int(failing.fill_null(value=False).sum())

    def _measure(self, values: np.ndarray[Any, Any]) -> None:
        if not len(values):
            return
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))
        mean, more = float(values.mean()), len(values)
        squares, total = float(((values - mean) ** 2).sum()), self.count + more
        apart = mean - self.mean
        self.squares += squares + apart * apart * self.count * more / total
        self.mean += apart * more / total
        self.count = total
        if self.metric == "median":
            self._keep(values)

    def _keep(self, values: np.ndarray[Any, Any]) -> None:
        self.kept.append(values)
        self.held += len(values)
        if self.held > KEPT:
            self.problem, self.kept = f"The asset has more than {KEPT} values; this test keeps no more.", []

    def outcome(self) -> CheckOutcome:
        """What the test came to, after the last batch."""
        told: dict[str, Any] = {"test_id": self.test.id, "low": self.low, "high": self.high}
        if self.problem is not None:
            return CheckOutcome(**told, status="Aborted", reason=self.problem)
        if self.test.definition == "columnValuesToBeUnique":
            every = np.concatenate(self.kept) if self.kept else np.zeros(0)
            self.failed, self.rows = len(every) - len(np.unique(every)), len(every)
        if self.metric in {"", "unique"}:
            status = "Success" if tolerated(self.failed, self.rows, self.test.parameters) else "Failed"
            return CheckOutcome(**told, status=status, passed_rows=self.rows - self.failed, failed_rows=self.failed)
        figure = self._figure()
        if figure is None:
            return CheckOutcome(**told, status="Aborted", reason="There is no value to measure.")
        passed = met(self.test.definition, figure, self.rows, self.test.parameters)
        return CheckOutcome(**told, status="Success" if passed else "Failed", observed=figure)

    def _figure(self) -> float | None:
        if self.metric in {"missing", "inserted"}:
            return float(self.failed)
        if self.metric == "rows":
            return float(self.rows)
        if self.metric == "median" and self.kept:
            return float(np.median(np.concatenate(self.kept)))
        if not self.count:
            return 0.0 if self.metric == "sum" else None
        return {
            "min": self.least, "max": self.most, "mean": self.mean, "sum": self.mean * self.count,
            "stddev": math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0,
        }[self.metric]  # fmt: skip


def evaluated(tests: Sequence[TestOrder], batches: Iterable[pl.DataFrame]) -> list[CheckOutcome]:
    """The outcomes of tests over all batches of an asset."""
    checks = [Check(test) for test in tests]
    for batch in batches:
        for check in checks:
            check.take(batch)
    return [check.outcome() for check in checks]


def columns_of(tests: Iterable[TestOrder]) -> list[str]:
    """The columns that the tests look at."""
    return sorted({name for test in tests for name in _columns(test)})


def _columns(test: TestOrder) -> list[str]:
    names = [test.column] if test.column else []
    told = test.parameters
    if DEFINITIONS[test.definition].metric == "inserted":
        names.append(told["columnName"])
    if test.definition == "columnValuesToBeAtExpectedLocation":
        names += [told["latitudeColumnName"], told["longitudeColumnName"]]
    return names


def numbers(values: pl.Series) -> np.ndarray[Any, Any]:
    """The values as numbers, times as seconds since 1970 in UTC, without nulls and NaN. Raises for what is neither."""
    if values.dtype in {pl.Date, pl.Datetime} or isinstance(values.dtype, pl.Datetime):
        values = values.cast(pl.Datetime("us")).dt.timestamp("us").cast(pl.Float64) / 1e6
    elif values.dtype == pl.String:
        values = values.drop_nulls().str.strip_chars().cast(pl.Float64, strict=True)
    found = values.drop_nulls().cast(pl.Float64).to_numpy()
    kept: np.ndarray[Any, Any] = found[~np.isnan(found)]
    return kept


def _texts(values: pl.Series) -> pl.Series:
    return values.cast(pl.String) if values.dtype != pl.Binary else values.bin.encode("hex")


def _missing(values: pl.Series, also: Sequence[Any]) -> int:
    texts = _texts(values)
    stands = texts.is_null() | (texts == "") | texts.is_in([str(each) for each in also])
    return int(stands.fill_null(value=True).sum())


def _inserted(values: pl.Series, told: Mapping[str, Any]) -> int:
    since = datetime.now(UTC) - timedelta(days=SPANS[told["rangeType"]] * float(told["rangeInterval"]))
    if values.dtype == pl.String:
        values = values.str.to_datetime(strict=False, time_zone="UTC")
    return int((numbers(values) >= since.timestamp()).sum())


def _between(batch: pl.DataFrame, test: TestOrder) -> pl.Series:
    low, high = bounds(test.definition, test.parameters)
    found = numbers(batch[test.column])
    return pl.Series([not within(value, low, high) for value in found], dtype=pl.Boolean)


def _lengths(batch: pl.DataFrame, test: TestOrder) -> pl.Series:
    low, high = bounds(test.definition, test.parameters)
    lengths = _texts(batch[test.column]).str.len_chars()
    wrong = pl.Series([False] * len(lengths))
    if low is not None:
        wrong = wrong | (lengths < low)
    return wrong | (lengths > high) if high is not None else wrong


def _in_set(batch: pl.DataFrame, test: TestOrder, name: str) -> pl.Series:
    texts = _texts(batch[test.column])
    return texts.is_in([_plain(each, batch[test.column]) for each in test.parameters[name]])


def _plain(value: Any, column: pl.Series) -> str:
    """A value of a parameter as the text that a value of the column becomes."""
    if isinstance(value, bool):
        return str(value).lower()
    if column.dtype.is_float() and isinstance(value, int | float):
        return str(pl.Series([float(value)]).cast(pl.String)[0])
    return str(value)


def _far(batch: pl.DataFrame, test: TestOrder) -> pl.Series:
    """Whether a row is farther from its place than the radius (haversine), or its place is not told."""
    told, radius = test.parameters["places"], float(test.parameters["radius"])
    names = _texts(batch[test.column]).to_list()
    latitudes = batch[test.parameters["latitudeColumnName"]].cast(pl.Float64).to_list()
    longitudes = batch[test.parameters["longitudeColumnName"]].cast(pl.Float64).to_list()
    rows = zip(names, latitudes, longitudes, strict=True)
    return pl.Series(
        [name is not None and not _at(told.get(name), row, radius) for name, *row in rows], dtype=pl.Boolean
    )


def _at(place: Sequence[float] | None, point: Sequence[float | None], radius: float) -> bool:
    if place is None or point[0] is None or point[1] is None:
        return False
    one, other = math.radians(place[0]), math.radians(point[0])
    turn = math.radians(point[1] - place[1])
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(turn / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half))) <= radius


FAILING: Final[Mapping[str, Callable[[pl.DataFrame, TestOrder], pl.Series]]] = {
    "columnValuesToBeNotNull": lambda batch, test: batch[test.column].is_null(),
    "columnValuesToBeBetween": _between,
    "columnValuesToBeInSet": lambda batch, test: ~_in_set(batch, test, "allowedValues"),
    "columnValuesToBeNotInSet": lambda batch, test: _in_set(batch, test, "forbiddenValues"),
    "columnValuesToMatchRegex": lambda batch, test: ~_texts(batch[test.column]).str.contains(test.parameters["regex"]),
    "columnValuesToNotMatchRegex": lambda batch, test: _texts(batch[test.column]).str.contains(
        test.parameters["forbiddenRegex"]
    ),
    "columnValueLengthsToBeBetween": _lengths,
    "columnValuesToBeAtExpectedLocation": _far,
}
