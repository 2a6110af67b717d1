"""What a column leaves to the detectors that run on every column, put aside until there is enough of it."""

import numpy as np
import polars as pl

from cluster.detectors.joined import joined_bytes, texts_of
from cluster.kernels.candidates import Candidates, joined_candidates
from cluster.kernels.evidence import Mask, View, held, held_among, joined_views
from cluster.kernels.plan import ColumnPlan, Probe
from cluster.kernels.screens import Traits
from cluster.kernels.shape_book import NO_SHAPE, Numbers, ShapeBook

_VALUES = 65_536, 1 << 20, 2_048  # at most for a column, for all of a table together, and at least for a column
_BYTES = 8 << 20, 64 << 20, 128 << 10
_ONE_BY_ONE = 2
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
        self._passing = np.zeros(0, dtype=np.bool_)
        self._book: ShapeBook | None = None
        self._held = 0.0
        self._batches = 0

    def add(self, view: View, shapes: tuple[ShapeBook, Numbers] | None) -> bool:
        """Puts aside what may match of these values; whether that makes enough to work off.

        The numbers are those of the values' shapes in the book, which is to be the same one each time.
        """
        if shapes is None:
            return self._put_aside(None, self._worth_a_look(view))
        self._book, numbers = shapes
        if len(self._book) > len(self._passing):
            more = self._book.texts(len(self._passing))
            self._passing = np.concatenate([self._passing, self._plan.shapes.passing(more)])
        # The last one is that of values without a shape, which have the number -1.
        some = np.append(self._passing, True)[numbers]
        shaped = numbers != NO_SHAPE
        if shaped.all():
            return self._put_aside(self._shaped(view, numbers, some), None)
        return self._put_aside(self._shaped(view, numbers, some & shaped), self._worth_a_look(view.where(~shaped)))

    def _shaped(self, view: View, numbers: Numbers, chosen: Mask) -> tuple[View, Numbers]:
        view, numbers = view.where(chosen), numbers[chosen]
        # Where the last ones mostly held, another look at all is not worth its while but now and then.
        if len(numbers) and (self._held < _MOSTLY or self._batches % _LOOK_AGAIN == 0):
            hits = held(view.values, self._plan.union or "")
            self._held = float(hits.mean())
            view, numbers = view.where(hits), numbers[hits]
        self._batches += 1
        return view, numbers

    def _worth_a_look(self, view: View) -> View:
        """Those that hold what a pattern needs, of values without a shape."""
        together = self._plan.screen.together(*joined_bytes(view.values))
        if not self._plan.screen.able(together):
            return view.where(np.zeros(len(view.values), dtype=np.bool_))
        return view.where(held(view.values, self._plan.union or ""))

    def _put_aside(self, shaped: tuple[View, Numbers] | None, shapeless: View | None) -> bool:
        if shaped is not None and len(shaped[1]):
            self._pending.append((self._own(shaped[0]), shaped[1]))
        if shapeless is not None and len(shapeless.values):
            self._shapeless.append(self._own(shapeless))
        return self._bytes > self._most_bytes or self._values > self._most_values

    def _own(self, view: View) -> View:
        # A few texts of a batch would otherwise hold on to the bytes of all of it.
        data, offsets = joined_bytes(view.values)
        self._values += len(view.values)
        self._bytes += len(data)
        return View(texts_of(data.copy(), offsets), view.counts, view.hashes)

    def taken(self) -> Candidates | None:
        """All that was put aside, with the probes that have to look at each value; None if there is nothing."""
        pending, shapeless = self._pending, self._shapeless
        self._pending, self._shapeless, self._values, self._bytes = [], [], 0, 0
        found = [self._gated(joined_views(shapeless))] if shapeless else []
        if pending and self._book is not None:
            used, places = np.unique(np.concatenate([numbers for _, numbers in pending]), return_inverse=True)
            bits = self._plan.shapes.bits_of(self._book.texts().gather(pl.Series(used)).to_list())
            found.append(Candidates(joined_views([view for view, _ in pending]), bits[places]))
        return joined_candidates(found) if found else None

    def _gated(self, residue: View) -> Candidates:
        """Which probes have to look at values without a shape: told from their bytes, and then by the gates."""
        screen = self._plan.screen
        traits = screen.traits(residue.values)
        able = screen.able(traits.together())
        masks: list[Mask | None] = [
            self._screened(probe, traits) if probe.detector.pattern in able else None for probe in self._plan.claiming
        ]
        for union, probes in self._plan.groups:
            screened = [self._screened(p, traits) if p.detector.pattern in able else None for p in probes]
            some = [mask for mask in screened if mask is not None]
            if len(some) > _ONE_BY_ONE:
                hits = held_among(residue.values, union, np.logical_or.reduce(some))
                screened = [None if mask is None else mask & hits for mask in screened]
            for probe, mask in zip(probes, screened, strict=True):
                masks.append(None if mask is None else held_among(residue.values, probe.detector.gate or "", mask))
        return Candidates(residue, self._plan.shapes.each(masks, len(residue.values)))

    def _screened(self, probe: Probe, traits: Traits) -> Mask:
        return self._plan.screen.passing(probe.detector.pattern or "", traits)
