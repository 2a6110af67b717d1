"""Patterns that take exponential time in an engine that backtracks: a repetition of what can repeat itself.

The kernels' engine does not backtrack, yet a pattern that is written so is ambiguous and mostly a mistake, other tools
read the packs too, and running text is read with Python's engine. Found are repetitions whose body holds a repetition
and no sign that is always there and parts two rounds: `(a+)+`, `(\\w+\\s?)*`, `(x+x+)+`. `([a-z]+,)*` has one. So are
repetitions that read the same signs in two ways: `(a|aa)+` (`ambiguity`). What Python's parser does not know is left to
the other checks.
"""

import re
from collections.abc import Iterable, Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from cluster.detectors.ambiguity import ambiguous

_MANY: Final = 10
_REPEATS: Final = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_SIGNS: Final = (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY)
_ALL: Final = frozenset(map(chr, range(128)))
_Item = tuple[Any, Any]


def backtracks(pattern: str) -> bool:
    """Whether the pattern holds such a repetition."""
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    bodies = [list(body) for body in _bodies(parsed)]
    if any(map(_ambiguous, bodies)):
        return True
    # Each repetition by itself: what stands around it makes it no more ambiguous.
    return any(ambiguous([(codes.MAX_REPEAT, (0, codes.MAXREPEAT, body))], _signs_of) for body in bodies)


def _bodies(items: Iterable[_Item]) -> Iterator[Any]:
    """The bodies of all repetitions without a small bound."""
    for code, value in items:
        if code in _REPEATS and _long(value):
            yield value[2]
        for inner in _within(code, value):
            yield from _bodies(inner)


def _ambiguous(body: list[_Item]) -> bool:
    repeated = [signs for code, value in _flat(body) for signs in _repeated_signs(code, value)]
    if not repeated:
        return False
    some = frozenset().union(*repeated)
    always = [_signs_of(item) for item in _flat(body) if item[0] in _SIGNS]
    return not any(signs.isdisjoint(some) for signs in always)


def _flat(body: Iterable[_Item]) -> Iterator[_Item]:
    """The items of the body, those of groups among them."""
    for code, value in body:
        if code is codes.SUBPATTERN:
            yield from _flat(value[3])
        else:
            yield code, value


def _repeated_signs(code: Any, value: Any) -> Iterator[frozenset[str]]:
    if code in _REPEATS and _long(value):
        yield _signs_among(value[2])
    for inner in _within(code, value):
        for item in inner:
            yield from _repeated_signs(*item)


def _within(code: Any, value: Any) -> list[Any]:
    if code in _REPEATS:
        return [value[2]]
    if code is codes.SUBPATTERN:
        return [value[3]]
    return list(value[1]) if code is codes.BRANCH else []


def _long(repeat: Any) -> bool:
    return bool(repeat[1] is codes.MAXREPEAT or repeat[1] > _MANY)


def _signs_among(items: Iterable[_Item]) -> frozenset[str]:
    return frozenset().union(*(_signs_of(item) for item in items))


def _signs_of(item: _Item) -> frozenset[str]:
    """The ASCII signs of which the item may begin with, or hold, one."""
    code, value = item
    if code is codes.LITERAL:
        return frozenset(chr(value))
    if code is codes.NOT_LITERAL:
        return _ALL - {chr(value)}
    if code is codes.RANGE:
        return frozenset(map(chr, range(value[0], min(value[1], 127) + 1)))
    if code is codes.CATEGORY:
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[str(value).rsplit("_", maxsplit=1)[-1]]
        named = re.compile(f"\\{letter.upper() if '_NOT_' in str(value) else letter}")
        return frozenset(filter(named.match, _ALL))
    if code is codes.IN:
        members = _signs_among(one for one in value if one[0] is not codes.NEGATE)
        return _ALL - members if value[0][0] is codes.NEGATE else members
    inner = _within(code, value)
    return frozenset().union(*map(_signs_among, inner)) if inner else frozenset() if code is codes.AT else _ALL
