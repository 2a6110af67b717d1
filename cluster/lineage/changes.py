"""UPDATE, MERGE and DELETE: an updated table is written, and read only where its old values are used."""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from cluster.lineage.inserts import Inserts
from cluster.lineage.origins import (
    FILTER,
    IDENTITY,
    JOIN,
    STAR,
    Parts,
    Relation,
)
from cluster.lineage.scopes import Scope, Source
from cluster.lineage.targets import (
    Columns,
    Write,
    tables_of,
)


class Changes(Inserts):
    """Reads statements that change rows, besides those that add some."""

    def update(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> Scope:
        ctes = self.queries.with_(node, None, ctes)
        scope, table, joined = self._changed(node, ctes, [node.args.get("from_")])
        write = Write(table, [])
        others: dict[Parts, Write] = {table: write}
        for each in node.expressions:
            if isinstance(each, exp.EQ):
                owner = self.owner(each.this, scope, table) if joined else table
                into = others.setdefault(owner, Write(owner, []))
                record = self.queries.record(each.expression, scope) if each.this.name.upper() == "ROW" else None
                if record is None:
                    self.assign(each, owner, scope, into)
                else:  # Oracle: all columns of a record
                    into.columns += self.placed(node, owner, Relation(record.columns, record.rest))
        where = node.args.get("where")
        self.queries.influence(scope, where.this if where is not None else None, FILTER)
        for other in others.values():
            if other.columns or other is write:
                other.influences |= frozenset(scope.influences)
                if other is not write or other.columns or len(others) == 1:
                    self.found.append(other)
        return scope

    def _changed(self, node: exp.Expr, ctes: Mapping[str, Relation], others: list[Any]) -> tuple[Scope, Parts, bool]:
        """The scope of a statement that changes rows, and the table it changes; to change it is not to read it."""
        queries = self.queries
        scope = self.scope(ctes)
        before = dict(queries.reads)
        target = node.this
        joined = bool(target.args.get("joins")) if isinstance(target, exp.Table) else False
        for other in others:
            for each in tables_of(other):
                queries.source(each, scope)
        alias = self.names.raw(target) if isinstance(target, exp.Table) else ()
        short = self.names.fold_same(alias[0]) if len(alias) == 1 else None
        named = next((s for s in scope.sources if (s.alias == short if short else alias and s.raw == alias)), None)
        changed = self._behind(named, others) if named is not None else None
        if changed is None and named is not None:
            shown = exp.to_table(named.alias) if named.alias in ctes else target
            changed = self._below(shown, ctes, node.args.get("with_"))
        if named is not None and changed is not None:
            table = changed
            scope.sources.remove(named)
            scope.sources.insert(0, named)
            held = {key: None for key in before if key != table or named.alias not in ctes}
            queries.reads = held | {key: None for key in queries.reads if key != table or key in held}
            return scope, table, joined
        table = self._below(target, ctes, node.args.get("with_")) or self.target(target)
        read = dict(queries.reads)
        count = len(scope.sources)
        queries.source(target, scope)
        scope.sources[:] = scope.sources[count:] + scope.sources[:count]
        if table not in read:
            queries.reads.pop(table, None)
        return scope, table, joined

    def _below(self, target: exp.Expr, ctes: Mapping[str, Relation], clause: exp.Expr | None) -> Parts | None:
        """The one table that a common table expression shows: rows of it that change are rows of that table."""
        if (
            not isinstance(target, exp.Table)
            or target.args.get("db") is not None
            or not isinstance(target.this, exp.Identifier)
        ):
            return None
        name = self.names.identifier(target.this)
        shown = ctes.get(name)
        for cte in clause.expressions if clause is not None and shown is not None else ():
            if self.names.identifier(cte.args["alias"].this) == name:
                read = {self.target(table) for table in cte.this.find_all(exp.Table)}
                if any(table in self.queries.made for table in read):  # what it holds came from others
                    return read.pop() if len(read) == 1 else None
        tables = {origin.table for origin in shown.every() if origin.kind == IDENTITY} if shown is not None else set()
        if len(tables) != 1:
            return None
        (table,) = tables
        self.queries.reads.pop(table, None)  # to change it is not to read it
        return table

    def _behind(self, named: Source, others: list[Any]) -> Parts | None:
        """The table behind an alias: of a table of the script itself only FROM tells the name."""
        if named.relation.table is not None:
            return named.relation.table
        for other in others:
            for each in tables_of(other):
                for table in each.find_all(exp.Table):
                    alias = table.args.get("alias")
                    known = alias is not None and alias.this is not None
                    if (
                        known
                        and self.names.identifier(alias.this) == named.alias
                        and self.target(table) in self.queries.made
                    ):
                        return self.target(table)
        return None

    def owner(self, column: exp.Expr, scope: Scope, table: Parts) -> Parts:
        """The table of an assigned column: MySQL updates several at once."""
        qualifier = column.args.get("table") if isinstance(column, exp.Column) else None
        if qualifier is None:
            name = self.names.identifier(column.this) if isinstance(column, exp.Column) else ""
            sure = [s for s in scope.sources if s.relation.find(name) is not None and s.relation.table is not None]
            return sure[0].relation.table or table if len(sure) == 1 else table
        found = scope.named((self.names.identifier(qualifier), ""))
        return found[0].relation.table or table if found is not None else table

    def merge(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> Scope:
        ctes = self.queries.with_(node, None, ctes)
        scope, table, _ = self._changed(node, ctes, [node.args.get("using")])
        target, source = scope.sources[0], scope.sources[1:]
        self.queries.influence(scope, node.args.get("on"), JOIN)
        write = Write(table, [])
        whens = node.args["whens"].expressions if node.args.get("whens") is not None else ()
        for when in whens:
            self.queries.influence(scope, when.args.get("condition"), FILTER)
            then = when.args.get("then")
            if isinstance(then, exp.Update):
                if any(isinstance(each, exp.Star) for each in then.expressions) or not then.expressions:
                    write.columns += self._all_of(source, table)
                for each in then.expressions:
                    if isinstance(each, exp.EQ):
                        self.assign(each, table, scope, write)
            elif isinstance(then, exp.Insert):
                self._merge_insert(then, table, scope, source, write)
        for each in scope.sources:
            if each is not target:
                scope.influences |= each.relation.influences
        write.influences = frozenset(scope.influences)
        self.found.append(write)
        return scope

    def _merge_insert(self, then: exp.Expr, table: Parts, scope: Scope, source: list[Source], write: Write) -> None:
        given = then.expression
        if isinstance(then.this, exp.Tuple) and not given and len(then.this.expressions) == 1:  # INSERT VALUES (...)
            call = then.this.expressions[0]
            if isinstance(call, exp.Anonymous) and call.name.upper() == "VALUES":
                then = exp.Insert(expression=exp.Tuple(expressions=call.expressions))
                given = then.expression
        if isinstance(then.this, exp.Tuple) and not given and self.names.dialect == "teradata":  # INSERT (values)
            then = exp.Insert(expression=then.this)
            given = then.expression
        given = given.expressions[0] if isinstance(given, exp.Values) and given.expressions else given
        if not isinstance(given, exp.Tuple | exp.Paren):
            write.columns += self._all_of(source, table)
            return
        values = given.expressions if isinstance(given, exp.Tuple) else [given.this]
        if len(values) == 1 and isinstance(values[0], exp.Star):
            write.columns += self._all_of(source, table)
            return
        listed = then.this.expressions if isinstance(then.this, exp.Tuple | exp.Schema) else []
        listed = [then.this.this] if isinstance(then.this, exp.Paren) else listed
        names = [self.assigned(each, scope) if isinstance(each, exp.Column) else each.name for each in listed]
        names = [self.spelled(table, name) for name in names] or self.known(table) or []
        for place, each in enumerate(values):
            item, origins = self.queries.item(each, place, scope)
            name = names[place] if place < len(names) else item
            if place >= len(names):
                origins = frozenset(o._replace(confidence=min(o.confidence, 0.5)) for o in origins)
            write.columns.append((name, origins))

    def _all_of(self, source: list[Source], table: Parts) -> Columns:
        """UPDATE SET *, INSERT *, INSERT ROW: by name."""
        known = {name.lower(): name for name in self.known(table) or ()}
        found = [each for one in source for each in one.relation.columns]
        return [(known.get(name.lower(), name), origins) for name, origins in found
                if not known or name == STAR or name.lower() in known]  # fmt: skip

    def delete(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> Scope:
        ctes = self.queries.with_(node, None, ctes)
        named = node.args.get("tables") or []
        using = node.args.get("using") or []
        body = [node.this] if node.this is not None else []
        if named:
            holder = exp.Delete(this=named[0])
            scope, table, _ = self._changed(holder, ctes, [*body, *using])
        else:
            scope, table, _ = self._changed(node, ctes, list(using) if isinstance(using, list) else [using])
        where = node.args.get("where")
        self.queries.influence(scope, where.this if where is not None else None, FILTER)
        self.found.append(Write(table, [], frozenset(scope.influences)))
        for other in named[1:]:
            found = scope.named((*self.names.raw(other), ""))
            if found is not None and found[0].relation.table is not None:
                self.queries.reads.pop(found[0].relation.table, None)
                self.found.append(Write(found[0].relation.table, [], frozenset(scope.influences)))
        return scope
