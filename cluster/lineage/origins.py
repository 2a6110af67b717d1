"""Where values come from: origins of columns, and the relations that queries read and return.

Terms follow OpenLineage's column lineage facet 1-2-0: DIRECT (IDENTITY, TRANSFORMATION, AGGREGATION) where values flow,
INDIRECT (the others) where they only decide which values flow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

IDENTITY, TRANSFORMATION, AGGREGATION, CONDITIONAL, WINDOW, SORT, GROUP_BY, FILTER, JOIN = range(9)
KINDS: Final = (
    "IDENTITY", "TRANSFORMATION", "AGGREGATION", "CONDITIONAL", "WINDOW", "SORT", "GROUP_BY", "FILTER", "JOIN",
)  # fmt: skip

# How sure an origin is: the schema has the column, the text alone says so, a star that nothing expands, a mere name.
SURE, SAID, GUESSED, NAMED = 1.0, 0.9, 0.3, 0.1

Parts = tuple[str, ...]
STAR: Final = "*"
QUERY: Final[Parts] = ("<query>",)
NOBODY: Final[Parts] = ("<unknown>",)


class Origin(NamedTuple):
    """A column of a table, and what became of its values on the way. The whole table where `column` is None.

    `path` leads into the column (a field of a struct, a key of a JSON document). `at` is where it stands in a value
    that the text makes of parts: () where it is all of the value.
    """

    table: Parts
    column: str | None
    kind: int = IDENTITY
    masking: bool = False
    confidence: float = SURE
    path: str = ""
    at: Parts = ()

    def through(self, kind: int, masking: bool) -> "Origin":
        """After one more step: of direct steps the strongest stays; an indirect one is final, but for a condition,
        which is part of a value and goes where that goes."""
        if self.kind > CONDITIONAL or (kind <= self.kind and not (masking and not self.masking)):
            return self
        if kind > AGGREGATION:
            return self._replace(kind=kind, masking=False)
        return self._replace(kind=max(self.kind, kind), masking=self.masking or masking)


Origins = frozenset[Origin]
NOWHERE: Final[Origins] = frozenset()


def through(origins: Iterable[Origin], kind: int, masking: bool = False) -> Origins:
    return frozenset(origin.through(kind, masking) for origin in origins)


def shared(origins: Iterable[Origin], among: int) -> Origins:
    """The origins of a value that is one of several: each as likely as the others."""
    return frozenset(origin._replace(confidence=round(min(origin.confidence, 0.5) / among, 3)) for origin in origins)


def inside(origins: Origins, path: Parts) -> Origins:
    """The origins of the part of a value that a path leads to."""
    if not path:
        return origins
    chosen = [_taken(origin, path) for origin in origins if _on(origin.at, path)]
    # A value whose parts have none of these names was renamed on the way: all of it may be meant.
    return frozenset(chosen or [_taken(origin._replace(at=()), path) for origin in origins])


def element(origins: Origins, name: str) -> Origins:
    """The origins of a column of rows made of values, where a part of that name is known; else all of them."""
    if any(origin.at and _on(origin.at, (name,)) for origin in origins):
        return inside(origins, (name,))
    return origins


def together(one: Origins, other: Origins) -> Origins:
    """The origins of a column of two queries: parts go by their places, so under other names they may be any."""
    first, second = ({each.at[0].lower() for each in origins if each.at} for origins in (one, other))
    if first <= second or second <= first:
        return one | other
    return frozenset(each._replace(at=()) for each in one | other)


def put(origins: Origins, name: str) -> Origins:
    """The origins of a part, in the value that it becomes a part of."""
    return frozenset(origin._replace(at=(name, *origin.at)) for origin in origins)


def _on(at: Parts, path: Parts) -> bool:
    return all(one.lower() == other.lower() for one, other in zip(at, path, strict=False))


def _taken(origin: Origin, path: Parts) -> Origin:
    rest = path[len(origin.at) :]
    if origin.kind > AGGREGATION:
        return origin._replace(at=())
    if not rest:
        return origin._replace(at=origin.at[len(path) :])
    inner = ".".join((origin.path, *rest) if origin.path else rest)
    return origin.through(TRANSFORMATION, False)._replace(path=inner, at=())


@dataclass(slots=True)
class Relation:
    """What stands in FROM: columns in order with their origins.

    `rest` are tables whose columns nobody knows: any other name may be a column of theirs. `anything` are the origins
    of every name (the rows of a function). `influences` decide which rows there are. A column named "*" stands for
    columns that could not be listed.
    """

    columns: list[tuple[str, Origins]]
    rest: tuple[Origin, ...] = ()
    anything: Origins | None = None
    table: Parts | None = None
    influences: Origins = NOWHERE
    _exact: dict[str, Origins] | None = field(default=None, repr=False)
    _folded: dict[str, tuple[str, Origins]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.rest) > 1:  # a table that is read twice is one candidate, and stars over stars would double it
            self.rest = tuple(dict.fromkeys(self.rest))

    def find(self, name: str) -> tuple[str, Origins] | None:
        """The column of that name, spelled as it is spelled here; case is forgiven where nothing matches exactly."""
        if self._exact is None:
            self._exact = {}
            for column, origins in self.columns:
                self._exact.setdefault(column, origins)
        if name in self._exact and name != STAR:
            return name, self._exact[name]
        if self._folded is None:
            self._folded = {}
            for column, origins in self.columns:
                self._folded.setdefault(column.lower(), (column, origins))
        return self._folded.get(name.lower()) if name != STAR else None

    def possible(self, name: str) -> Origins:
        """The origins of a name that is none of the known columns."""
        if self.anything is not None:
            return element(self.anything, name)
        found = frozenset(each._replace(column=name) for each in self.rest)
        return found if len(self.rest) == 1 else shared(found, len(self.rest) or 1)

    @property
    def open(self) -> bool:
        """Whether it may have columns that are not listed."""
        return bool(self.rest) or self.anything is not None

    def renamed(self, names: list[str]) -> "Relation":
        """The same under other column names, by position; those that are not named keep theirs."""
        if any(column == STAR for column, _ in self.columns[: len(names)]):
            every = frozenset(o for _, origins in self.columns for o in origins)
            columns = [(name, through(every, TRANSFORMATION)) for name in names]
            return Relation(columns, (), self.anything, None, self.influences)
        kept = self.columns[len(names) :]
        columns = [(new, origins) for new, (_, origins) in zip(names, self.columns, strict=False)] + kept
        if self.anything is not None:
            columns += [(name, self.anything) for name in names[len(self.columns) :]]
        return Relation(columns, self.rest, self.anything, None, self.influences)

    def every(self) -> Iterator[Origin]:
        for _, origins in self.columns:
            yield from origins
        yield from self.anything or ()
