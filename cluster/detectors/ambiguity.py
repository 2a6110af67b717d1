"""Patterns of which a repetition can read the same text in two ways, so that the ways double with each round.

`(a|aa)+` does: an engine that backtracks tries all ways where the rest does not match. Told by the automaton of the
pattern's positions (Glushkov 1961): it is ambiguous without bound where two ways of the same signs lead from a
position back to it (Weber and Seidl 1991), or where a repetition adds a step that its body has already: `(a?b?)*`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from re import _constants as codes  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

MOST: Final = 32  # positions of a repetition; of a longer one the ways are not followed
_LINE_END: Final = frozenset("\n")
_MANY: Final = 10  # a repetition up to here is written out, one beyond is one without end


class _Part(NamedTuple):
    """Where a part of the pattern may begin and end, and whether it may be empty."""

    firsts: frozenset[int]
    lasts: frozenset[int]
    empty: bool


_NOTHING: Final = _Part(frozenset(), frozenset(), True)


class _Unknown(Exception):
    """Syntax that is not understood, or too much of it."""


@dataclass
class _Automaton:
    signs: list[frozenset[str]] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    twice: bool = False

    def part(self, items: Iterable[Any], signs_of: Any) -> _Part:
        done = _NOTHING
        for code, value in items:
            done = self._then(done, self._one(code, value, signs_of))
        return done

    def _one(self, code: Any, value: Any, signs_of: Any) -> _Part:
        if code is codes.AT:
            return _NOTHING
        if code is codes.SUBPATTERN:
            return self.part(value[3], signs_of)
        if code is codes.BRANCH:
            some = [self.part(branch, signs_of) for branch in value[1]]
            return _Part(
                frozenset().union(*(one.firsts for one in some)), frozenset().union(*(one.lasts for one in some)),
                any(one.empty for one in some),
            )  # fmt: skip
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, items = value
            return self._repeated(least, most, items, signs_of)
        if code not in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY) or len(self.signs) >= MOST:
            raise _Unknown
        self.signs.append(signs_of((code, value)) - (_LINE_END if code is codes.ANY else frozenset()))
        self.follow.append(set())
        here = frozenset({len(self.signs) - 1})
        return _Part(here, here, False)

    def _repeated(self, least: int, most: Any, items: Any, signs_of: Any) -> _Part:
        if most is codes.MAXREPEAT or most > _MANY:
            one = self.part(items, signs_of)
            # A step that the body knows already is one more way to read the same: within a round, or into the next.
            self.twice |= any(self.follow[last] & one.firsts for last in one.lasts)
            self._join(one, one)
            return one._replace(empty=one.empty or not least)
        done = _NOTHING
        for turn in range(most):
            one = self.part(items, signs_of)
            done = self._then(done, one._replace(empty=one.empty or turn >= least))
        return done

    def _then(self, a: _Part, b: _Part) -> _Part:
        self._join(a, b)
        return _Part(
            a.firsts | b.firsts if a.empty else a.firsts, a.lasts | b.lasts if b.empty else b.lasts, a.empty and b.empty
        )

    def _join(self, a: _Part, b: _Part) -> None:
        for last in a.lasts:
            self.follow[last] |= b.firsts

    def doubles(self) -> bool:
        """Whether two different ways lead from a position back to it by the same signs: in the graph of pairs of
        positions, a pair of different ones that a pair of equal ones leads to and that leads back to it."""
        after: dict[tuple[int, int], list[tuple[int, int]]] = {}
        left = [(p, p) for p in range(len(self.signs))]
        while left:
            pair = left.pop()
            if pair not in after:
                after[pair] = self._after(*pair)
                left += after[pair]
        return any(p == q and any(a != b for a, b in _round((p, q), after)) for p, q in after)

    def _after(self, p: int, q: int) -> list[tuple[int, int]]:
        return [(a, b) for a in self.follow[p] for b in self.follow[q] if self.signs[a] & self.signs[b]]


def _round(start: tuple[int, int], after: dict[tuple[int, int], list[tuple[int, int]]]) -> set[tuple[int, int]]:
    """The pairs that lie on a way from `start` back to it."""
    before: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for pair, others in after.items():
        for other in others:
            before.setdefault(other, []).append(pair)
    return _reached(start, after) & _reached(start, before)


def _reached(start: tuple[int, int], steps: dict[tuple[int, int], list[tuple[int, int]]]) -> set[tuple[int, int]]:
    seen, left = {start}, [start]
    while left:
        for pair in steps.get(left.pop(), ()):
            if pair not in seen:
                seen.add(pair)
                left.append(pair)
    return seen


def ambiguous(items: Iterable[Any], signs_of: Any) -> bool:
    """Whether a parsed pattern (of `re._parser`) is so. `signs_of` tells the ASCII signs of an item."""
    automaton = _Automaton()
    try:
        automaton.part(items, signs_of)
    except _Unknown:
        return False
    return automaton.twice or automaton.doubles()
