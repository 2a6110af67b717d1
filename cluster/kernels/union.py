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

_STATES: Final = 192  # of a gate alone; what has more of them multiplies those of the others
_TOGETHER: Final = 16
_FEW: Final = 8
_ALPHABETS: Final = ("09", "09AZ", "09af", "09azAZ", "AZ", "az", "09azAZ__--", "09..--  ", "09azAZ  ,,", "az09@@..--")
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
    def shapes(self) -> tuple[str, ...]:
        """Regexes of which one holds of every shape that may pass, each for a few of the gates."""
        found = list(dict.fromkeys(shape_regex(gate) or "" for gate in self.gates))
        few = [found[first : first + _FEW] for first in range(0, len(found), _FEW)]
        return ("",) if "" in found else tuple("|".join(some) for some in few)

    def passing(self, shapes: pl.Series) -> Mask:
        """Which shapes a text may have that holds one of the gates."""
        joined = joined_bytes(shapes)
        passed = np.zeros(len(shapes), dtype=np.bool_)
        for regex in self.shapes:
            rows = np.flatnonzero(~passed)
            passed[rows] = automaton(regex).holds(*joined, rows)
        return passed


class Union:
    """Gates in groups. Those that lead to many states are parted from the others; a group that still has too many is
    halved, unless shapes speak for it. What is found does not depend on the grouping."""

    def __init__(self, gates: tuple[str, ...]) -> None:
        joined = joined_bytes(pl.Series(_trials()))
        rows = np.arange(len(joined[1]) - 1)
        heavy: list[str] = []
        light: list[str] = []
        shown: list[str] = []
        for gate in gates:
            found = automaton(gate)
            found.holds(*joined, rows)
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


def _trials() -> list[str]:
    """Texts that lead to as many states as texts do: of digits, letters of either case, and signs, in no order."""
    rng = np.random.default_rng(1)
    texts = []
    for spans in _ALPHABETS:
        ends = zip(spans[::2], spans[1::2], strict=True)
        signs = [chr(code) for low, high in ends for code in range(ord(low), ord(high) + 1)]
        texts += ["".join(rng.choice(signs, 48).tolist()) for _ in range(24)]
    return texts
