"""Queries as relations: which columns a SELECT, a set operation or a list of values has, and where they come from."""

import math
import time
from collections.abc import Mapping
from typing import Any, Final

from sqlglot import exp

from cluster.lineage.bounded import Endless
from cluster.lineage.joins import Joins
from cluster.lineage.naming import Names
from cluster.lineage.origins import (
    AGGREGATION,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    NOWHERE,
    SORT,
    Origin,
    Origins,
    Parts,
    Relation,
    through,
)
from cluster.lineage.scopes import Scope, Source, column
from cluster.lineage.sources import Sources
from cluster.lineage.stars import expand, is_star
from cluster.lineage.unions import Unions
from cluster.lineage.values import Values

Columns = list[tuple[str, Origins]]
WIDEST: Final = 50_000  # stars over stars double what they list; no engine has tables of so many columns


class Queries(Unions, Joins, Sources):
    """Resolves the queries of one script. `made` are the tables of the script itself, `reads` what it has read.
    `functions` are what the functions of the script return.

    Raises Endless for a query of more than WIDEST columns, and after `deadline` (a monotonic time).
    """

    def __init__(self, names: Names, deadline: float = math.inf) -> None:
        self.names, self.deadline = names, deadline
        self.made: dict[Parts, Relation] = {}
        self.reads: dict[Parts, None] = {}
        self.variables: dict[str, Origins] = {}
        self.modifying: Any = None
        self.rows: list[Source] = []
        self.functions: dict[str, Relation] = {}

    def scope(self, ctes: Mapping[str, Relation], outer: Scope | None = None) -> Scope:
        """A new scope; the outermost one lies inside the rows that loops of a procedure go through."""
        if outer is None and self.rows:
            outer = Scope(self.names, {}, None, self.rows)
        return Scope(self.names, ctes, outer, variables=self.variables)

    def relation(self, node: exp.Expr | None, outer: Scope | None, ctes: Mapping[str, Relation]) -> Relation:
        """The result of a query."""
        if isinstance(node, exp.Subquery | exp.Paren):
            ctes = self.with_(node, outer, ctes)
            inner = self.relation(node.this, outer, ctes)
            return self.ordered(node, inner) if node.args.get("order") else inner
        if isinstance(node, exp.Select):
            return self.select(node, outer, self.with_(node, outer, ctes))
        if isinstance(node, exp.SetOperation):
            return self.set_operation(node, outer, ctes)
        if node is None:
            return Relation([])
        scope = self.scope(ctes, outer)
        self.source(node, scope)
        found = scope.sources[0].relation if scope.sources else Relation([])
        return Relation(found.columns, found.rest, found.anything, None, found.influences)

    def ordered(self, node: exp.Expr, result: Relation) -> Relation:
        order = node.args.get("order")
        if order is None:
            return result
        scope = Scope(self.names, {}, None, [Source("", (), result)])
        found = set(result.influences)
        for each in order.expressions:
            found |= self._positional(each, result.columns, scope, SORT)
        result.influences = frozenset(found)
        return result

    def select(self, node: exp.Select, outer: Scope | None, ctes: Mapping[str, Relation]) -> Relation:
        args = node.args
        scope = self.scope(ctes, outer)
        scope.windows = {self.names.identifier(each.this): each for each in args.get("windows") or ()}
        if args.get("from_") is not None:
            self.source(args["from_"].this, scope)
        for lateral in args.get("laterals") or ():
            self.source(lateral, scope)
        for join in args.get("joins") or ():
            self.join(join, scope)
        for pivot in args.get("pivots") or ():
            self.pivot_last(pivot, scope)
        for cte in args["with_"].expressions if args.get("with_") is not None else ():
            if cte.args.get("scalar") and isinstance(cte.this, exp.Expr):  # ClickHouse: a value of this query's columns
                scope.aliases[self.names.identifier(cte.args["alias"].this)] = self.value(cte.this, scope)
        if args.get("match") is not None:
            self.match_recognize(args["match"], scope)
        relation = self.project(node, scope)
        for source in scope.sources:
            scope.influences |= source.relation.influences
        self.clauses(node, scope, relation)
        relation.influences = frozenset(scope.influences)
        return relation

    def project(self, node: exp.Select, scope: Scope) -> Relation:
        columns: Columns = []
        rest: tuple[Origin, ...] = ()
        for position, item in enumerate(node.expressions):
            if is_star(item):
                expanded, more = expand(self, item, scope, node.args.get("exclude"))
                columns += expanded
                rest += more
            elif isinstance(item, exp.Aliases):
                names = [self.names.identifier(name) for name in item.expressions]
                spread = self.stacked(item.this, scope, len(names)) or [self.value(item.this, scope)] * len(names)
                columns += zip(names, spread, strict=True)
            elif isinstance(item, exp.QueryTransform) and item.args.get("schema") is not None:
                origins = self.value(item, scope)
                columns += [(self.column_name(each), origins) for each in item.args["schema"].expressions]
            else:
                name, origins = self.item(item, position, scope)
                columns.append((name, origins))
                scope.aliases.setdefault(name, origins)
        if len(columns) > WIDEST:
            raise Endless(f"more than {WIDEST:,} columns")
        if time.monotonic() > self.deadline:
            raise Endless("the time for one text has run out")
        scope.outputs = columns
        return Relation(columns, rest)

    def item(self, item: exp.Expr, position: int, scope: Scope) -> tuple[str, Origins]:
        """Name and origins of one item of a select list; what has no name is `_col_` and its position."""
        if isinstance(item, exp.Alias):
            return self.names.identifier(item.args["alias"]), self.value(item.this, scope)
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier):
            return self.column(item, scope)
        origins = self.value(item, scope)
        if isinstance(item, exp.Parameter):
            return f"${item.name}" if item.name.isdigit() else f"_col_{position}", origins
        name = "" if isinstance(item, exp.Literal) else item.output_name
        return self.names.fold(name) if name else f"_col_{position}", origins

    def value(self, node: exp.Expr | None, scope: Scope, kind: int = IDENTITY) -> Origins:
        return Values(self, scope).of(node, kind)

    def column(self, node: exp.Expr, scope: Scope) -> tuple[str, Origins]:
        """Spelling and origins of a column."""
        return column(scope, self.names.column_parts(node))

    def influence(self, scope: Scope, node: exp.Expr | None, kind: int) -> None:
        """Notes that an expression decides which rows there are."""
        if node is not None:
            scope.influences |= self.value(node, scope, kind)

    def clauses(self, node: exp.Select, scope: Scope, relation: Relation) -> None:
        args = node.args
        for name in ("prewhere", "where"):
            self.influence(scope, args[name].this if args.get(name) else None, FILTER)
        connect = args.get("connect")
        if connect is not None:
            self.influence(scope, connect.args.get("start"), FILTER)
            self.influence(scope, connect.args.get("connect"), JOIN)
        group = args.get("group")
        if group is not None:
            self.group(group, scope, relation)
        distinct = args.get("distinct")
        if isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None:
            on = distinct.args["on"]
            for each in on.expressions if isinstance(on, exp.Tuple) else [on]:
                self.influence(scope, each, GROUP_BY)
        for name in ("having", "qualify"):
            self.influence(scope, args[name].this if args.get(name) else None, FILTER)
        scope.aliases_first = True
        for name in ("order", "sort", "distribute", "cluster"):
            for each in args[name].expressions if args.get(name) else ():
                scope.influences |= self._positional(each, relation.columns, scope, SORT)
        scope.aliases_first = False

    def group(self, group: exp.Expr, scope: Scope, relation: Relation) -> None:
        grouped = list(group.expressions)
        for name in ("grouping_sets", "cube", "rollup"):
            for each in group.args.get(name) or ():
                grouped += each.expressions if isinstance(each, exp.Expr) else []
        for each in grouped:
            scope.influences |= self._positional(each, relation.columns, scope, GROUP_BY)
        if group.args.get("all"):
            for _, origins in relation.columns:
                if not any(origin.kind == AGGREGATION for origin in origins):
                    scope.influences |= through(origins, GROUP_BY)

    def _positional(self, node: exp.Expr, columns: Columns, scope: Scope, kind: int) -> Origins:
        inner = node.this if isinstance(node, exp.Ordered) else node
        if isinstance(inner, exp.Literal) and not inner.is_string and inner.name.isdigit():
            place = int(inner.name) - 1
            return through(columns[place][1], kind) if 0 <= place < len(columns) else NOWHERE
        return self.value(node, scope, kind)
