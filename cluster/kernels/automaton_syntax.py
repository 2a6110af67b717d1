"""Regexes as a nondeterministic automaton over UTF-8: what of Rust's syntax the detector packs use, and no more.

A regex that needs more raises `NotUnderstood`, and is left to the engine of polars. What is understood means exactly
what it means there, Unicode white space and the other cases of letters included.
"""

from collections.abc import Iterator
from typing import Final

from cluster.kernels.automaton_nodes import ANYTHING, Node, Nodes, Ranges

_LAST: Final = 0x10FFFF
_ESCAPES: Final = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11}
# Characters with the property White_Space, and those outside ASCII that are other cases of letters (CaseFolding.txt).
_SPACES: Final[Ranges] = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680)),
    *((0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
_OTHER_CASES: Final = {"k": "\u212a", "s": "\u017f", "å": "\u212b", "ß": "\u1e9e"}
_MOST: Final = 1_000


class NotUnderstood(Exception):
    """The regex uses something that this reader does not know."""


class Reader:
    """Recursive descent; `read` gives the node of the whole regex."""

    def __init__(self, regex: str, nodes: Nodes) -> None:
        self._text, self._nodes = regex, nodes
        self._at = 0
        self._any_case = self._dot_is_all = False

    def read(self) -> Node:
        """Raises NotUnderstood, also for what is no regex at all."""
        try:
            node = self._alternatives()
        except (IndexError, ValueError) as error:
            raise NotUnderstood(self._text) from error
        if self._at != len(self._text):
            raise NotUnderstood(self._text)
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
        return self._nodes.either(branches)

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._repeated(self._atom()))
        return self._nodes.sequence(items)

    def _atom(self) -> Node:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._nodes.chars(self._class())
        if char == "\\":
            return self._nodes.chars(self._cased(self._escaped()))
        if char in "^$":
            return self._nodes.begin() if char == "^" else self._nodes.end()
        if char == ".":
            return self._nodes.chars(ANYTHING if self._dot_is_all else _without(((10, 10),)))
        if char in "*+?{":
            raise NotUnderstood(self._text)
        return self._nodes.chars(self._cased(((ord(char), ord(char)),)))

    def _group(self) -> Node:
        outer = self._any_case, self._dot_is_all
        if self._peek() == "?":
            flags = self._text[self._at + 1 : self._text.index(":", self._at)]
            if not set(flags) <= set("is"):
                raise NotUnderstood(self._text)
            self._any_case = self._any_case or "i" in flags
            self._dot_is_all = self._dot_is_all or "s" in flags
            self._at += len(flags) + 2
        node = self._alternatives()
        if self._take() != ")":
            raise NotUnderstood(self._text)
        self._any_case, self._dot_is_all = outer
        return node

    def _escaped(self) -> Ranges:
        char = self._take()
        if char == "s":
            return _SPACES
        if char == "x":
            code = int(self._text[self._at : self._at + 2], 16)
            self._at += 2
            return ((code, code),)
        if char.isalnum() and char not in _ESCAPES:
            raise NotUnderstood(self._text)
        code = _ESCAPES.get(char, ord(char))
        return ((code, code),)

    def _class(self) -> Ranges:
        negated = self._peek() == "^"
        self._at += negated
        found: list[tuple[int, int]] = []
        first = True
        while (char := self._take()) != "]" or first:
            first = False
            if char == "[" or (char in "&~-" and self._peek() == char):
                raise NotUnderstood(self._text)
            low = self._escaped() if char == "\\" else ((ord(char), ord(char)),)
            if self._peek() == "-" and self._text[self._at + 1] != "]":
                self._at += 1
                char = self._take()
                high = self._escaped() if char == "\\" else ((ord(char), ord(char)),)
                if len(low) != 1 or len(high) != 1 or low[0][0] > high[0][1]:
                    raise NotUnderstood(self._text)
                low = ((low[0][0], high[0][1]),)
            found += low
        folded = self._cased(tuple(found))
        return _without(folded) if negated else folded

    def _cased(self, ranges: Ranges) -> Ranges:
        """The ranges with the other cases of their letters, where case does not count."""
        if not self._any_case or ranges == _SPACES:
            return ranges
        found = list(ranges)
        for low, high in ranges:
            if high >= 0x80 and (low, high) not in _SPACES and not _is_latin(low, high):
                raise NotUnderstood(self._text)
            for letter in map(chr, range(low, min(high, 0xFF) + 1)):
                cases = _one(letter.lower()) + _one(letter.upper()) + _OTHER_CASES.get(letter.lower(), "")
                found += [(ord(case), ord(case)) for case in cases]
        return tuple(found)

    def _repeated(self, node: Node) -> Node:
        while (char := self._peek()) and char in "*+?{":
            self._at += 1
            bounds: tuple[int, int | None]
            if char == "{":
                end = self._text.index("}", self._at)
                low, comma, high = self._text[self._at : end].partition(",")
                bounds = int(low), int(low) if not comma else int(high) if high else None
                self._at = end + 1
            else:
                bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            if max(bounds[0], bounds[1] or 0) > _MOST:
                raise NotUnderstood(self._text)
            if (
                self._peek() == "?"
            ):  # to match as little as possible changes where a match ends, not whether there is one
                self._at += 1
            node = self._nodes.repeated(node, *bounds)
        return node


def _one(text: str) -> str:
    return text if len(text) == 1 else ""


def _is_latin(low: int, high: int) -> bool:
    """Whether what is not ASCII are Latin-1 letters, of which all other cases are known here."""
    beyond = range(max(low, 0x80), high + 1)
    return high < 0xFF and all(code >= 0xC0 and code not in (0xD7, 0xF7) for code in beyond)


def _without(ranges: Ranges) -> Ranges:
    return tuple(_gaps(sorted(ranges)))


def _gaps(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    after = 0
    for low, high in ranges:
        if low > after:
            yield after, low - 1
        after = max(after, high + 1)
    if after <= _LAST:
        yield after, _LAST
