"""Detectors over the distinct values of a batch: one prefilter for all, then each detector on what is left to it."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.detectors.patterns import EDGES
from cluster.kernels.plan import TEXT_KINDS, ColumnPlan, Probe
from cluster.kernels.sketch import DistinctSketch, Hashes, Hashing
from cluster.kernels.texts import Values

EXAMPLES = 3
_CACHE_LIMIT = 20_000
_PENDING_VALUES = 8_192
_PENDING_BYTES = 4 << 20

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass
class Evidence:
    """Counts of one detector on one column so far (see DetectorCounts)."""

    matched: int = 0
    whole: int = 0
    validated: int = 0
    distinct_matched: DistinctSketch = field(default_factory=DistinctSketch)
    distinct_validated: DistinctSketch = field(default_factory=DistinctSketch)
    examples: tuple[str, ...] = ()


class ColumnDetection:
    """Collects the evidence of a column, batch by batch.

    What passes the prefilter is put aside until there is enough of it: some sixty regexes on a handful of values cost
    more in compiling them than in matching. Call `finish` before reading `evidence`.
    """

    def __init__(self, plan: ColumnPlan, hashing: Hashing) -> None:
        self._plan = plan
        self._hashing = hashing
        self._verdicts: dict[str, dict[str, bool]] = defaultdict(dict)
        self._pending: list[_View] = []
        self._pending_bytes = 0
        self.evidence: dict[str, Evidence] = defaultdict(Evidence)
        self.seconds: dict[str, float] = defaultdict(float)

    def add(self, values: Values, hashes: Hashes) -> None:
        """Looks at the distinct values of a batch; `hashes` are theirs, in order."""
        if not len(values.distinct):
            return
        view = _View(values.distinct, values.counts.cast(pl.Int64).to_numpy(), hashes)
        if values.kind in TEXT_KINDS:
            self._texts(view)
        elif values.kind in ("integer", "number"):
            self._numbers(view, values.kind)
        elif values.kind in ("date", "timestamp"):
            self._dates(view)
        else:
            self._named(view, lambda probe: (view, view.values.cast(pl.String)))

    def _texts(self, view: "_View") -> None:
        self._named(view, lambda probe: (view, view.values))
        if self._plan.union is None:
            return
        self._put_aside(view.where(view.values.str.contains(self._plan.union)))

    def _put_aside(self, residue: "_View") -> None:
        if not len(residue.values):
            return
        self._pending.append(residue)
        self._pending_bytes += int(residue.values.estimated_size())
        if self._pending_bytes > _PENDING_BYTES or sum(len(v.values) for v in self._pending) > _PENDING_VALUES:
            self.finish()

    def finish(self) -> None:
        """Works off what was put aside."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        if pending:
            self._open(_joined(pending))

    def _open(self, residue: "_View") -> None:
        for probe in self._plan.claiming:
            if not len(residue.values):
                return
            started = time.perf_counter()
            claimed = residue.values.str.contains(probe.whole)
            if claimed.any():
                if probe.reported:
                    self._record_whole(probe, residue.where(claimed))
                residue = residue.where(~claimed)
            self.seconds[probe.detector.id] += time.perf_counter() - started
        for union, probes in self._plan.groups:
            passing = residue.where(residue.values.str.contains(union)) if len(residue.values) else residue
            gates: dict[str, _View] = {}
            for probe in probes if len(passing.values) else ():
                started = time.perf_counter()
                gate = probe.detector.gate or ""
                if gate not in gates:
                    gates[gate] = passing.where(passing.values.str.contains(gate))
                self._match(probe, gates[gate])
                self.seconds[probe.detector.id] += time.perf_counter() - started

    def _match(self, probe: Probe, view: "_View") -> None:
        if not len(view.values):
            return
        if not probe.detector.claims:
            whole = view.values.str.contains(probe.whole)
            if whole.any():
                self._record_whole(probe, view.where(whole))
                view = view.where(~whole)
        if probe.embedded and len(view.values):
            holds = view.values.str.contains(probe.embedded)
            if holds.any():
                self._record_embedded(probe, view.where(holds))

    def _named(self, view: "_View", texts_for: Callable[[Probe], "tuple[_View, pl.Series]"]) -> None:
        for probe in self._plan.named:
            if probe.detector.pattern is None:
                continue
            started = time.perf_counter()
            origin, texts = texts_for(probe)
            whole = texts.str.contains(probe.whole)
            if whole.any():
                self._record_whole(probe, origin.where(whole), texts.filter(whole))
            self.seconds[probe.detector.id] += time.perf_counter() - started

    def _numbers(self, view: "_View", kind: str) -> None:
        for probe in (*self._plan.named, *self._plan.open):
            bounds = probe.detector.range
            if bounds is not None:
                inside = view.values.is_between(bounds[0], bounds[1])
                if inside.any():
                    self._record(probe, view.where(inside), whole=True)
        whole_numbers = view if kind == "integer" else view.where(_integral(view.values))
        digits = whole_numbers.values.cast(pl.Int64, strict=False) if kind == "number" else whole_numbers.values
        digits = digits.cast(pl.String)
        as_floats = view.values.cast(pl.String)

        def texts_for(probe: Probe) -> "tuple[_View, pl.Series]":
            if kind == "number" and "number" in probe.detector.types:
                return view, as_floats
            pad = probe.detector.zero_pad
            return whole_numbers, digits.str.zfill(pad) if pad else digits

        self._named(view, texts_for)
        if self._plan.union is not None and len(digits):
            texts = _View(digits, whole_numbers.counts, whole_numbers.hashes)
            self._put_aside(texts.where(digits.str.contains(self._plan.union)))

    def _dates(self, view: "_View") -> None:
        years = view.values.dt.year()
        for probe in (*self._plan.named, *self._plan.open):
            span = probe.detector.years
            if span is not None:
                inside = years.is_between(span[0], span[1])
                if inside.any():
                    self._record(probe, view.where(inside), whole=True)

    def _record_whole(self, probe: Probe, view: "_View", texts: pl.Series | None = None) -> None:
        valid = None
        if probe.check is not None:
            wanted = (view.values if texts is None else texts).to_list()
            valid = np.fromiter((self._holds(probe, t) for t in wanted), dtype=np.bool_, count=len(wanted))
        self._record(probe, view, whole=True, valid=valid)

    def _record_embedded(self, probe: Probe, view: "_View") -> None:
        valid = None
        if probe.check is not None:
            found = view.values.str.extract_all(probe.embedded).to_list()
            valid = np.fromiter(
                (any(self._holds(probe, match) for match in matches) for matches in found),
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

    def _record(self, probe: Probe, view: "_View", *, whole: bool, valid: Mask | None = None) -> None:
        evidence = self.evidence[probe.detector.id]
        rows = int(view.counts.sum())
        evidence.matched += rows
        evidence.whole += rows if whole else 0
        evidence.distinct_matched.add(view.values, view.hashes, self._hashing)
        good = view if valid is None else view.where(pl.Series(valid))
        if len(good.values):
            evidence.validated += int(good.counts.sum())
            evidence.distinct_validated.add(good.values, good.hashes, self._hashing)
            evidence.examples = keep_examples((*evidence.examples, *_examples(good, self._hashing)))


@dataclass(frozen=True)
class _View:
    """Some of the distinct values, each with its count and hash."""

    values: pl.Series
    counts: npt.NDArray[np.int64]
    hashes: Hashes

    def where(self, mask: pl.Series) -> "_View":
        chosen = mask.fill_null(value=False).to_numpy()
        return _View(self.values.filter(mask), self.counts[chosen], self.hashes[chosen])


def _joined(views: list[_View]) -> _View:
    if len(views) == 1:
        return views[0]
    return _View(
        pl.concat([view.values for view in views]),
        np.concatenate([view.counts for view in views]),
        np.concatenate([view.hashes for view in views]),
    )


def _integral(values: pl.Series) -> pl.Series:
    return (values == values.floor()) & (values.abs() < 2.0**53)


def _examples(view: _View, hashing: Hashing) -> list[str]:
    # The first 16 bits of the fast hash choose, so that not every match has to be hashed with BLAKE2b.
    lead = (view.hashes >> np.uint64(48)).astype(np.int64)
    # Values of several batches may repeat, and several may share a lead: `keep_examples` settles both.
    places = np.flatnonzero(lead <= np.unique(lead)[:EXAMPLES][-1])
    texts = view.values.gather(places.tolist()).to_list()
    return [f"{lead[p]:04x}{hashing.keyed(str(t)).hex()}" for p, t in zip(places, texts, strict=True)]


def keep_examples(examples: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest three: the same three, however the values were spread over partitions."""
    return tuple(sorted(set(examples))[:EXAMPLES])
