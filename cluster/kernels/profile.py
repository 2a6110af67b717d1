"""A column's profile as people may see it: two significant digits, months, lengths and shapes, and never a value."""

import math
from typing import Any

from cluster.kernels.buckets import QUANTILES, ordered_numbers
from cluster.kernels.report import ColumnProfile, ColumnReport
from cluster.kernels.sketch import DistinctSketch

_SHAPES_SHOWN = 32


def profile_of(column: ColumnReport) -> ColumnProfile:
    """The blurred profile of a merged column report."""
    distinct, exact = DistinctSketch.decode(column.distinct).estimate()
    spread: dict[str, Any] = {}
    if column.numbers:
        spread = _numbers(column.numbers)
    elif column.times and column.times["months"]:
        spread = _months(column.times["months"])
    lengths = column.lengths or {}
    shapes = sorted(column.shapes.items(), key=lambda item: (-item[1], item[0]))[:_SHAPES_SHOWN]
    values = column.rows - column.nulls - column.empties - column.unreadable
    return ColumnProfile(
        rows=column.rows,
        nulls=column.nulls,
        empties=column.empties,
        unreadable=column.unreadable,
        distinct=min(distinct, max(values, 0)) if values else distinct,
        distinct_exact=exact,
        length_min=lengths.get("min"),
        length_max=lengths.get("max"),
        shapes=tuple(shapes),
        **spread,
    )


def outward(value: float, *, up: bool) -> float:
    """The value with two significant digits, rounded up or down; infinities and zero stay."""
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    # A hair of tolerance, so that 12 does not become 13 because a bucket bound is 12.000000000000002.
    steps = value / unit
    rounded = math.ceil(steps - 1e-9) if up else math.floor(steps + 1e-9)
    return float(f"{rounded * unit:.2g}")


def _numbers(buckets: dict[str, Any]) -> dict[str, Any]:
    rows = ordered_numbers(buckets)
    if not rows:
        return {}
    total = sum(count for _, _, count in rows)
    mean = sum((low + high) / 2 * count for low, high, count in rows) / total
    quantiles = {str(q): float(f"{_quantile(rows, total, q):.2g}") for q in QUANTILES}
    return {
        "min": _plain(outward(rows[0][0], up=False)),
        "max": _plain(outward(rows[-1][1], up=True)),
        "mean": float(f"{mean:.2g}"),
        "quantiles": quantiles,
    }


def _quantile(rows: list[tuple[float, float, int]], total: int, q: float) -> float:
    wanted, seen = q * (total - 1), 0
    for low, high, count in rows:
        seen += count
        if seen > wanted:
            return (low + high) / 2
    return rows[-1][1]


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 and abs(value) < 1e15 else f"{value:.2g}"


def _months(months: dict[str, int]) -> dict[str, Any]:
    """Months as text; quantiles as the number YYYYMM."""
    rows = [(float(m.replace("-", "")), float(m.replace("-", "")), n) for m, n in sorted(months.items())]
    total = sum(months.values())
    return {
        "min": min(months),
        "max": max(months),
        "quantiles": {str(q): _quantile(rows, total, q) for q in QUANTILES},
    }
