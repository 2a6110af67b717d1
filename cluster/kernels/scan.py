"""A partition in, a report out: one pass, with memory bounded by the batch."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from cluster.connectors.interface import Partition
from cluster.detectors.compile import CompiledRules
from cluster.kernels.buckets import (
    merge_lengths,
    merge_numbers,
    merge_times,
    month_buckets,
    number_buckets,
)
from cluster.kernels.detect import ColumnDetection
from cluster.kernels.lexicon import Lexicon
from cluster.kernels.plan import TEXT_KINDS, plan_column
from cluster.kernels.report import ColumnReport, DetectorCounts, FreeText, PartitionReport
from cluster.kernels.shape_book import REMEMBERED, Numbers, ShapeBook
from cluster.kernels.sketch import DistinctSketch, Hashing
from cluster.kernels.text_reader import SAMPLE, TextReader, allowance, prose, shortened
from cluster.kernels.texts import Values, logical_type, months_of, values_of
from cluster.kernels.traits import TraitSample
from cluster.kernels.value_sample import ValueSample

_BEYOND_ASCII: Final = 128
# Shapes that are remembered of all columns together, where there are many, and of each at least.
_SHAPES: Final = 1 << 18
_LEAST_SHAPES: Final = 512
_PROSE_KINDS: Final = frozenset({"string", "unknown", "binary"})


class PartitionScan:
    """Collects the report of a partition from its batches. Keeps counts and sketches, and no batch.

    `salt` keys every hash, so that nothing in the report can be looked up or guessed without it. The report is the
    same for any division of the rows into batches. Columns are told apart by name; the first of equal names counts.
    Traits know the words of `lexicon`, or of the shipped one. Samples of prose are read by `reader`, if there is one.
    `between` is called after each column of a batch and of the report.
    """

    def __init__(
        self,
        partition: Partition,
        rules: CompiledRules,
        salt: bytes,
        lexicon: Lexicon | None = None,
        *,
        between: Callable[[], None] | None = None,
        reader: TextReader | None = None,
    ) -> None:
        self._lexicon, self._reader = lexicon, reader
        self._partition = partition
        self._rules = rules
        self._hashing = Hashing(salt)
        self._columns: dict[str, ColumnScan] = {}
        self._rows = 0
        self._between = between or (lambda: None)

    def add(self, batch: pa.RecordBatch) -> None:
        """Looks at all columns of a batch."""
        self._rows += batch.num_rows
        seen: set[str] = set()
        for place, field in enumerate(batch.schema):
            if field.name in seen:
                continue
            seen.add(field.name)
            if field.name not in self._columns:
                self._columns[field.name] = ColumnScan(field.name, self._rules, self._hashing, batch.num_columns)
            self._columns[field.name].add(batch.column(place))
            if not batch.num_rows:
                self._columns[field.name].kind = logical_type(field.type)
            self._between()

    def report(self) -> PartitionReport:
        """The report of all batches so far."""
        for name in self._partition.columns:
            if name not in self._columns:
                self._columns[name] = ColumnScan(name, self._rules, self._hashing)
        columns = tuple(self._reported(column) for column in self._columns.values())
        texts = self._read_texts(self._reader) if self._reader is not None else {}
        seconds: dict[str, float] = {}
        for column in self._columns.values():
            for detector, spent in column.seconds().items():
                seconds[detector] = seconds.get(detector, 0.0) + spent
        return PartitionReport(
            asset=self._partition.asset,
            partition=self._partition.number,
            fingerprint=self._partition.fingerprint,
            rules_digest=self._rules.digest,
            rows=self._rows,
            bytes=sum(column.bytes for column in self._columns.values()),
            columns=tuple(
                column.model_copy(update={"texts": texts[column.name]}) if column.name in texts else column
                for column in columns
            ),
            detector_seconds=seconds,
        )

    def _reported(self, column: "ColumnScan") -> ColumnReport:
        report = column.report(self._lexicon)
        self._between()
        return report

    def prose(self) -> list["ColumnScan"]:
        """The columns of texts that people wrote, so far."""
        return [column for column in self._columns.values() if column.is_prose]

    def read_text(self, column: "ColumnScan", reader: TextReader, columns: int) -> FreeText:
        """What the sample of a column of prose holds, of which there are so many."""
        return reader.read(column.texts, self._hashing, allowance(self._rows * len(self._columns), columns))

    def _read_texts(self, reader: TextReader) -> dict[str, FreeText]:
        prose, found = self.prose(), {}
        for column in prose:
            found[column.name] = self.read_text(column, reader, len(prose))
            self._between()
        return found


class ColumnScan:
    """Collects the profile and the evidence of one column, which has so many `columns` in its table."""

    def __init__(self, name: str, rules: CompiledRules, hashing: Hashing, columns: int = 1) -> None:
        self.name = name
        self._columns = columns
        self.kind = "unknown"
        self.bytes = 0
        self._rules = rules
        self._hashing = hashing
        self._detections: dict[str, ColumnDetection] = {}
        self._rows = self._nulls = self._empties = self._unreadable = 0
        self._distinct = DistinctSketch()
        self._numbers: dict[str, Any] | None = None
        self._times: dict[str, Any] | None = None
        self._lengths: dict[str, Any] | None = None
        self._traits = TraitSample()
        self.texts = ValueSample(SAMPLE, shortened)
        self._shapes = ShapeBook(hashing, max(_LEAST_SHAPES, min(REMEMBERED, _SHAPES // columns)))

    def add(self, array: pa.Array) -> None:
        """Looks at the values of one batch."""
        values = values_of(array, self._rules.spec.text_limit, self._hashing)
        self.kind = values.kind if self.kind == "unknown" else self.kind
        self._rows += values.rows
        self._nulls += values.nulls
        self._empties += values.empties
        self._unreadable += values.unreadable
        self.bytes += values.bytes
        if not len(values.distinct):
            return
        hashes = self._hashing.registers_of(values.distinct) if values.hashes is None else values.hashes
        self._distinct.add(values.distinct, hashes, self._hashing)
        if values.kind in TEXT_KINDS or values.kind in ("integer", "number"):
            self._traits.add(values.distinct, hashes)
        if values.kind in _PROSE_KINDS:
            self.texts.add(values.distinct, hashes)
        shapes = self._profile(values)
        if values.kind not in self._detections:
            plan = plan_column(self.name, values.kind, self._rules)
            self._detections[values.kind] = ColumnDetection(plan, self._hashing, self._columns)
        self._detections[values.kind].add(values, hashes, shapes)

    def _profile(self, values: Values) -> tuple[ShapeBook, Numbers] | None:
        """Takes the values into the profile; of texts gives the book of shapes and the number of each one's."""
        if values.kind in ("integer", "number"):
            floats = values.distinct.cast(pl.Float64).to_numpy()
            self._numbers = merge_numbers(self._numbers, number_buckets(floats, values.counts))
        elif values.kind in ("date", "timestamp"):
            self._times = merge_times(self._times, month_buckets(months_of(values.distinct), values.counts))
        elif values.kind in TEXT_KINDS and values.joined is not None:
            data, offsets = values.joined
            self._lengths = merge_lengths(self._lengths, _lengths(values, np.diff(offsets)))
            return self._shapes, self._shapes.add(data, offsets, values.counts)
        return None

    @property
    def recurrence(self) -> float:
        """How likely a value of another partition is to be among those seen, were all drawn evenly from one stock.

        Of n values drawn from a stock of n / x the share (1 - exp(-x)) / x differ, and they are 1 - exp(-x) of it.
        """
        values = self._rows - self._nulls - self._empties
        different = min(1.0, self._distinct.estimate()[0] / max(1, values))
        low, high = 0.0, 1e6
        for _ in range(60):
            x = (low + high) / 2
            low, high = (x, high) if -math.expm1(-x) > different * x else (low, x)
        return -math.expm1(-low)

    @property
    def is_prose(self) -> bool:
        """Whether its values are texts that people wrote."""
        return prose([text for _, text in self.texts.drawn()])

    def seconds(self) -> dict[str, float]:
        """Seconds spent in each detector."""
        total: dict[str, float] = {}
        for detection in self._detections.values():
            for detector, spent in detection.seconds.items():
                total[detector] = total.get(detector, 0.0) + spent
        return total

    def report(self, lexicon: Lexicon | None = None) -> ColumnReport:
        """The report of all batches so far."""
        for detection in self._detections.values():
            detection.finish()
        looked_at = self._rows - self._nulls - self._empties - self._unreadable
        counts = {
            detector: DetectorCounts(
                scanned=looked_at,
                matched=e.matched,
                whole=e.whole,
                validated=e.validated,
                distinct_matched=e.distinct_matched.encode(),
                distinct_validated=e.distinct_validated.encode(),
                examples=e.examples,
            )
            for detection in self._detections.values()
            for detector, e in detection.evidence.items()
        }
        return ColumnReport(
            name=self.name,
            type=self.kind,
            rows=self._rows,
            nulls=self._nulls,
            empties=self._empties,
            unreadable=self._unreadable,
            distinct=self._distinct.encode(),
            numbers=self._numbers,
            times=self._times,
            lengths=self._lengths,
            shapes=self._shapes.kept(),
            traits=self._traits.encode(lexicon),
            detectors=dict(sorted(counts.items())),
        )


def _lengths(values: Values, in_bytes: npt.NDArray[np.int64]) -> dict[str, Any]:
    assert values.joined is not None
    ascii_only = values.joined[0].max(initial=0) < _BEYOND_ASCII
    lengths = in_bytes if ascii_only else values.distinct.str.len_chars().cast(pl.Int64).to_numpy()
    return {
        "min": int(lengths.min()),
        "max": int(lengths.max()),
        "total": int(np.dot(lengths, values.counts)),
        "truncated": values.truncated,
    }
