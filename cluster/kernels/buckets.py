"""Distributions that merge exactly: numbers in logarithmic buckets, times by month, text lengths by power of two.

Numbers follow DDSketch (Masson, Rim and Lee, VLDB 2019): bucket i holds (g^(i-1), g^i] with g = 1.02 / 0.98, so that
any quantile is known to 2 %. No number is kept, nor a sum, whose rounding would depend on the order of addition.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_GAMMA: Final = 1.02 / 0.98
_LOG_GAMMA: Final = math.log(_GAMMA)
_SMALLEST: Final = 1e-12
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

Counts = dict[str, int]


def number_buckets(values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Buckets of weighted numbers: {"pos": {i: n}, "neg": {i: n}, "zero": n, "infinite": n}. NaN must be gone."""
    finite = np.isfinite(values)
    infinite = int(counts[~finite].sum())
    values, counts = values[finite], counts[finite]
    small = np.abs(values) < _SMALLEST
    return {
        "pos": _log_counts(values[(values > 0) & ~small], counts[(values > 0) & ~small]),
        "neg": _log_counts(-values[(values < 0) & ~small], counts[(values < 0) & ~small]),
        "zero": int(counts[small].sum()),
        "infinite": infinite,
    }


def _log_counts(values: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> Counts:
    if not len(values):
        return {}
    places = np.ceil(np.log(values) / _LOG_GAMMA).astype(np.int64)
    low = int(places.min())
    totals = np.zeros(int(places.max()) - low + 1, dtype=np.int64)
    np.add.at(totals, places - low, counts)
    return {str(low + int(i)): int(totals[i]) for i in np.flatnonzero(totals)}


def merge_numbers(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any] | None:
    """The buckets of both."""
    if a is None or b is None:
        return a if b is None else b
    return {
        "pos": merge_counts(a["pos"], b["pos"]),
        "neg": merge_counts(a["neg"], b["neg"]),
        "zero": a["zero"] + b["zero"],
        "infinite": a["infinite"] + b["infinite"],
    }


def merge_counts(a: Counts, b: Counts) -> Counts:
    """Sums by key, keys in order, so that equal content is equal text."""
    if not b:
        return dict(a)
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted(a.keys() | b.keys())}


def ordered_numbers(buckets: dict[str, Any]) -> list[tuple[float, float, int]]:
    """(lower bound, upper bound, count) of each bucket, ascending; the bounds of negative ones are negative."""
    rows = [(-(_GAMMA ** int(i)), -(_GAMMA ** (int(i) - 1)), n) for i, n in buckets["neg"].items()]
    rows += [(_GAMMA ** (int(i) - 1), _GAMMA ** int(i), n) for i, n in buckets["pos"].items()]
    if buckets["zero"]:
        rows.append((0.0, 0.0, buckets["zero"]))
    return sorted(rows)


def month_buckets(months: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Counts by calendar month, keyed YYYY-MM; `months` are year * 12 + month - 1."""
    unique, inverse = np.unique(months, return_inverse=True)
    totals = np.zeros(len(unique), dtype=np.int64)
    np.add.at(totals, inverse, counts)
    return {"months": {_month(int(m)): int(n) for m, n in zip(unique, totals, strict=True)}}


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def merge_times(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any] | None:
    """The months of both."""
    if a is None or b is None:
        return a if b is None else b
    return {"months": merge_counts(a["months"], b["months"])}


def merge_lengths(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any] | None:
    """Lengths of both: {"min", "max", "total", "truncated"}."""
    if a is None or b is None:
        return a if b is None else b
    return {
        "min": min(a["min"], b["min"]),
        "max": max(a["max"], b["max"]),
        "total": a["total"] + b["total"],
        "truncated": a["truncated"] + b["truncated"],
    }
