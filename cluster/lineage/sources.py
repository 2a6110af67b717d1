"""What stands in FROM, as relations: tables, queries, functions that return rows, lateral joins."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage import pivots
from cluster.lineage.naming import Names
from cluster.lineage.origins import (
    GUESSED,
    IDENTITY,
    NOBODY,
    SAID,
    STAR,
    TRANSFORMATION,
    Origin,
    Origins,
    Parts,
    Relation,
    through,
)
from cluster.lineage.rows import Rows
from cluster.lineage.scopes import Scope, Source, column

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sources(Rows):
    """The part of the resolver that reads FROM clauses."""

    names: Names
    made: dict[Parts, Relation]
    reads: dict[Parts, None]
    variables: dict[str, Origins]

    if TYPE_CHECKING:

        def relation(self, node: exp.Expr | None, outer: Scope | None, ctes: Mapping[str, Relation]) -> Relation: ...
        def value(self, node: exp.Expr | None, scope: Scope, kind: int = IDENTITY) -> Origins: ...
        def join(self, join: exp.Expr, scope: Scope) -> None: ...
        def influence(self, scope: Scope, node: exp.Expr | None, kind: int) -> None: ...
        def union_all(self, relations: list[Relation]) -> Relation: ...
        def with_(
            self, node: exp.Expr, outer: Scope | None, ctes: Mapping[str, Relation]
        ) -> Mapping[str, Relation]: ...
        def column(self, node: exp.Expr, scope: Scope) -> tuple[str, Origins]: ...

    def source(self, node: exp.Expr, scope: Scope) -> None:
        """Adds what a FROM item names to the scope."""
        if isinstance(node, exp.Table):
            self._table_source(node, scope)
        elif (inner := _wrapped(node)) is not None:
            self.source(inner, scope)
        elif isinstance(node, exp.Subquery):
            relation = self.relation(node, scope.parent, scope.ctes)
            self.put(node, (), relation, scope)
        elif isinstance(node, exp.Lateral):
            self._lateral(node, scope)
        elif isinstance(node, exp.Unnest):
            self.unnest(node, scope)
        elif isinstance(node, exp.Values):
            self.put(node, (), self._values(node, scope), scope)
        elif isinstance(node, exp.Pivot):
            self.put(node, (), pivots.statement(self, node, scope), scope)
        elif isinstance(node, exp.Alias):  # ARRAY JOIN numbers AS number
            origins = through(self.value(node.this, scope), TRANSFORMATION)
            name = self.names.identifier(node.args["alias"])
            scope.sources.append(Source(name, (), Relation([(name, origins)])))
        elif isinstance(node, exp.Query):
            self.put(node, (), self.relation(node, scope.parent, scope.ctes), scope)
        elif isinstance(node, exp.Column):  # ARRAY JOIN numbers; FROM orders, orders.lines
            name, origins = self.column(node, scope)
            scope.sources.append(Source(name, (), Relation([(name, through(origins, TRANSFORMATION))])))
        else:
            self.put(node, (), self.function(node.this if isinstance(node.this, exp.Func) else node, scope), scope)
        self._beside(node, scope)

    def _beside(self, node: exp.Expr, scope: Scope) -> None:
        for lateral in node.args.get("laterals") or ():
            self.source(lateral, scope)
        for join in node.args.get("joins") or ():
            self.join(join, scope)

    def put(self, node: exp.Expr, raw: Parts, relation: Relation, scope: Scope) -> None:
        """Adds a relation under its alias, with the names that the alias gives its columns, and pivoted."""
        alias = node.args.get("alias")
        table_pivots = node.args.get("pivots") or ()
        name = raw[-1] if raw else ""
        if alias is not None and alias.this is not None:
            name, raw = self.names.identifier(alias.this), ()
        columns = [self.column_name(each) for each in alias.args.get("columns") or ()] if alias is not None else []
        if columns and not (relation.open and relation.table is not None):
            relation = relation.renamed(columns)
        elif columns:
            relation = Relation([(each, frozenset(relation.every())) for each in columns], (), None, None)
        for pivot in table_pivots:
            relation = pivots.pivoted(self, relation, pivot, scope)
            own = pivot.args.get("alias")
            if own is not None and own.this is not None:
                name, raw = self.names.identifier(own.this), ()
                relation = relation.renamed([self.column_name(each) for each in own.args.get("columns") or ()])
        scope.sources.append(Source(name, raw, relation))

    def _table_source(self, node: exp.Table, scope: Scope) -> None:
        inner = node.this
        if isinstance(inner, exp.SemanticView):
            self.put(node, (), self.semantic(inner, scope), scope)
            return
        if isinstance(inner, exp.Func):
            of = node.args.get("db")  # @doc.nodes('/a')
            call = exp.Dot(this=of, expression=inner) if isinstance(of, exp.Parameter) else inner
            self.put(node, (), self.function(call, scope, node), scope)
            return
        for each in node.args.get("rows_from") or ():
            self.put(each if each.args.get("alias") else node, (), self.function(each.this, scope, each), scope)
        if node.args.get("rows_from"):
            return
        raw = self.names.raw(node)
        if len(raw) > 1 and self._array_of(node, raw, scope):
            return
        self.put(node, raw, self.table(node, scope), scope)

    def _array_of(self, node: exp.Table, raw: Parts, scope: Scope) -> bool:
        """`FROM orders AS o, o.lines AS line`: the elements of an array of a table already named."""
        first = self.names.identifier(node.parts[0])
        if not any(source.alias == first for source in scope.sources):
            return False
        origins = through(column(scope, (first, *raw[1:]))[1], TRANSFORMATION)
        name = self.names.identifier(node.args["alias"].this) if node.args.get("alias") else raw[-1]
        scope.sources.append(Source(name, (), Relation([], (), origins)))
        return True

    def table(self, node: exp.Table, scope: Scope) -> Relation:
        """A table, a common table expression or a table of the script itself."""
        raw = () if is_file(node) else self.names.raw(node)  # paths are not folded
        if not raw:
            raw = (node.this.name,) if isinstance(node.this, exp.Expr) else ("",)
        if len(raw) == 1:
            name = self.names.identifier(node.this) if isinstance(node.this, exp.Identifier) else raw[0]
            found = scope.ctes.get(name)
            if found is not None:
                return found
            if name in self.variables and "@" + name not in self.variables and name.startswith("@"):
                return Relation([], (), self.variables[name])
        if isinstance(node.this, exp.Parameter):
            raw = ("@" + node.this.name.lower(),)
        if len(raw) == 2 and raw[0].lower() == "live" and self.names.dialect in ("databricks", "spark"):
            raw = raw[1:]  # the tables of the pipeline itself
        if raw == NOBODY:
            return self.stored(raw)
        return self.base(self.names.qualified(raw) if not raw[0].startswith("@") else raw)

    def base(self, parts: Parts) -> Relation:
        """The table of that name as it is now; reading it is noted."""
        made = self.made.get(parts)
        if made is not None:
            if made.table is not None:
                self.reads[parts] = None
            return made
        self.reads[parts] = None
        return self.stored(parts)

    def stored(self, parts: Parts) -> Relation:
        """The table of that name as the schema knows it."""
        known = self.names.columns(parts)
        if known is None:
            star = frozenset({Origin(parts, STAR, IDENTITY, False, GUESSED)})
            return Relation([(STAR, star)], (Origin(parts, None, IDENTITY, False, SAID),), None, parts)
        return Relation([(name, frozenset({Origin(parts, name)})) for name in known], (), None, parts)

    def _values(self, node: exp.Expr, scope: Scope) -> Relation:
        """VALUES: columns by position, named as PostgreSQL names them where nobody does."""
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
        if len(rows) == 1 and len(rows[0]) == 1 and (record := self.record(rows[0][0], scope)) is not None:
            return Relation(record.columns, record.rest)
        width = max((len(row) for row in rows), default=0)
        found: list[set[Origin]] = [set() for _ in range(width)]
        for row in rows:
            for place, item in enumerate(row):
                if not isinstance(item, exp.Literal | exp.Null | exp.Boolean):
                    found[place] |= self.value(item, scope)
        return Relation([(f"column{place + 1}", frozenset(each)) for place, each in enumerate(found)])

    def record(self, item: exp.Expr, scope: Scope) -> Relation | None:
        """The row that a record of a procedure holds: `VALUES r`, `VALUES v(i)`, `VALUES (new.*)`."""
        if isinstance(item, exp.Column):
            named = item.args.get("table") if isinstance(item.this, exp.Star) else item.this
            name = self.names.identifier(named) if isinstance(named, exp.Identifier) and len(item.parts) < 3 else ""
        else:
            name = self.names.fold(item.name) if isinstance(item, exp.Anonymous) else ""
        found = scope.named((name, STAR)) if name else None
        return found[0].relation if found is not None else None

    def _lateral(self, node: exp.Lateral, scope: Scope) -> None:
        inner = node.this
        if isinstance(inner, exp.Subquery | exp.Query):
            inside = Scope(self.names, scope.ctes, scope.parent, scope.sources, scope.merged, variables=self.variables)
            self.put(node, (), self.relation(inner, inside, scope.ctes), scope)
        elif isinstance(inner, exp.Unnest):
            self.unnest(inner, scope, node)
        else:
            self.put(node, (), self.function(inner, scope, node), scope)

    def pivot_last(self, pivot: exp.Expr, scope: Scope) -> None:
        if scope.sources:
            last = scope.sources[-1]
            last.relation = pivots.pivoted(self, last.relation, pivot, scope)


def is_file(node: exp.Expr) -> bool:
    """Whether a table is a file or a stage by its path."""
    return isinstance(node, exp.Table) and isinstance(node.this, exp.Var | exp.Literal)


def _wrapped(node: Any) -> Any:
    """What FINAL, parentheses around joins and STREAM stand around: the same rows."""
    if isinstance(node, exp.Final) or (isinstance(node, exp.Subquery | exp.Paren) and _is_join(node.this)):
        return node.this
    if not isinstance(node, exp.Stream):
        return None
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    if node.args.get("alias") is not None:
        inner.set("alias", node.args["alias"])
    return inner


def _is_join(node: exp.Expr | None) -> bool:
    if isinstance(node, exp.Subquery | exp.Paren):
        return bool(node.args.get("joins")) or _is_join(node.this)
    return isinstance(node, exp.Table)
