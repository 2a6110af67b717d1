"""What a text must hold for a regular expression to match in it, read off the expression itself.

Most patterns cannot match most values for a plain reason: no `@`, no nine digits, too short. Knowing the reason
beforehand costs a look at the bytes of a value; finding out by matching costs the regex, and compiling it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_MOST: Final = 8
_DIGITS: Final = sum(1 << byte for byte in b"0123456789")
_BEYOND_ASCII: Final = sum(1 << byte for byte in range(128, 256))
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


@dataclass(frozen=True)
class Need:
    """One way to match: a byte of each of `sets` (256 bits, one a byte), `width` bytes in all, `digits` of them 0-9."""

    sets: frozenset[int] = frozenset()
    width: int = 0
    digits: int = 0


NOTHING: Final = Need()
_Needs = tuple[Need, ...]


@lru_cache(maxsize=1024)
def needs_of(regex: str) -> tuple[Need, ...]:
    """Every text in which the regex (Rust syntax) matches holds all that at least one of these needs.

    Necessary and not sufficient. A construct that is not understood needs nothing, so that no match is ever missed.
    """
    try:
        return _Parser(regex).parsed()
    except (_NotUnderstood, IndexError, ValueError):
        return (NOTHING,)


class _NotUnderstood(Exception):
    pass


class _Parser:
    """Recursive descent over the syntax that detector packs use."""

    def __init__(self, regex: str) -> None:
        self._text = regex
        self._at = 0
        self._plain = True

    def parsed(self) -> _Needs:
        needs = self._alternatives()
        if self._at != len(self._text):
            raise _NotUnderstood
        return needs

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._text[self._at]
        self._at += 1
        return char

    def _alternatives(self) -> _Needs:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        if sum(map(len, branches)) > _MOST:
            branches = [(_common(ways),) for ways in branches]
        ways = tuple(way for some in branches for way in some)
        return ways if len(ways) <= _MOST else (_common(ways),)

    def _sequence(self) -> _Needs:
        needs: _Needs = (NOTHING,)
        while self._peek() not in ("", "|", ")"):
            needs = _after(needs, self._repeated(self._atom()))
        return needs

    def _atom(self) -> _Needs:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in "^$":
            return (NOTHING,)
        if char == ".":
            return (Need(width=1),)
        if char in "*+?{":
            raise _NotUnderstood
        return self._one_of(_bit(char))

    def _one_of(self, bits: int) -> _Needs:
        digits = int(bits & ~_DIGITS == 0)
        return (Need(frozenset({bits}) if self._plain else frozenset(), 1, digits),)

    def _group(self) -> _Needs:
        outer = self._plain
        if self._peek() == "?":
            flags = self._text[self._at + 1 : self._text.index(":", self._at)]
            if not set(flags) <= set("ims"):
                raise _NotUnderstood
            # Without regard to case more letters match than are written, some of them beyond ASCII.
            self._plain = outer and "i" not in flags
            self._at += len(flags) + 2
        needs = self._alternatives()
        if self._take() != ")":
            raise _NotUnderstood
        self._plain = outer
        return needs

    def _escape(self) -> _Needs:
        char = self._take()
        if char in _ESCAPES:
            return self._one_of(_bit(_ESCAPES[char]))
        if char in "sSwWdD":
            return (Need(width=1),)
        if char in "bBAz":
            return (NOTHING,)
        if char.isalnum():
            raise _NotUnderstood
        return self._one_of(_bit(char))

    def _class(self) -> _Needs:
        if self._peek() == "^":
            self._at += 1
            self._members()
            return (Need(width=1),)
        bits = self._members()
        return self._one_of(bits) if bits else (Need(width=1),)

    def _members(self) -> int:
        """The bytes of a class up to its bracket; 0 where it holds a class by name."""
        bits, named, first = 0, False, True
        while (char := self._take()) != "]" or first:
            first = False
            if char == "[" or (char == "&" and self._peek() == "&"):
                raise _NotUnderstood
            if char == "\\":
                char = self._take()
                named = named or (char.isalnum() and char not in _ESCAPES)
                char = _ESCAPES.get(char, char)
            last = char
            if self._peek() == "-" and self._text[self._at + 1] != "]":
                self._at += 1
                last = self._take()
                last = self._take() if last == "\\" else last
            bits |= _bits_between(char, last)
        return 0 if named else bits

    def _repeated(self, needs: _Needs) -> _Needs:
        least = 1
        while (char := self._peek()) and char in "*+?{":
            self._at += 1
            if char == "{":
                end = self._text.index("}", self._at)
                least *= int(self._text[self._at : end].split(",")[0])
                self._at = end + 1
            elif char != "+":
                least = 0
        if least == 0:
            return (NOTHING,)
        if least == 1:
            return needs
        one = _common(needs)
        return (Need(one.sets, one.width * least, one.digits * least),)


def _bit(char: str) -> int:
    return 1 << ord(char) if ord(char) < 128 else _BEYOND_ASCII


def _bits_between(first: str, last: str) -> int:
    low, high = ord(first), ord(last)
    bits = sum(1 << code for code in range(low, min(high, 127) + 1))
    return bits | (_BEYOND_ASCII if high > 127 else 0)


def _common(ways: _Needs) -> Need:
    """What all of these need."""
    return Need(
        frozenset.intersection(*(way.sets for way in ways)),
        min(way.width for way in ways),
        min(way.digits for way in ways),
    )


def _after(first: _Needs, second: _Needs) -> _Needs:
    if len(first) * len(second) > _MOST:
        first, second = (first, (_common(second),)) if len(second) > 1 else ((_common(first),), second)
    if len(first) * len(second) > _MOST:
        first = (_common(first),)
    return tuple(Need(a.sets | b.sets, a.width + b.width, a.digits + b.digits) for a in first for b in second)
