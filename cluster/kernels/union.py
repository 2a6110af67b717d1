"""Which texts hold any of many gates: by a few automata, put together so that none of them has too many states."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from cluster.detectors.joined import Bytes, Offsets, joined_bytes
from cluster.kernels.automaton import Mask, Rows, automaton
from cluster.kernels.shape_regex import shape_regex
from cluster.kernels.shapes import TABLE

_SAMPLE: Final = 2_048
_STATES: Final = 192  # of a gate alone; what has more of them multiplies those of the others
_TOGETHER: Final = 16
# Bytes of which a shape says as much as the text but for which digit it was.
_SHOWN: Final = frozenset(byte for byte in range(128) if TABLE[byte] == byte or chr(byte).isdigit()) - set(b"aAd?")


@dataclass(frozen=True)
class Group:
    """Gates that are looked for at once. Whether a text holds one of them is told by its shape where it is `shown`."""

    gates: tuple[str, ...]
    shown: bool = False

    @cached_property
    def regex(self) -> str:
        """One regex for all of them."""
        return "|".join(f"(?:{gate})" for gate in self.gates)

    @cached_property
    def shapes(self) -> str:
        """The same for shapes; empty where any shape may pass."""
        found = [shape_regex(gate) for gate in self.gates]
        return "" if None in found else "|".join(dict.fromkeys(shape or "" for shape in found))

    def passing(self, shapes: pl.Series) -> Mask:
        """Which shapes a text may have that holds one of the gates."""
        return automaton(self.shapes).holds(*joined_bytes(shapes), np.arange(len(shapes)))


class Union:
    """Gates in groups. The first texts part those that lead to many states from the others; a group that has too many
    all the same is halved, unless shapes speak for it. What is found does not depend on the grouping."""

    def __init__(self, gates: tuple[str, ...]) -> None:
        self._gates = gates
        self.groups: tuple[Group, ...] = ()

    def prepare(self, data: Bytes, offsets: Offsets) -> None:
        """Groups the gates by what these texts are like, if they are not grouped yet."""
        if self.groups:
            return
        rows = np.arange(min(_SAMPLE, len(offsets) - 1))
        heavy: list[str] = []
        light: list[str] = []
        shown: list[str] = []
        for gate in self._gates:
            found = automaton(gate)
            found.holds(data, offsets, rows)
            kind = shown if found.only_of(_SHOWN) else heavy if found.states > _STATES else light
            kind.append(gate)
        light.sort(key=lambda gate: automaton(gate).states)
        self.groups = (
            *(Group(tuple(light[first : first + _TOGETHER])) for first in range(0, len(light), _TOGETHER)),
            *(Group((gate,)) for gate in heavy),
            *((Group(tuple(shown), shown=True),) if shown else ()),
        )

    def holding(self, group: Group, data: Bytes, offsets: Offsets, rows: Rows) -> Rows:
        """Those of the rows that hold a gate of the group."""
        found = automaton(group.regex)
        held = rows[found.holds(data, offsets, rows)] if len(rows) else rows
        if not (found.usable or group.shown) and len(group.gates) > 1 and group in self.groups:
            half = len(group.gates) // 2
            others = tuple(other for other in self.groups if other is not group)
            self.groups = (Group(group.gates[:half]), Group(group.gates[half:]), *others)
        return held
