"""Detectors over the distinct values of a batch: one prefilter for all, then each detector on what is left to it."""

import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import polars as pl

from cluster.detectors.patterns import EDGES
from cluster.kernels.automaton import Rows
from cluster.kernels.candidates import Candidates
from cluster.kernels.evidence import Evidence, Mask, View, examples_of, keep_examples
from cluster.kernels.plan import TEXT_KINDS, ColumnPlan, Probe
from cluster.kernels.residue import Residue
from cluster.kernels.shape_book import Numbers, ShapeBook
from cluster.kernels.sketch import Hashes, Hashing
from cluster.kernels.texts import Values

_CACHE_LIMIT = 20_000
_WHOLE = 2**64


class ColumnDetection:
    """Collects the evidence of a column, batch by batch.

    What passes the prefilter is put aside until there is enough of it: some sixty regexes on a handful of values cost
    more in compiling them than in matching. Call `finish` before reading `evidence`.
    """

    def __init__(self, plan: ColumnPlan, hashing: Hashing, columns: int = 1) -> None:
        self._plan = plan
        self._hashing = hashing
        self._verdicts: dict[str, dict[str, bool]] = defaultdict(dict)
        self._residue = Residue(plan, columns)
        self._digits = ShapeBook(hashing)
        self.evidence: dict[str, Evidence] = defaultdict(Evidence)
        self.seconds: dict[str, float] = defaultdict(float)

    def add(self, values: Values, hashes: Hashes, shapes: "tuple[ShapeBook, Numbers] | None" = None) -> None:
        """Looks at the distinct values of a batch; `hashes` are theirs, in order, and so are the numbers of their
        shapes in the column's book, which is to be the same one each time."""
        if not len(values.distinct):
            return
        view = View(values.distinct, values.counts, hashes, values.joined)
        if values.kind in TEXT_KINDS:
            self._named(view, lambda probe: (view, view))
            if self._plan.union is not None:
                self._texts(view, shapes)
        elif values.kind in ("integer", "number"):
            self._numbers(view, values.kind)
        elif values.kind in ("date", "timestamp"):
            self._dates(view)
        elif self._plan.named:
            texts = View(view.values.cast(pl.String), view.counts, view.hashes)
            self._named(view, lambda probe: (view, texts))

    def _texts(self, view: View, shapes: "tuple[ShapeBook, Numbers] | None") -> None:
        if self._residue.add(view, shapes):
            self.finish()

    def finish(self) -> None:
        """Works off what was put aside."""
        left = self._residue.taken()
        if left is not None:
            self._open(left)

    def _open(self, left: Candidates) -> None:
        view, alive = left.view, np.ones(len(left.view.counts), dtype=np.bool_)
        for place, probe in enumerate(self._plan.claiming):
            rows = left.of(place)
            if not len(rows):
                continue
            started = time.perf_counter()
            claimed = view.holding(probe.whole, rows[alive[rows]])
            if probe.reported:
                claimed = view.holding(probe.detector.gate or "", claimed)
                self._record_whole(probe, view.at(claimed))
            alive[claimed] = False
            self.seconds[probe.detector.id] += time.perf_counter() - started
        for place, probe in enumerate(self._plan.matching, len(self._plan.claiming)):
            rows = left.of(place)
            if len(rows):
                started = time.perf_counter()
                self._match(probe, view, rows[alive[rows]])
                self.seconds[probe.detector.id] += time.perf_counter() - started

    def _match(self, probe: Probe, view: View, rows: Rows) -> None:
        gate = probe.detector.gate or ""
        if not probe.detector.claims:
            whole = view.holding(gate, view.holding(probe.whole, rows))
            self._record_whole(probe, view.at(whole))
            rows = rows if not len(whole) else rows[~np.isin(rows, whole, assume_unique=True)]
        if probe.embedded:
            rows = view.holding(gate, view.holding(probe.embedded, rows))
            self._record_embedded(probe, view.at(rows))

    def _named(self, view: View, texts_for: Callable[[Probe], "tuple[View, View]"]) -> None:
        for probe in self._plan.named:
            if probe.detector.pattern is None:
                continue
            started = time.perf_counter()
            origin, texts = texts_for(probe)
            whole = texts.holding(probe.whole, texts.rows)
            self._record_whole(probe, origin.at(whole), texts.at(whole))
            self.seconds[probe.detector.id] += time.perf_counter() - started

    def _numbers(self, view: View, kind: str) -> None:
        self._ranges(view)
        screen = self._plan.screen
        read = any(probe.detector.pattern is not None for probe in self._plan.named)
        # Most numbers are too short for any pattern that runs on every column: they need not become text.
        matched = self._plan.union is not None and bool(screen.able(screen.whole_numbers(_longest(view.values))))
        if not read and not matched:
            return
        origin = view if kind == "integer" else view.at(np.flatnonzero(_integral(view.values).to_numpy()))
        whole = origin.values.cast(pl.Int64, strict=False) if kind == "number" else origin.values
        digits = View(whole.cast(pl.String), origin.counts, origin.hashes)

        def texts_for(probe: Probe) -> "tuple[View, View]":
            if kind == "number" and "number" in probe.detector.types:
                return view, View(view.values.cast(pl.String), view.counts, view.hashes)
            pad = probe.detector.zero_pad
            return origin, View(digits.values.str.zfill(pad), digits.counts, digits.hashes) if pad else digits

        self._named(view, texts_for)
        if matched and self._plan.union is not None and len(digits.values):
            self._texts(digits, (self._digits, self._digits.add(*digits.joined, digits.counts)))

    def _ranges(self, view: View) -> None:
        for probe in (*self._plan.named, *self._plan.open):
            bounds = probe.detector.range
            if bounds is not None:
                inside = view.values.is_between(bounds[0], bounds[1]).to_numpy()
                if inside.any():
                    self._record(probe, view.at(np.flatnonzero(inside)), whole=True)

    def _dates(self, view: View) -> None:
        years = view.values.dt.year()
        for probe in (*self._plan.named, *self._plan.open):
            span = probe.detector.years
            if span is not None:
                inside = years.is_between(span[0], span[1]).fill_null(value=False).to_numpy()
                if inside.any():
                    self._record(probe, view.at(np.flatnonzero(inside)), whole=True)

    def _record_whole(self, probe: Probe, view: View, texts: View | None = None) -> None:
        if not len(view):
            return
        wanted = view if texts is None else texts
        valid: Mask | None = None
        if probe.check_all is not None:
            valid = probe.check_all(wanted.values)
        elif probe.check is not None:
            valid = np.fromiter((self._holds(probe, t) for t in wanted.to_list()), dtype=np.bool_, count=len(wanted))
        self._record(probe, view, whole=True, valid=valid)

    def _record_embedded(self, probe: Probe, view: View) -> None:
        if not len(view):
            return
        if probe.check is None:
            self._record(probe, view, whole=False)
            return
        found = view.values.str.extract_all(probe.embedded)
        if probe.check_all is not None:
            holds = probe.check_all(found.explode(empty_as_null=False))
            # Each value here holds a match, so that no list is empty.
            starts = np.concatenate([[0], np.cumsum(found.list.len().to_numpy())[:-1]]).astype(np.int64)
            valid = np.logical_or.reduceat(holds, starts)
        else:
            valid = np.fromiter(
                (any(self._holds(probe, match) for match in matches) for matches in found.to_list()),
                dtype=np.bool_,
                count=len(found),
            )
        self._record(probe, view, whole=False, valid=valid)

    def _holds(self, probe: Probe, text: str) -> bool:
        known = self._verdicts[probe.detector.id]
        verdict = known.get(text)
        if verdict is None:
            assert probe.check is not None
            verdict = probe.check(text.strip(EDGES))
            if len(known) >= _CACHE_LIMIT:
                known.clear()
            known[text] = verdict
        return verdict

    def _record(self, probe: Probe, view: View, *, whole: bool, valid: Mask | None = None) -> None:
        evidence = self.evidence[probe.detector.id]
        rows = int(view.counts.sum())
        evidence.matched += rows
        evidence.whole += rows if whole else 0
        evidence.distinct_matched.add(view, view.hashes, self._hashing)
        good = view if valid is None or valid.all() else view.at(np.flatnonzero(valid))
        if len(good):
            evidence.validated += int(good.counts.sum())
            evidence.distinct_validated.add(good, good.hashes, self._hashing)
            known = evidence.examples
            evidence.examples = keep_examples((*known, *examples_of(good, self._hashing, known)))


def _longest(numbers: pl.Series) -> int:
    """The most characters that a whole one of these numbers takes as text."""
    low, high = numbers.min(), numbers.max()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    return max(len(str(int(max(-_WHOLE, min(_WHOLE, bound))))) for bound in (low, high))


def _integral(values: pl.Series) -> pl.Series:
    return (values == values.floor()) & (values.abs() < 2.0**53)
