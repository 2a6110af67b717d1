"""Triggers: the rows that their statements speak of are those of the table they watch."""

from collections.abc import Iterable
from typing import Final

from cluster.lineage.cursors import Piece
from cluster.lineage.naming import Names
from cluster.lineage.origins import Origin, Parts, Relation, together
from cluster.lineage.queries import Queries
from cluster.lineage.scopes import Source
from cluster.lineage.split import Tokens
from cluster.lineage.targets import Write

_ROWS: Final = ("new", "old", "inserted", "deleted")


class Triggers:
    """The part of a script's reader that knows whose rows NEW and OLD are, inserted and deleted.

    A trigger has statements of its own, or calls a function of the script (PostgreSQL), which may be called by the
    triggers of several tables: its rows are then those of any of them.
    """

    names: Names
    queries: Queries

    def __init__(self) -> None:
        self.watched: set[Parts] = set()
        self._rows: Relation | None = None
        self._calls: dict[str, list[Tokens]] = {}

    def note_calls(self, pieces: Iterable[Piece]) -> None:
        """Which functions the triggers of a script call, wherever they stand in it."""
        for piece in pieces:
            if piece.kind == "trigger" and piece.rows:
                self._calls.setdefault(piece.rows.lower(), []).append(piece.tokens)

    def routine(self, piece: Piece) -> None:
        """Another routine begins, or a batch ends: the rows of the last trigger are none of its."""
        self.queries.rows[:] = [row for row in self.queries.rows if row.relation is not self._rows]
        for name in _ROWS:
            if self.queries.made.get(table := self.names.qualified((name,))) is self._rows is not None:
                del self.queries.made[table]
        self._rows = None
        if tables := self._calls.get(piece.rows.lower()):
            self.watch(tables)

    def watch(self, tables: list[Tokens]) -> None:
        """The statements that follow speak of rows of these tables."""
        columns: dict[str, frozenset[Origin]] = {}
        rest: tuple[Origin, ...] = ()
        for tokens in tables:
            table = self.names.qualified(tuple(self.names.table_part(token.text) for token in tokens))
            held = self.queries.made.get(table) or self.queries.stored(table)
            for name, origins in held.columns:
                columns[name] = together(columns[name], origins) if name in columns else origins
            rest += held.rest
            self.watched.add(table)
        rows = self._rows = Relation(list(columns.items()), rest)
        self.queries.rows[:0] = [Source(self.names.fold(name), (), rows, True) for name in _ROWS]
        for name in ("inserted", "deleted") if self.names.dialect in ("tsql", "fabric") else ():
            self.queries.made[self.names.qualified((name,))] = rows

    def note_watched(self, write: Write) -> None:
        """A trigger reads its table where it uses a value of its rows."""
        used = {origin.table for _, origins in write.columns for origin in origins} & self.watched
        self.queries.reads.update(dict.fromkeys(used))
