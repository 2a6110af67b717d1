"""What names mean inside a query: the relations of FROM, columns joined by USING, aliases of the select list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cluster.lineage.naming import LATERAL_ALIASES, STRUCTS, Names
from cluster.lineage.origins import (
    GUESSED,
    IDENTITY,
    NAMED,
    NOBODY,
    NOWHERE,
    STAR,
    TRANSFORMATION,
    Origin,
    Origins,
    Parts,
    Relation,
    inside,
    put,
    shared,
    through,
)

# Names that look like columns and are values of the engine.
_ORACLE = frozenset({
    "rownum", "level", "sysdate", "systimestamp", "user", "uid", "nextval", "currval", "connect_by_isleaf", "rowid",
})  # fmt: skip
ENGINE_VALUES = {
    "oracle": _ORACLE,
    "exasol": _ORACLE,
    "snowflake": frozenset({"nextval", "metadata$action", "metadata$isupdate", "metadata$row_id"}),
    "tsql": frozenset({"$action"}),
}
# The rows that triggers and conflicts speak of.
_ROWS_OF_EVENTS = frozenset({"new", "old", "inserted", "deleted", "excluded", "values"})


@dataclass(slots=True)
class Source:
    """A relation under the name that a query gives it. A hidden one is no part of stars and of bare names."""

    alias: str
    raw: Parts
    relation: Relation
    hidden: bool = False


@dataclass(slots=True)
class Scope:
    """One query's names. `ctes` are the common table expressions that it may read."""

    names: Names
    ctes: Mapping[str, Relation]
    parent: "Scope | None" = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, list[Source]] = field(default_factory=dict)
    aliases: dict[str, Origins] = field(default_factory=dict)
    outputs: list[tuple[str, Origins]] = field(default_factory=list)
    variables: Mapping[str, Origins] = field(default_factory=dict)
    windows: dict[str, object] = field(default_factory=dict)
    influences: set[Origin] = field(default_factory=set)
    aliases_first: bool = False
    values_only: bool = False

    def visible(self) -> Iterator[Source]:
        return (source for source in self.sources if not source.hidden)

    def named(self, parts: Parts) -> tuple[Source, int] | None:
        """The source that a column's qualifiers name, and how many parts of it do; queries around it are asked too."""
        at: Scope | None = self
        while at is not None:
            for length in range(1, len(parts)):
                wanted = parts[:length]
                for source in at.sources:
                    if source.alias == wanted[-1] if length == 1 else source.raw[-length:] == wanted:
                        return source, length
                    if (
                        length > 1
                        and source.raw
                        and len(source.raw) < length
                        and wanted[-len(source.raw) :] == source.raw
                    ):
                        return source, length
            at = at.parent
        return None

    def by_table(self, parts: Parts) -> tuple[Source, int] | None:
        """The source whose table bears the name that qualifies a column, though an alias hides it."""
        wanted = tuple(part.lower() for part in parts)
        for length in range(min(len(parts) - 1, 3), 0, -1):
            for source in self.visible():
                table = source.relation.table
                if table is not None and tuple(part.lower() for part in table[-length:]) == wanted[:length]:
                    return source, length
        return self.parent.by_table(parts) if self.parent is not None else None


def column(scope: Scope, parts: Parts) -> tuple[str, Origins]:
    """The origins of a column by its name and qualifiers, with the spelling of its name."""
    if len(parts) == 1:
        return bare(scope, parts[0])
    found = scope.named(parts)
    if found is not None:
        source, used = found
        return _of_source(source, parts[used], parts[used + 1 :])
    return parts[-1], _field(scope, parts)


