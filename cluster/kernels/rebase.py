"""A report under new rules, made of one under older rules and a scan of the detectors that it lacks."""

from collections.abc import Collection

from cluster.kernels.report import ColumnReport, PartitionReport


def restricted(report: PartitionReport, detectors: Collection[str], rules_digest: str) -> PartitionReport:
    """The report with these detectors only, as a scan by rules of no others would have brought it."""
    if report.rules_digest == rules_digest:
        return report
    return counts_of(report, detectors).model_copy(update={"rules_digest": rules_digest})


def rebased(base: PartitionReport, fresh: PartitionReport, kept: Collection[str]) -> PartitionReport:
    """What a scan with all detectors would have brought: `kept` ones from `base`, all others from `fresh`.

    Both are of the same content, `fresh` of some columns perhaps. What the partition took is that of `fresh`.
    """
    found = {column.name: column.detectors for column in fresh.columns}
    columns = []
    for column in base.columns:
        detectors = _only(column, kept).detectors | found.get(column.name, {})
        columns.append(column.model_copy(update={"detectors": dict(sorted(detectors.items()))}))
    profile = {"rows": base.rows, "bytes": base.bytes, "columns": tuple(columns)}
    return fresh.model_copy(update=profile)


def counts_of(report: PartitionReport, detectors: Collection[str]) -> PartitionReport:
    """The report with the counts of these detectors only."""
    columns = tuple(_only(column, detectors) for column in report.columns)
    return report.model_copy(update={"columns": columns})


def _only(column: ColumnReport, detectors: Collection[str]) -> ColumnReport:
    kept = {name: counts for name, counts in column.detectors.items() if name in detectors}
    return column.model_copy(update={"detectors": kept})
