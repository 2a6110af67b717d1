"""A script, statement by statement: names change, tables come and go, errors are located and passed over."""

import time
from collections.abc import Iterator

from sqlglot import exp

from cluster.lineage.bounded import UNREADABLE, Endless
from cluster.lineage.cursors import Piece
from cluster.lineage.naming import Names
from cluster.lineage.origins import (
    GUESSED,
    IDENTITY,
    JOIN,
    NOWHERE,
    QUERY,
    SAID,
    STAR,
    Origin,
    Origins,
    Parts,
    Relation,
    together,
)
from cluster.lineage.parsing import Parsing
from cluster.lineage.procedures import Unscaffolded
from cluster.lineage.queries import Queries
from cluster.lineage.results import Result
from cluster.lineage.scopes import Source
from cluster.lineage.session import Session
from cluster.lineage.targets import NO_CTES, Write
from cluster.lineage.triggers import Triggers
from cluster.lineage.writes import Writes


class Script(Triggers, Session, Parsing):
    """Reads a script once. Never raises for what a text holds; stops at `deadline` (a monotonic time) and says so."""

    def __init__(self, names: Names, deadline: float) -> None:
        Parsing.__init__(self, names, deadline)
        Triggers.__init__(self)
        self.queries = Queries(names, deadline)
        self.writes = Writes(self.queries)
        self.transient: set[Parts] = set()
        self._dropped: dict[str, int] = {}
        self._renamed: dict[Parts, Parts] = {}
        self._returning: tuple[str, list[str]] | None = None

    def read(self, sql: str) -> Result:
        self.parse(sql, 0, Unscaffolded(self.names.dialect))
        self.note_calls(piece for piece, _ in self.parsed)
        for number, (_, nodes) in enumerate(self.parsed):
            for node in nodes:
                for name in self._names_dropped(node):
                    self._dropped[name] = number
        for number, (piece, nodes) in enumerate(self.parsed):
            if time.monotonic() > self.deadline:
                self.late(piece)
                break
            read, self.queries.reads = self.queries.reads, {}
            try:
                self._run(number, piece, nodes)
            except UNREADABLE as error:
                if time.monotonic() > self.deadline:
                    self.late(piece)
                    break
                said = str(error) if isinstance(error, Endless) else type(error).__name__
                self.problem(f"the statement could not be resolved ({said})", piece.tokens, number)
                self.by_name(number, piece.tokens)
            finally:
                self.queries.reads = {self._renamed.get(table, table): None for table in (*read, *self.queries.reads)}
                self._renamed.clear()
        self.result.reads = dict(self.queries.reads)
        return self.result

    def _run(self, number: int, piece: Piece, nodes: list[exp.Expr | None]) -> None:
        queries = self.queries
        for name in piece.declared:
            queries.variables.setdefault(self.names.fold(name), NOWHERE)
        if piece.kind == "routine":
            self.routine(piece)
            columns = [self.names.fold(each) for each in piece.variables]
            self._returning = (piece.rows.lower(), columns) if piece.rows else None
        elif piece.kind == "trigger":
            self.watch([piece.tokens])
        elif piece.kind == "fetch":
            self._fetch(piece)
        elif piece.kind == "cursor":
            found = next(
                (source for source in queries.rows if source.alias == self.names.fold(piece.variables[0])), None
            )
            if found is not None:
                queries.rows.append(Source(self.names.fold(piece.rows), (), found.relation, True))
        for node in nodes:
            if node is None:
                continue
            self.result.statements += 1
            if piece.kind == "rows":
                relation = queries.relation(node, None, NO_CTES)
                queries.rows.insert(0, Source(self.names.fold(piece.rows), (), relation, True))
            elif piece.kind == "value" or (piece.variables and isinstance(node, exp.Query)):
                self._assign(piece.variables, queries.relation(node, None, NO_CTES))
            else:
                self._statement(number, node)

    def _assign(self, variables: list[str], relation: Relation) -> None:
        for name, (_, origins) in zip(variables, relation.columns, strict=False):
            self.queries.variables[self.names.fold(name)] = origins
            if relation.columns and len(variables) == 1:
                self.queries.rows.insert(0, Source(self.names.fold(name), (), relation, True))

    def _fetch(self, piece: Piece) -> None:
        found = next((source for source in self.queries.rows if source.alias == self.names.fold(piece.rows)), None)
        if found is not None:
            self._assign(piece.variables, found.relation)

    def _statement(self, number: int, node: exp.Expr) -> None:
        if isinstance(node, exp.Use):
            self.use(node)
        elif isinstance(node, exp.Set):
            self.set(node)
        elif isinstance(node, exp.Declare):
            self.declare(node)
        elif isinstance(node, exp.Drop):
            self._drop(node)
        elif isinstance(node, exp.Command):
            self.unknown(node)
        elif isinstance(node, exp.Alter) and any(
            isinstance(a, exp.AlterRename) for a in node.args.get("actions") or ()
        ):
            self._rename(node)
        elif isinstance(node, exp.Block | exp.IfBlock | exp.WhileBlock):
            for inner in node.find_all(exp.DML, exp.Create):
                self._statement(number, inner)
        else:
            self.writes.found = []
            self.writes.statement(node)
            for write in self.writes.found:
                write.influences |= self._read_for_rows(write)
                self.note_watched(write)
                self._take(number, write)

    def _read_for_rows(self, write: Write) -> Origins:
        """Tables that a statement reads without a column of theirs: that they have rows decides."""
        seen = {origin.table for origin in write.influences}
        seen.update(origin.table for _, origins in write.columns for origin in origins)
        unseen = [table for table in self.queries.reads if table not in seen and table != write.table]
        return frozenset(Origin(table, None, JOIN) for table in unseen if write.columns or write.influences)

    def _take(self, number: int, write: Write) -> None:
        """Keeps what a write says, and makes the tables of the script what they are after it."""
        if write.table == QUERY:
            if self._returning is not None:  # the first result inside a function is what it returns
                (name, columns), self._returning = self._returning, None
                returned = Relation(write.columns, write.rest, None, None, write.influences)
                self.queries.functions[name] = returned.renamed(columns) if columns else returned
            self.result.writes.append((number, write))
            return
        if write.made:
            passing = write.transient or self._dropped.get(write.table[-1].lower(), -1) > number
            if passing:
                self.transient.add(write.table)
                self.queries.made[write.table] = Relation(write.columns, write.rest, None, None, write.influences)
                return
            self.transient.discard(write.table)
            known = dict.fromkeys(name for name, _ in write.columns)
            if known or write.defined:
                self.queries.made[write.table] = self._permanent(write)
        elif write.table in self.transient or write.table[0].startswith(("#", "@")):
            self._into_transient(write)
            return
        self.result.writes.append((number, write))

    @staticmethod
    def _permanent(write: Write) -> Relation:
        table = write.table
        columns: list[tuple[str, Origins]] = [
            (name, frozenset({Origin(table, name, IDENTITY, False, GUESSED if name == STAR else 1.0)}))
            for name, _ in write.columns
        ]
        rest = (Origin(table, None, IDENTITY, False, SAID),) if any(name == STAR for name, _ in columns) else ()
        return Relation(columns, rest, None, table)

    def _into_transient(self, write: Write) -> None:
        self.transient.add(write.table)
        held = self.queries.made.get(write.table)
        columns = list(held.columns) if held is not None and write.kept else []
        if held is not None and not write.kept:
            columns = [(name, NOWHERE) for name, _ in held.columns]
        places = {name.lower(): place for place, (name, _) in enumerate(columns)}
        for name, origins in write.columns:
            place = places.get(name.lower())
            if place is None:
                places[name.lower()] = len(columns)
                columns.append((name, origins))
            else:
                columns[place] = (columns[place][0], together(columns[place][1], origins))
        rest = (held.rest if held is not None and write.kept else ()) + write.rest
        influences = write.influences | (held.influences if held is not None else NOWHERE)
        self.queries.made[write.table] = Relation(columns, rest, None, None, influences)

    def _names_dropped(self, node: exp.Expr | None) -> Iterator[str]:
        if isinstance(node, exp.Drop):
            for table in [node.this, *(node.args.get("expressions") or ()), *(node.args.get("tables") or ())]:
                if isinstance(table, exp.Table) and (raw := self.names.raw(table)):
                    yield raw[-1].lower()

    def _drop(self, node: exp.Drop) -> None:
        for table in [node.this, *(node.args.get("expressions") or ()), *(node.args.get("tables") or ())]:
            if isinstance(table, exp.Table):
                name = self.writes.target(table)
                self.queries.made.pop(name, None)
                self.transient.discard(name)

    def _rename(self, node: exp.Alter) -> None:
        old = self.writes.target(node.this)
        for action in node.args["actions"]:
            if not isinstance(action, exp.AlterRename):
                continue
            to = action.this
            raw = self.names.raw(to) if isinstance(to, exp.Table) else (self.names.identifier(to),)
            new = (*old[:-1], raw[0]) if len(raw) == 1 else self.names.qualified(raw)
            held = self.queries.made.pop(old, None)
            written = any(write.table == old for _, write in self.result.writes)
            if held is None and not written:
                continue
            if old in self.transient:
                self.transient.discard(old)
                self._take(
                    len(self.parsed),
                    Write(new, held.columns if held else [], held.influences if held else NOWHERE, True),
                )
                continue
            for _, write in self.result.writes:
                write.table = new if write.table == old else write.table
                write.columns = [(name, frozenset(o._replace(table=new) if o.table == old else o for o in origins))
                                 for name, origins in write.columns]  # fmt: skip
            self._renamed[old] = new
            if held is not None:
                self.queries.made[new] = self._permanent(Write(new, held.columns))
