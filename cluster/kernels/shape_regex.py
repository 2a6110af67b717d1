"""Which patterns a value can match, told from its shape alone: a regex over texts becomes one over their shapes.

Shapes (`cluster.kernels.shapes`) are few where values are many, so that what a regex needs of the form of a text is
asked once for each form instead of once for each value. Whatever text holds a match of a regex, its shape holds a match
of `shape_regex` of it; the reverse does not hold, hence the regex itself still has the last word.
"""

import re
from functools import lru_cache, reduce
from operator import or_
from typing import Final

from cluster.kernels.shape_nodes import Anchor, Chars, Either, Node, Repeated, Sequence
from cluster.kernels.shapes import TABLE

_ASCII: Final = (1 << 128) - 1
_BEYOND_ASCII: Final = sum(1 << byte for byte in range(128, 256))
_ANY: Final = _ASCII | _BEYOND_ASCII
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_DEEPEST: Final = 1_000


def _bits(chars: str) -> int:
    return reduce(or_, (1 << ord(char) if ord(char) < 128 else _BEYOND_ASCII for char in chars), 0)


_DIGITS: Final = _bits("0123456789")
_SPACES: Final = _bits(" \t\n\r\v\f")
_WORDS: Final = _DIGITS | _bits("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
# Unicode has digits, spaces and letters beyond ASCII, and a class that is negated holds all of it.
_NAMED: Final = {
    "d": _DIGITS | _BEYOND_ASCII,
    "s": _SPACES | _BEYOND_ASCII,
    "w": _WORDS | _BEYOND_ASCII,
    "D": _ANY & ~_DIGITS,
    "S": _ANY & ~_SPACES,
    "W": _ANY & ~_WORDS,
}


@lru_cache(maxsize=1024)
def shape_regex(regex: str) -> str | None:
    """A regex that matches in the shape of every text in which `regex` (Rust syntax) matches.

    None where the syntax is not understood: then any shape has to pass.
    """
    try:
        return _Parser(regex).parsed().written(weak=False)
    except (_NotUnderstood, IndexError, ValueError):
        return None


class _NotUnderstood(Exception):
    pass


class _Parser:
    """Recursive descent over the syntax that detector packs use."""

    def __init__(self, regex: str) -> None:
        self._text = regex
        self._at = 0
        self._any_case = False
        self._by_line = re.search(r"\(\?[a-z]*m", regex) is not None

    def parsed(self) -> Node:
        node = self._alternatives()
        if self._at != len(self._text):
            raise _NotUnderstood
        return node

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._text[self._at]
        self._at += 1
        return char

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            item = self._repeated(self._atom())
            before = items[-1] if items else None
            if isinstance(item, Chars) and isinstance(before, Chars) and before.signs == item.signs:
                items[-1] = before.then(item)
            else:
                items.append(item)
        return Sequence(tuple(items))

    def _atom(self) -> Node:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._chars(self._class())
        if char == "\\":
            return self._escape()
        if char in "^$":
            return Sequence(()) if self._by_line else Anchor(char)
        if char == ".":
            return self._chars(_ANY)
        if char in "*+?{":
            raise _NotUnderstood
        return self._chars(_bits(char))

    def _chars(self, bits: int) -> Node:
        if self._any_case:
            small, great = bits >> 97 & 0x3FFFFFF, bits >> 65 & 0x3FFFFFF
            # Some letters beyond ASCII are other cases of k and s.
            bits |= small << 65 | great << 97 | (_BEYOND_ASCII if small | great else 0)
        signs = frozenset(chr(TABLE[byte]) for byte in range(256) if bits >> byte & 1)
        # A character beyond ASCII is several bytes, and each of them a sign.
        return Chars(signs, 1, None if bits & _BEYOND_ASCII else 1)

    def _group(self) -> Node:
        outer = self._any_case
        if self._peek() == "?":
            flags = self._text[self._at + 1 : self._text.index(":", self._at)]
            if not set(flags) <= set("ims"):
                raise _NotUnderstood
            self._any_case = outer or "i" in flags
            self._at += len(flags) + 2
        node = self._alternatives()
        if self._take() != ")":
            raise _NotUnderstood
        self._any_case = outer
        return node

    def _escape(self) -> Node:
        char = self._take()
        if char in "bBAz":
            return Sequence(())
        return self._chars(self._escaped(char))

    def _escaped(self, char: str) -> int:
        if char in _NAMED:
            return _NAMED[char]
        if char in _ESCAPES:
            return _bits(_ESCAPES[char])
        if char.isalnum():
            raise _NotUnderstood
        return _bits(char)

    def _class(self) -> int:
        negated = self._peek() == "^"
        self._at += negated
        bits, first = 0, True
        while (char := self._take()) != "]" or first:
            first = False
            if char in "[&~" and (char == "[" or self._peek() == char):
                raise _NotUnderstood
            low = self._escaped(self._take()) if char == "\\" else _bits(char)
            bits |= low if self._peek() != "-" or self._text[self._at + 1] == "]" else self._range(low)
        if self._any_case and negated:
            raise _NotUnderstood
        return (_ASCII & ~bits) | _BEYOND_ASCII if negated else bits

    def _range(self, low: int) -> int:
        self._at += 1
        char = self._take()
        high = self._escaped(self._take()) if char == "\\" else _bits(char)
        if low.bit_count() != 1 or (high & _ASCII).bit_count() > 1:
            raise _NotUnderstood
        ends = low.bit_length(), (high & _ASCII).bit_length()
        upper = ends[1] - 1 if ends[1] else 127
        return sum(1 << byte for byte in range(ends[0] - 1, upper + 1)) | (0 if ends[1] else _BEYOND_ASCII)

    def _repeated(self, node: Node) -> Node:
        least, quantified = 1, False
        most: int | None = 1
        bounds: tuple[int, int | None]
        while (char := self._peek()) and char in "*+?{":
            self._at += 1
            if char == "{":
                end = self._text.index("}", self._at)
                low, _, high = (written := self._text[self._at : end]).partition(",")
                bounds = int(low), int(low) if "," not in written else int(high) if high else None
                self._at = end + 1
            else:
                bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            least *= bounds[0]
            most = None if most is None or bounds[1] is None else most * bounds[1]
            quantified = True
        if not quantified:
            return node
        if least > _DEEPEST or (most or 0) > _DEEPEST:
            raise _NotUnderstood
        return node.times(least, most) if isinstance(node, Chars) else Repeated(node, least, most)
