"""The states of a nondeterministic automaton over the bytes of UTF-8 (Thompson 1968), built from its end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""Code points, or bytes, from the first to the last of each range."""
Node = Callable[[int], int]
"""Gives the state at which it is entered, for the state that comes after it."""
ANYTHING: Final[Ranges] = ((0, 0x10FFFF),)
MATCH: Final = 0
MOST_STATES: Final = 20_000


class TooManyStates(Exception):
    """The automaton would be larger than what it saves."""


@dataclass
class State:
    """What leads on from a state: bytes, nothing at all, or being at the begin or the end of the text."""

    steps: list[tuple[int, int, int]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    at_begin: int | None = None
    at_end: int | None = None


class Nodes:
    """Makes nodes; the states are in `states`, of which the first is the match."""

    def __init__(self) -> None:
        self.states = [State()]

    def _new(self, state: State) -> int:
        if len(self.states) >= MOST_STATES:
            raise TooManyStates
        self.states.append(state)
        return len(self.states) - 1

    def chars(self, ranges: Ranges) -> Node:
        """One character of these."""
        sequences = [sequence for low, high in _merged(ranges) for sequence in _of_bytes(low, high)]

        def enter(after: int) -> int:
            entry = State()
            shared: dict[tuple[tuple[int, int], ...], int] = {(): after}
            for sequence in sequences:
                for length in range(1, len(sequence)):
                    rest = sequence[-length:]
                    if rest not in shared:
                        shared[rest] = self._new(State([(*rest[0], shared[rest[1:]])]))
                entry.steps.append((*sequence[0], shared[sequence[1:]]))
            return self._new(entry)

        return enter

    def begin(self) -> Node:
        """The begin of the text."""
        return lambda after: self._new(State(at_begin=after))

    def end(self) -> Node:
        """The end of the text."""
        return lambda after: self._new(State(at_end=after))

    def sequence(self, items: list[Node]) -> Node:
        """One after the other."""

        def enter(after: int) -> int:
            for item in reversed(items):
                after = item(after)
            return after

        return enter

    def either(self, branches: list[Node]) -> Node:
        """One of them."""
        if len(branches) == 1:
            return branches[0]
        return lambda after: self._new(State(free=[branch(after) for branch in branches]))

    def repeated(self, node: Node, least: int, most: int | None) -> Node:
        """So many times; without an upper bound where `most` is None."""

        def enter(after: int) -> int:
            if most is None:
                loop = State(free=[after])
                place = self._new(loop)
                loop.free.append(node(place))
                after = place
            else:
                end = after
                for _ in range(most - least):
                    after = self._new(State(free=[end, node(after)]))
            for _ in range(least):
                after = node(after)
            return after

        return enter


def _merged(ranges: Ranges) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def _of_bytes(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The code points of a range as sequences of ranges of bytes: each such sequence differs in single bytes only."""
    for top in (0x7F, 0x7FF, 0xFFFF):
        if low <= top < high:
            yield from _of_bytes(low, top)
            yield from _of_bytes(top + 1, high)
            return
    for continued in (1, 2, 3) if high > 0x7F else ():
        rest = (1 << 6 * continued) - 1
        if low & ~rest != high & ~rest:
            cut = low | rest if low & rest else (high & ~rest) - 1 if high & rest != rest else None
            if cut is not None:
                yield from _of_bytes(low, cut)
                yield from _of_bytes(cut + 1, high)
                return
    first, last = (chr(code).encode("utf-8", "surrogatepass") for code in (low, high))
    yield tuple(zip(first, last, strict=True))
