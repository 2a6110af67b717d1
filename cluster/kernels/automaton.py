"""Whether texts hold a regex: by a deterministic automaton of which only those states are made that texts lead to.

One look at a table a byte, for any number of alternatives. The answers are those of polars' `str.contains`, which is
asked where an automaton is not to be had: for syntax that is not understood, and where there would be too many states.
"""

from functools import lru_cache
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt

from cluster.detectors.joined import Bytes, Offsets, texts_of
from cluster.kernels.automaton_loop import DEAD, FOUND, START, UNKNOWN, run
from cluster.kernels.automaton_nodes import MATCH, Nodes, TooManyStates
from cluster.kernels.automaton_syntax import NotUnderstood, Reader

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MOST_STATES: Final = 4_096
_MOST_WORK: Final = 1_000_000  # states of the regex that were looked at: a quarter of a second or so
_AT_FIRST: Final = 32


class Automaton:
    """A regex, ready to be run over texts; grows while it runs. It is `usable` until it has to be left to polars."""

    def __init__(self, regex: str) -> None:
        self._regex = regex
        self.usable = True
        self._lock = Lock()  # threads may run it at once
        self._sets = [0] * START
        nodes = Nodes()
        try:
            entry = Reader(regex, nodes).read()(MATCH)
        except (NotUnderstood, TooManyStates, RecursionError):
            self.usable = False
            return
        self._nfa = _Positions(nodes, entry)
        self._classes, self._width = self._nfa.classes, self._nfa.width
        self._table = np.full(_AT_FIRST * self._width, UNKNOWN, dtype=np.uint32)
        self._ends = np.zeros(_AT_FIRST, dtype=np.bool_)
        # The start is a state of its own: at the begin of a text more may hold than where a search goes on.
        first = self._nfa.closed(1 << entry, begin=True)
        self._numbers = {0: DEAD}
        self._append(first)
        self._ends[START] = bool(self._nfa.closed(1 << entry, begin=True, end=True) & 1)
        self._empty = bool(first & 1)

    def holds(self, data: Bytes, offsets: Offsets, rows: Rows) -> Mask:
        """Which of the texts at these rows of `joined_bytes` hold the regex."""
        if self.usable and not self._empty:
            flags = np.empty(len(rows), dtype=np.bool_)
            missing = np.zeros(1, dtype=np.int64)
            done = 0
            while self.usable:
                done = run(
                    data, offsets, rows, done, self._table, self._classes, self._width, self._ends, flags, missing
                )
                if done == len(rows):
                    return flags
                with self._lock:
                    self._learn(int(missing[0]))
        if self.usable:
            return np.ones(len(rows), dtype=np.bool_)
        return texts_of(data, offsets).gather(rows).str.contains(self._regex).to_numpy()

    @property
    def states(self) -> int:
        """How many states were made so far."""
        return len(self._sets)

    def only_of(self, signs: frozenset[int]) -> bool:
        """Whether all that the regex matches is of these bytes."""
        return self.usable and self._nfa.alphabet() <= signs

    def _learn(self, entry: int) -> None:
        state, byte_class = divmod(entry, self._width)
        after = self._nfa.step(self._sets[state], byte_class)
        number = FOUND if after & 1 else self._numbers.get(after)
        if number is None:
            number = self._numbers[after] = self._append(after)
            self._ends[number] = bool(after & self._nfa.ending)
        self._table[entry] = number * self._width
        if len(self._sets) > _MOST_STATES or self._nfa.work > _MOST_WORK:
            self.usable = False

    def _append(self, positions: int) -> int:
        self._sets.append(positions)
        if len(self._sets) > len(self._ends):
            self._ends = np.concatenate([self._ends, np.zeros_like(self._ends)])
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
        return len(self._sets) - 1


class _Positions:
    """Sets of states of a regex as bits of a number, and the set that comes after one."""

    def __init__(self, nodes: Nodes, entry: int) -> None:
        self._states = nodes.states
        self.work = 0
        self._edges = sorted({0} | {edge for s in self._states for low, high, _ in s.steps for edge in (low, high + 1)})
        self._edges = [edge for edge in self._edges if edge < 256]
        self.width = len(self._edges)
        self.classes = (np.searchsorted(self._edges, np.arange(256), side="right") - 1).astype(np.uint8)
        self._closures: dict[int, int] = {}
        self._followed: dict[int, list[int]] = {}
        self._members: dict[int, list[list[int]]] = {}
        # A search may begin at every byte: what it begins with is among what comes after each.
        self._always = self.closed(1 << entry)
        # Those that are a match where the text ends.
        ends = [number for number, state in enumerate(self._states) if state.at_end is not None]
        self.ending = sum(1 << number for number in ends if self.closed(1 << number, end=True) & 1)

    def step(self, positions: int, byte_class: int) -> int:
        """The set after a byte of the class, when the search goes on."""
        members = self._members.get(positions)
        if members is None:
            members = self._members[positions] = [self._of_classes(state) for state in _bits(positions)]
        self.work += len(members)
        after = self._always
        for followed in members:
            if followed[byte_class]:
                after |= followed[byte_class]
        return after

    def _of_classes(self, state: int) -> list[int]:
        if state in self._followed:
            return self._followed[state]
        after = [0] * self.width
        for low, high, target in self._states[state].steps:
            if target not in self._closures:
                self._closures[target] = self.closed(1 << target)
            for byte_class in range(int(self.classes[low]), int(self.classes[high]) + 1):
                after[byte_class] |= self._closures[target]
        self._followed[state] = after
        return after

    def alphabet(self) -> set[int]:
        """All bytes by which some state is left."""
        return {byte for state in self._states for low, high, _ in state.steps for byte in range(low, high + 1)}

    def closed(self, positions: int, *, begin: bool = False, end: bool = False) -> int:
        """The set with all that can be reached without a byte, at the begin or the end of a text or in between.

        States that only lead to others without a byte are left out of it.
        """
        waiting = _bits(positions) if positions & (positions - 1) else [positions.bit_length() - 1]
        seen, kept = positions, 0
        while waiting:
            number = waiting.pop()
            state = self._states[number]
            if state.steps or state.at_end is not None or number == MATCH:
                kept |= 1 << number
            more = [*state.free]
            if begin and state.at_begin is not None:
                more.append(state.at_begin)
            if end and state.at_end is not None:
                more.append(state.at_end)
            for target in more:
                if not seen >> target & 1:
                    seen |= 1 << target
                    waiting.append(target)
        return kept


def _bits(positions: int) -> list[int]:
    size = (positions.bit_length() + 7) // 8
    each = np.unpackbits(np.frombuffer(positions.to_bytes(size, "little"), dtype=np.uint8), bitorder="little")
    return np.flatnonzero(each).tolist()


@lru_cache(maxsize=2048)
def automaton(regex: str) -> Automaton:
    """The automaton of a regex, the same for all columns of a process."""
    return Automaton(regex)