def _field(scope: Scope, parts: Parts) -> Origins:
    """A name whose qualifier is no source: a field of a struct column, or of a table that FROM does not name."""
    for start in (0, 1):
        _, origins = bare(scope, parts[start], strict=True)
        if origins:
            return inside(origins, parts[start + 1 :])
    if parts[0].lower() in _ROWS_OF_EVENTS or _of_engine(scope, parts[-1]) or parts[0] in scope.variables:
        return NOWHERE
    if (hidden := scope.by_table(parts)) is not None:
        return _of_source(hidden[0], parts[hidden[1]], parts[hidden[1] + 1 :])[1]
    visible = list(scope.visible())
    if scope.names.dialect in STRUCTS and len(visible) == 1 and visible[0].relation.open:
        return inside(visible[0].relation.possible(parts[0]), parts[1:])
    return frozenset({Origin(parts[:-1], parts[-1], IDENTITY, False, GUESSED)})


def _of_source(source: Source, name: str, path: Parts) -> tuple[str, Origins]:
    relation = source.relation
    found = relation.find(name)
    if found is not None:
        return (path[-1] if path else found[0]), inside(found[1], path)
    if relation.open:
        return (path[-1] if path else name), inside(relation.possible(name), path)
    if relation.table is not None:  # the schema is older than the text, or the column is one of the engine's
        return name, frozenset({Origin(relation.table, name, IDENTITY, False, 0.5)})
    return name, frozenset({Origin(NOBODY, name, IDENTITY, False, NAMED)})


def bare(scope: Scope, name: str, strict: bool = False) -> tuple[str, Origins]:
    """The origins of a name without qualifiers. `strict`: only what is certain."""
    at: Scope | None = scope
    guesses: list[Source] = []
    while at is not None:
        found = _known_here(at, name)
        if found is not None:
            return found
        guesses += _open(at)
        at = at.parent
    if name in scope.variables:
        return name, scope.variables[name]
    if strict or _of_engine(scope, name):
        return name, NOWHERE
    return name, _guess(scope, name, guesses)


def _known_here(at: Scope, name: str) -> tuple[str, Origins] | None:
    """What a name surely is among the names of one query."""
    if at.aliases_first and name in at.aliases:
        return name, at.aliases[name]
    merged = at.merged.get(name)
    if merged is not None:
        parts = [_of_source(source, name, ())[1] for source in merged]
        return name, through(frozenset[Origin]().union(*parts), TRANSFORMATION)
    found = [hit for source in at.visible() if (hit := source.relation.find(name)) is not None]
    if found:
        alike = len({origins for _, origins in found}) == 1
        every = frozenset[Origin]().union(*(origins for _, origins in found))
        return found[0] if alike else (found[0][0], shared(every, len(found)))
    if name in at.aliases and (at.names.dialect in LATERAL_ALIASES or not _open(at)):
        return name, at.aliases[name]
    row = next((source for source in at.visible() if source.alias == name), None)
    return (name, _row(row.relation)) if row is not None else None


def _of_engine(scope: Scope, name: str) -> bool:
    return name.lower() in ENGINE_VALUES.get(scope.names.dialect, ())


def _open(scope: Scope) -> list[Source]:
    return [source for source in scope.visible() if source.relation.open]


def _row(relation: Relation) -> Origins:
    if relation.anything is not None:
        return relation.anything
    parts = [put(through(origins, TRANSFORMATION), name) for name, origins in relation.columns if name != STAR]
    whole = [through(origins, TRANSFORMATION) for name, origins in relation.columns if name == STAR]
    return frozenset[Origin]().union(*parts, *whole)


def _guess(scope: Scope, name: str, guesses: list[Source]) -> Origins:
    """Where a name may come from that no known column bears."""
    if guesses:
        nearest = [source for source in guesses if source in scope.sources] or guesses
        likely = [source for source in nearest if source.relation.anything is None] or nearest
        if len(likely) == 1:
            return likely[0].relation.possible(name)
        return shared(frozenset[Origin]().union(*(source.relation.possible(name) for source in likely)), len(likely))
    tables = {source.relation.table for source in scope.visible() if source.relation.table is not None}
    if tables:
        return frozenset(Origin(table, name, IDENTITY, False, round(0.5 / len(tables), 3)) for table in tables)
    return frozenset({Origin(NOBODY, name, IDENTITY, False, NAMED)}) if scope.sources else NOWHERE
