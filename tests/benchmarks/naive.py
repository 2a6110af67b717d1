"""The full pass: every detector's whole pattern and its validator on every value of every column, row by row.

No distinct values, no gates, no unions, no shapes, no cache: polars runs each regex over each column, as a pipeline
does that applies a list of rules. What it finds is what a scan has to find. It is spared two things that a scan does:
profiles, and sketches of the columns themselves; detectors that need a column's name run only where the name fits.
"""

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.types as pt

from cluster.detectors.compile import CompiledRules
from cluster.detectors.patterns import EDGES
from cluster.kernels.evidence import Evidence, View, examples_of, keep_examples
from cluster.kernels.plan import TEXT_KINDS, Probe, plan_column
from cluster.kernels.report import ClassEvidence
from cluster.kernels.sketch import Hashing
from cluster.kernels.texts import logical_type, values_of

Found = dict[str, dict[str, Evidence]]
"""By column and detector."""
EXAMPLE_LEAD = 4
_EXACT = 2.0**53  # above this a float is no whole number for sure


def full_pass(batches: Iterable[pa.RecordBatch], rules: CompiledRules, hashing: Hashing, found: Found) -> None:
    """Adds to `found` what the detectors find in the batches."""
    for batch in batches:
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            column = _Column(name, array, rules, hashing, found.setdefault(name, {}))
            column.look()


def class_evidence(
    detector: str, found: Evidence, scanned: int, distinct: int, like: ClassEvidence | None
) -> ClassEvidence:
    """What was found as the evidence of a census has it; what is no count is that of `like`, of the same detector."""
    share = found.validated / scanned if scanned else 0.0
    return ClassEvidence(
        detector=detector, data_class=like.data_class if like else "", chance=like.chance if like else 1.0,
        scanned=scanned, distinct=distinct, matched=found.matched, whole=found.whole, validated=found.validated,
        distinct_matched=min(found.distinct_matched.estimate()[0], found.matched),
        distinct_validated=min(found.distinct_validated.estimate()[0], found.validated),
        prevalence=share, low=share, high=share, missed_at_most=0,
        examples=tuple(example[EXAMPLE_LEAD:] for example in found.examples),
    )  # fmt: skip


class _Column:
    def __init__(
        self, name: str, array: pa.Array, rules: CompiledRules, hashing: Hashing, found: dict[str, Evidence]
    ) -> None:
        self._kind = logical_type(array.type)
        self._plan = plan_column(name, self._kind, rules)
        self._hashing, self._found = hashing, found
        self._values = _rows(array, rules.spec.text_limit, hashing)

    def look(self) -> None:
        """Runs all detectors."""
        if self._kind in TEXT_KINDS:
            self._by_name(lambda _: (self._values, self._values))
            self._by_pattern(self._values, self._values)
        elif self._kind in ("integer", "number"):
            self._of_numbers()
        elif self._kind in ("date", "timestamp"):
            years = self._values.dt.year()
            for probe in (*self._plan.named, *self._plan.open):
                if probe.detector.years is not None:
                    self._record(probe, self._values.filter(years.is_between(*probe.detector.years)), whole=True)
        else:
            self._by_name(lambda _: (self._values, self._values.cast(pl.String)))

    def _of_numbers(self) -> None:
        values = self._values
        for probe in (*self._plan.named, *self._plan.open):
            if probe.detector.range is not None:
                self._record(probe, values.filter(values.is_between(*probe.detector.range)), whole=True)
        if self._kind == "number":
            values = values.filter((values == values.floor()) & (values.abs() < _EXACT))
        digits = (values.cast(pl.Int64, strict=False) if self._kind == "number" else values).cast(pl.String)

        def texts_for(probe: Probe) -> tuple[pl.Series, pl.Series]:
            if self._kind == "number" and "number" in probe.detector.types:
                return self._values, self._values.cast(pl.String)
            pad = probe.detector.zero_pad
            return values, digits.str.zfill(pad) if pad else digits

        self._by_name(texts_for)
        self._by_pattern(values, digits)

    def _by_name(self, texts_for: Callable[[Probe], tuple[pl.Series, pl.Series]]) -> None:
        for probe in self._plan.named:
            if probe.detector.pattern is not None:
                values, texts = texts_for(probe)
                holds = texts.str.contains(probe.whole)
                self._record(probe, values.filter(holds), whole=True, texts=texts.filter(holds))

    def _by_pattern(self, values: pl.Series, texts: pl.Series) -> None:
        claimed = pl.repeat(False, len(texts), dtype=pl.Boolean, eager=True)
        for probe in self._plan.claiming:
            holds = texts.str.contains(probe.whole)
            if probe.reported:
                self._record(probe, values.filter(holds), whole=True, texts=texts.filter(holds))
            claimed = claimed | holds
        for probe in self._plan.matching:
            # Every pattern sees every value; what is claimed counts for none of them.
            whole = texts.str.contains(probe.whole) & ~claimed
            if not probe.detector.claims:
                self._record(probe, values.filter(whole), whole=True, texts=texts.filter(whole))
            if probe.embedded:
                holds = texts.str.contains(probe.embedded) & ~claimed & ~whole
                self._record(probe, values.filter(holds), whole=False, texts=texts.filter(holds))

    def _record(self, probe: Probe, values: pl.Series, *, whole: bool, texts: pl.Series | None = None) -> None:
        if not len(values):
            return
        texts = values if texts is None else texts
        good = values.filter(pl.Series(_valid(probe, texts, whole=whole))) if probe.check else values
        evidence = self._found.setdefault(probe.detector.id, Evidence())
        evidence.matched += len(values)
        evidence.whole += len(values) if whole else 0
        evidence.validated += len(good)
        for sketch, some in ((evidence.distinct_matched, values), (evidence.distinct_validated, good)):
            different = some.unique()
            sketch.add(different, self._hashing.registers_of(different), self._hashing)
        if len(good):
            view = View(good, np.ones(len(good), dtype=np.int64), self._hashing.registers_of(good))
            evidence.examples = keep_examples((*evidence.examples, *examples_of(view, self._hashing)))


def _valid(probe: Probe, texts: pl.Series, *, whole: bool) -> list[bool]:
    """Which of the texts hold a match that the validator takes."""
    assert probe.check is not None
    if whole:
        return probe.check_all(texts).tolist() if probe.check_all else [*map(_stripped(probe), texts)]
    matches = texts.str.extract_all(probe.embedded)
    if probe.check_all is None:
        check = _stripped(probe)
        return [any(map(check, some)) for some in matches]
    holds = probe.check_all(matches.explode())
    ends = np.cumsum(matches.list.len().to_numpy())
    return [bool(some.any()) for some in np.split(holds, ends[:-1])]


def _stripped(probe: Probe) -> Callable[[str], bool]:
    check = probe.check
    assert check is not None
    return lambda text: check(text.strip(EDGES))


def _rows(array: pa.Array, limit: int, hashing: Hashing) -> pl.Series:
    """The values that detectors look at, row by row: neither null, blank nor NaN, texts no longer than the limit."""
    if pt.is_string(array.type) or pt.is_large_string(array.type):
        texts = pl.Series(array).drop_nulls().str.head(limit)
        return texts.filter(texts.str.strip_chars(" \t\r\n\x00").str.len_bytes() > 0)
    if pt.is_integer(array.type) and not pt.is_uint64(array.type):
        return pl.Series(array).drop_nulls().cast(pl.Int64)
    values = values_of(
        array, limit, hashing
    )  # of rarer types the scan's own reading, with each value as often as it is
    return values.distinct.gather(np.repeat(np.arange(len(values.distinct)), values.counts))
