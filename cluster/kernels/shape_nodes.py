"""The parts of a regex over shapes, and how each is written out so that it holds of whatever it came from.

Runs of letters are cut in a shape (`cluster.kernels.shapes`). What is written for a part is therefore `weak` where the
text before may end in the letter that the part begins with: then the run may be cut so that nothing of it is left here.
"""

from dataclasses import dataclass
from typing import Final

from cluster.kernels.shapes import LONGEST_RUN

LETTERS: Final = frozenset("aA")
Letters = frozenset[str]


def _class(signs: frozenset[str]) -> str:
    return "[" + "".join(f"\\x{ord(sign):02x}" for sign in sorted(signs)) + "]"


@dataclass(frozen=True)
class Chars:
    """`least` to `most` of some characters, given as their signs in a shape."""

    signs: frozenset[str]
    least: int = 1
    most: int | None = 1

    @property
    def first(self) -> Letters:
        return self.signs & LETTERS

    last = first

    @property
    def empty(self) -> bool:
        return self.least == 0

    def written(self, weak: bool) -> str:
        some, most = _class(self.signs), "" if self.most is None else self.most
        letters = self.first
        if not letters:
            return some if self.least == self.most == 1 else f"{some}{{{self.least},{most}}}"
        if weak or self.least <= LONGEST_RUN or self.signs == letters:
            # Of a run of letters no more are left than this, and perhaps none where the run began before.
            return f"{some}{{{0 if weak else min(self.least, LONGEST_RUN)},{most}}}"
        # Either all are left, or a run was cut, which is then there.
        cut = "|".join(f"{letter}{{{LONGEST_RUN}}}" for letter in sorted(letters))
        return f"(?:{some}{{{self.least},{most}}}|{some}*(?:{cut}){some}*)"

    def times(self, least: int, most: int | None) -> "Chars":
        together = None if most is None or self.most is None else self.most * most
        return Chars(self.signs, self.least * least, together)

    def then(self, other: "Chars") -> "Chars":
        together = None if other.most is None or self.most is None else self.most + other.most
        return Chars(self.signs, self.least + other.least, together)


@dataclass(frozen=True)
class Anchor:
    """The begin or the end of a text, which are those of its shape."""

    sign: str
    first = last = Letters()
    empty = True

    def written(self, weak: bool) -> str:
        return self.sign


@dataclass(frozen=True)
class Sequence:
    items: "tuple[Node, ...]"

    @property
    def first(self) -> Letters:
        found: Letters = frozenset()
        for item in self.items:
            found |= item.first
            if not item.empty:
                break
        return found

    @property
    def last(self) -> Letters:
        found: Letters = frozenset()
        for item in reversed(self.items):
            found |= item.last
            if not item.empty:
                break
        return found

    @property
    def empty(self) -> bool:
        return all(item.empty for item in self.items)

    def written(self, weak: bool) -> str:
        parts, before = [], Letters()
        for item in self.items:
            parts.append(item.written(weak or bool(item.first & before)))
            before = item.last | before if item.empty else item.last
        return "".join(parts)


@dataclass(frozen=True)
class Either:
    branches: "tuple[Node, ...]"

    @property
    def first(self) -> Letters:
        return Letters().union(*(branch.first for branch in self.branches))

    @property
    def last(self) -> Letters:
        return Letters().union(*(branch.last for branch in self.branches))

    @property
    def empty(self) -> bool:
        return any(branch.empty for branch in self.branches)

    def written(self, weak: bool) -> str:
        return "(?:" + "|".join(branch.written(weak) for branch in self.branches) + ")"


@dataclass(frozen=True)
class Repeated:
    node: "Node"
    least: int
    most: int | None

    @property
    def first(self) -> Letters:
        return self.node.first

    @property
    def last(self) -> Letters:
        return self.node.last

    @property
    def empty(self) -> bool:
        return self.least == 0 or self.node.empty

    def written(self, weak: bool) -> str:
        # What ends with a letter and begins with the same makes longer runs each time that it is repeated.
        inner = self.node.written(weak or (self.most != 1 and bool(self.first & self.last)))
        return f"(?:{inner}){{{self.least},{'' if self.most is None else self.most}}}"


Node = Anchor | Chars | Sequence | Either | Repeated
