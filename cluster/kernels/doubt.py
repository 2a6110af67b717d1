"""How unsure a sample of whole partitions leaves us of a class on a column: what each partition adds, and the interval.

Pure Python, since actors ask it too.
"""

from collections.abc import Sequence

from cluster.kernels.intervals import clustered_interval
from cluster.kernels.report import ColumnReport, PartitionReport

Part = dict[str, tuple[int, dict[str, int]]]
"""By column the values of a partition that were looked at, and by detector those that it validated."""


def looked_at(column: ColumnReport) -> int:
    """Rows whose value the detectors saw."""
    return column.rows - column.nulls - column.empties - column.unreadable


def part_of(report: PartitionReport) -> Part:
    """What the report of a partition adds."""
    return {
        column.name: (looked_at(column), {name: counts.validated for name, counts in column.detectors.items()})
        for column in report.columns
    }


def interval(parts: Sequence[Part], column: str, detector: str, total: int) -> tuple[float, float]:
    """The 95 % interval of the share of a column's values that a detector validates, from some of all partitions."""
    counts = [(part[column][0], part[column][1].get(detector, 0)) for part in parts if column in part]
    return clustered_interval(counts, total)


def widest(parts: Sequence[Part], total: int) -> float:
    """The width of the widest interval over the columns and detectors that validated a value; 0 where none did."""
    found = {
        (column, name)
        for part in parts
        for column, (_, detectors) in part.items()
        for name, validated in detectors.items()
        if validated
    }
    bounds = (interval(parts, column, name, total) for column, name in found)
    return max((high - low for low, high in bounds), default=0.0)
