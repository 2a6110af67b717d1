"""Reports of partitions merge into one, in any order and grouping, and fold to the evidence of an asset."""

import math
from collections.abc import Iterable, Sequence

from cluster.detectors.compile import load_detector_packs
from cluster.detectors.detector import Detector
from cluster.errors import Internal
from cluster.kernels import free_text
from cluster.kernels.buckets import merge_lengths, merge_numbers, merge_times
from cluster.kernels.doubt import Part, interval, looked_at, part_of
from cluster.kernels.profile import profile_of
from cluster.kernels.report import (
    AssetEvidence,
    ClassEvidence,
    ColumnEvidence,
    ColumnReport,
    DetectorCounts,
    FreeText,
    PartitionReport,
)
from cluster.kernels.shapes import keep_shapes
from cluster.kernels.sketch import DistinctSketch
from cluster.kernels.traits import merge_traits

_EXAMPLE_LEAD = 4
_EXAMPLES = 3


def merge(a: PartitionReport, b: PartitionReport) -> PartitionReport:
    """The report of both partitions together: associative, and commutative but for the order of columns that only
    one has. Its `partition` is the smaller number and its `fingerprint` is empty.

    Raises Internal if the reports are of different assets or rules.
    """
    if (a.asset, a.rules_digest) != (b.asset, b.rules_digest):
        raise Internal("Reports of different assets or rules cannot be merged.", "Report this as a defect.")
    columns = {column.name: column for column in a.columns}
    for column in b.columns:
        known = columns.get(column.name)
        columns[column.name] = column if known is None else merge_columns(known, column)
    seconds = dict(a.detector_seconds)
    for detector, spent in b.detector_seconds.items():
        seconds[detector] = seconds.get(detector, 0.0) + spent
    return PartitionReport(
        asset=a.asset,
        partition=min(a.partition, b.partition),
        fingerprint="",
        rules_digest=a.rules_digest,
        rows=a.rows + b.rows,
        bytes=a.bytes + b.bytes,
        columns=tuple(columns.values()),
        seconds=a.seconds + b.seconds,
        cpu_seconds=a.cpu_seconds + b.cpu_seconds,
        detector_seconds=seconds,
        peak_rss_mb=max(a.peak_rss_mb, b.peak_rss_mb),
    )


def merge_columns(a: ColumnReport, b: ColumnReport) -> ColumnReport:
    """The report of both parts of a column. Types that differ become `string`, the one type that holds all."""
    kinds = {a.type, b.type} - {"unknown"}
    merged = ColumnReport(
        name=a.name,
        type=kinds.pop() if len(kinds) == 1 else ("string" if kinds else "unknown"),
        rows=a.rows + b.rows,
        nulls=a.nulls + b.nulls,
        empties=a.empties + b.empties,
        unreadable=a.unreadable + b.unreadable,
        distinct=_union(a.distinct, b.distinct),
        numbers=merge_numbers(a.numbers, b.numbers),
        times=merge_times(a.times, b.times),
        lengths=merge_lengths(a.lengths, b.lengths),
        shapes=keep_shapes({s: a.shapes.get(s, 0) + b.shapes.get(s, 0) for s in a.shapes.keys() | b.shapes.keys()}),
        traits=merge_traits(a.traits, b.traits),
        texts=free_text.merge_texts(a.texts, b.texts),
    )
    # A detector that matched in one part only has looked at the values of the other too.
    scanned = looked_at(merged)
    detectors = {
        name: _merge_counts(a.detectors.get(name), b.detectors.get(name), scanned)
        for name in sorted(a.detectors.keys() | b.detectors.keys())
    }
    return merged.model_copy(update={"detectors": detectors})


