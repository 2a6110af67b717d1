"""What a column leaves to the detectors that run on every column, put aside until there is enough of it."""

import numpy as np

from cluster.detectors.joined import texts_of
from cluster.kernels.automaton import Rows
from cluster.kernels.candidates import Candidates, joined_candidates
from cluster.kernels.evidence import Mask, View, joined_views
from cluster.kernels.plan import ColumnPlan, Probe
from cluster.kernels.screens import Traits
from cluster.kernels.shape_book import NO_SHAPE, Numbers, ShapeBook
from cluster.kernels.union import Group, Union

_VALUES = 65_536, 1 << 20, 2_048  # at most for a column, for all of a table together, and at least for a column
_BYTES = 8 << 20, 64 << 20, 128 << 10
_MOSTLY = 0.6
_LOOK_AGAIN = 8


class Residue:
    """The values of a column that some pattern of its plan may match.

    They are put aside over several batches: dozens of regexes on a handful of values cost more in compiling them than
    in matching. A value with a shape is let through by its shape; one without, by its bytes and the gates. The more
    columns there are beside this one, the less of it is put aside.
    """

    def __init__(self, plan: ColumnPlan, columns: int = 1) -> None:
        self._plan = plan
        self._most_values = max(_VALUES[2], min(_VALUES[0], _VALUES[1] // columns))
        self._most_bytes = max(_BYTES[2], min(_BYTES[0], _BYTES[1] // columns))
        self._pending: list[tuple[View, Numbers]] = []
        self._shapeless: list[View] = []
        self._values = self._bytes = 0
        self._groups: tuple[Group, ...] = ()
        self._known: list[Mask] = []
        self._book: ShapeBook | None = None
        self._held = 0.0
        self._batches = 0

    def add(self, view: View, shapes: tuple[ShapeBook, Numbers] | None) -> bool:
        """Puts aside what may match of these values; whether that makes enough to work off.

        The numbers are those of the values' shapes in the book, which is to be the same one each time.
        """
        union = self._plan.union
        if union is None:
            return False
        if shapes is None:
            return self._put_aside(None, view.at(self._holding(union, view, np.ones(len(view.counts), dtype=np.bool_))))
        self._book, numbers = shapes
        return self._put_aside(
            self._shaped(union, view, numbers), view.at(self._holding(union, view, numbers == NO_SHAPE))
        )

    def _shaped(self, union: Union, view: View, numbers: Numbers) -> tuple[View, Numbers]:
        """Those that may match by their shape, and mostly by their bytes too."""
        passing = [np.append(mask, False)[numbers] for mask in self._passing(union)]
        some = np.logical_or.reduce(passing)
        rows = np.flatnonzero(some)
        # Where the last ones mostly held, another look at all is not worth its while but now and then.
        if len(rows) and (self._held < _MOSTLY or self._batches % _LOOK_AGAIN == 0):
            hits = self._holding(union, view, *passing)
            self._held = len(hits) / len(rows)
            rows = hits
        self._batches += 1
        return view.at(rows), numbers[rows]

    def _passing(self, union: Union) -> list[Mask]:
        """For each group of gates which of the book's shapes may hold one."""
        assert self._book is not None
        if self._groups is not union.groups:
            self._groups, self._known = union.groups, [np.zeros(0, dtype=np.bool_) for _ in union.groups]
        if len(self._book) > len(self._known[0]):
            more = self._book.texts(len(self._known[0]))
            masks = zip(self._known, self._groups, strict=True)
            self._known = [np.concatenate([mask, group.passing(more)]) for mask, group in masks]
        return self._known

    def _holding(self, union: Union, view: View, *among: Mask) -> Rows:
        """Those that hold a gate: of each group of gates among the values given for it, or for all groups together.

        Values given by group are those that their shapes let through.
        """
        held = np.zeros(len(view.counts), dtype=np.bool_)
        for place, group in enumerate(union.groups):
            rows = np.flatnonzero(among[min(place, len(among) - 1)] & ~held)
            if not group.shown or len(among) == 1:
                rows = union.holding(group, *view.joined, rows)
            held[rows] = True
        return np.flatnonzero(held)

    def _put_aside(self, shaped: tuple[View, Numbers] | None, shapeless: View) -> bool:
        if shaped is not None and len(shaped[1]):
            self._pending.append((self._own(shaped[0]), shaped[1]))
        if len(shapeless.values):
            self._shapeless.append(self._own(shapeless))
        return self._bytes > self._most_bytes or self._values > self._most_values

    def _own(self, view: View) -> View:
        # A few texts of a batch would otherwise hold on to the bytes of all of it.
        data, offsets = view.joined
        self._values += len(view.values)
        self._bytes += len(data)
        data = data.copy()
        return View(texts_of(data, offsets), view.counts, view.hashes, (data, offsets))

    def taken(self) -> Candidates | None:
        """All that was put aside, with the probes that have to look at each value; None if there is nothing."""
        pending, shapeless = self._pending, self._shapeless
        self._pending, self._shapeless, self._values, self._bytes = [], [], 0, 0
        found = [self._gated(joined_views(shapeless))] if shapeless else []
        if pending and self._book is not None:
            numbers = np.concatenate([numbers for _, numbers in pending])
            places = np.zeros(len(self._book), dtype=np.int64)
            places[numbers] = 1
            used = np.flatnonzero(places)
            places[used] = np.arange(len(used))
            bits = self._plan.shapes.bits_of(self._book.texts().gather(used).to_list())
            found.append(Candidates(joined_views([view for view, _ in pending]), bits[places[numbers]]))
        return joined_candidates(found) if found else None

    def _gated(self, residue: View) -> Candidates:
        """Which probes have to look at values without a shape: told from their bytes, and then by the gates."""
        screen = self._plan.screen
        traits = screen.traits(residue.values)
        able = screen.able(traits.together())
        rows = [self._screened(probe, traits, able) for probe in self._plan.claiming]
        rows += [
            residue.holding(probe.detector.gate or "", self._screened(probe, traits, able))
            for probe in self._plan.matching
        ]
        return Candidates(residue, self._plan.shapes.each(rows, len(residue.values)))

    def _screened(self, probe: Probe, traits: Traits, able: frozenset[str]) -> Rows:
        pattern = probe.detector.pattern or ""
        return np.flatnonzero(self._plan.screen.passing(pattern, traits)) if pattern in able else np.arange(0)