def fold(
    reports: Iterable[PartitionReport],
    partitions_total: int,
    partitions_failed: int,
    partitions_read: int = 0,
    own: Iterable[Detector] = (),
) -> AssetEvidence:
    """The evidence of an asset from all reports of it; `method` is census if every partition was read.

    The interval of a sample takes into account that the values of one partition are often alike: see
    `clustered_interval`. `partitions_read` is how many reports there will be, if that is known: those of a census need
    less memory. `own` are detectors of the rule set beside the installed ones. Raises Internal without a report.
    """
    whole: PartitionReport | None = None
    parts: list[Part] = []
    texts: list[dict[str, FreeText]] = []
    read = 0
    for report in reports:
        whole = report if whole is None else merge(whole, report)
        if partitions_failed or partitions_read < partitions_total:
            parts.append(part_of(report))
            texts.append(free_text.part_of(report))
        read += 1
    if whole is None:
        raise Internal("An asset without a report has no evidence.", "Scan it first.")
    census = partitions_failed == 0 and read >= partitions_total
    known = {d.id: d for pack in load_detector_packs() for d in pack.value.detectors} | {d.id: d for d in own}
    total = max(partitions_total, read + partitions_failed)
    if census:
        parts, texts = [], []
    return AssetEvidence(
        asset=whole.asset,
        method="census" if census else "sample",
        partitions=partitions_total,
        partitions_read=read,
        rows=whole.rows,
        bytes=whole.bytes,
        rules_digest=whole.rules_digest,
        columns=tuple(_column_evidence(c, known, parts, texts, total) for c in whole.columns),
    )


def _column_evidence(
    column: ColumnReport, known: dict[str, Detector], parts: Sequence[Part], texts: free_text.Parts, total: int
) -> ColumnEvidence:
    profile = profile_of(column)
    classes = tuple(
        _class_evidence(column, known[name], profile.distinct, parts, total)
        for name in sorted(column.detectors)
        if name in known
    )
    return ColumnEvidence(
        column=column.name, type=column.type, profile=profile, traits=column.traits, classes=classes,
        texts=free_text.findings(column.texts, column.name, texts, total),
    )  # fmt: skip


def _class_evidence(
    column: ColumnReport, detector: Detector, distinct: int, parts: Sequence[Part], total: int
) -> ClassEvidence:
    counts = column.detectors[detector.id]
    scanned = looked_at(column)
    prevalence = counts.validated / scanned if scanned else 0.0
    low = high = prevalence
    missed = 0
    if parts:
        low, high = interval(parts, column.name, detector.id, total)
        unseen = round(scanned * total / len(parts)) - scanned
        missed = math.ceil(high * unseen)
    return ClassEvidence(
        detector=detector.id,
        data_class=detector.data_class,
        scanned=scanned,
        distinct=distinct,
        matched=counts.matched,
        whole=counts.whole,
        distinct_matched=_size(counts.distinct_matched, counts.matched),
        validated=counts.validated,
        distinct_validated=_size(counts.distinct_validated, counts.validated),
        prevalence=prevalence,
        low=low,
        high=high,
        missed_at_most=missed,
        chance=detector.chance,
        examples=tuple(example[_EXAMPLE_LEAD:] for example in counts.examples),
    )


def _merge_counts(a: DetectorCounts | None, b: DetectorCounts | None, scanned: int) -> DetectorCounts:
    if a is None or b is None:
        only = a or b
        assert only is not None
        return only.model_copy(update={"scanned": scanned})
    return DetectorCounts(
        scanned=scanned,
        matched=a.matched + b.matched,
        whole=a.whole + b.whole,
        validated=a.validated + b.validated,
        distinct_matched=_union(a.distinct_matched, b.distinct_matched),
        distinct_validated=_union(a.distinct_validated, b.distinct_validated),
        examples=tuple(sorted({*a.examples, *b.examples})[:_EXAMPLES]),
    )


def _union(a: str, b: str) -> str:
    sketch = DistinctSketch.decode(a)
    sketch.merge(DistinctSketch.decode(b))
    return sketch.encode()


def _size(sketch: str, values: int) -> int:
    return min(DistinctSketch.decode(sketch).estimate()[0], values)
