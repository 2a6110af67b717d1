"""Rows that are no table's: those of functions, of arrays, and of patterns that are found in others."""

import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage.naming import Names
from cluster.lineage.origins import FILTER, IDENTITY, NOWHERE, SORT, TRANSFORMATION, Origins, Parts, Relation, through
from cluster.lineage.scopes import Scope, Source


class Rows:
    """The part of the resolver that reads what makes rows in FROM."""

    names: Names
    variables: dict[str, Origins]
    functions: dict[str, Relation]

    if TYPE_CHECKING:

        def table(self, node: exp.Table, scope: Scope) -> Relation: ...
        def value(self, node: exp.Expr | None, scope: Scope, kind: int = IDENTITY) -> Origins: ...
        def influence(self, scope: Scope, node: exp.Expr | None, kind: int) -> None: ...
        def base(self, parts: Parts) -> Relation: ...
        def column(self, node: exp.Expr, scope: Scope) -> tuple[str, Origins]: ...

    def column_name(self, node: exp.Expr) -> str:
        return self.names.identifier(node.this if isinstance(node, exp.ColumnDef) else node)

    def unnest(self, node: exp.Unnest, scope: Scope, outside: exp.Expr | None = None) -> None:
        each = [through(self.value(part, scope), TRANSFORMATION) for part in node.expressions]
        alias = (outside or node).args.get("alias") or node.args.get("alias")
        names = [self.column_name(part) for part in alias.args.get("columns") or ()] if alias is not None else []
        every = frozenset(origin for origins in each for origin in origins)
        spread = each if len(names) <= len(each) else [every] * len(names)
        columns = list(zip(names, spread, strict=False))
        offset = node.args.get("offset")
        if isinstance(offset, exp.Identifier):
            columns.append((self.names.identifier(offset), NOWHERE))
        elif offset:
            columns.append(("offset" if self.names.dialect == "bigquery" else "ordinality", NOWHERE))
        name = self.names.identifier(alias.this) if alias is not None and alias.this is not None else ""
        if not name and names and self.names.dialect == "bigquery":
            name = names[0]  # the alias names the element, and fields are reached through it
            scope.sources.append(Source(name, (), Relation(columns, (), every)))
            return
        scope.sources.append(Source(name, (), Relation(columns, (), None if names else every)))

    def function(self, node: Any, scope: Scope, around: exp.Expr | None = None) -> Relation:
        """The rows of a function: its columns come from its arguments."""
        if isinstance(node, exp.Alias):
            node = node.this
        call = node.expression if isinstance(node, exp.Dot) else node
        returned = self.functions.get(call.name.lower()) if isinstance(call, exp.Anonymous) else None
        if returned is not None:  # what it is called with picks the rows
            picks = [through(self.value(each, scope), FILTER) for each in call.expressions]
            return Relation(returned.columns, returned.rest, None, None, returned.influences.union(*picks))
        if self.names.dialect == "clickhouse" and _with_parameters(call):
            return self.base(self.names.qualified((self.names.fold(call.name),)))
        origins = through(self.value(node, scope), TRANSFORMATION)
        origins = frozenset(each for each in origins if each.column is not None or each.confidence < 1)
        defined = _defined(node)
        if defined:
            return Relation([(self.names.identifier(name), origins) for name in defined])
        alias = around.args.get("alias") if around is not None else None
        given = alias.args.get("columns") or () if alias is not None else ()
        if given and isinstance(node, exp.Explode) and around is not None and not around.args.get("view"):
            # FLATTEN: only the element and the whole hold what was in the argument
            holds = {"value", "this", "key"}
            return Relation(
                [(self.column_name(each), origins if each.name.lower() in holds else NOWHERE) for each in given]
            )
        if given:
            spread = self.stacked(node, scope, len(given)) or [origins] * len(given)
            return Relation([(self.column_name(each), one) for each, one in zip(given, spread, strict=True)])
        return Relation([], (), origins)

    def stacked(self, node: exp.Expr, scope: Scope, width: int) -> list[Origins] | None:
        """The columns of STACK(n, a, b, c, d ...), which puts its arguments into rows one after the other."""
        if not isinstance(node, exp.Stack):
            return None
        each = [through(self.value(part, scope), TRANSFORMATION) for part in node.expressions]
        return [frozenset(origin for one in each[place::width] for origin in one) for place in range(width)]

    def semantic(self, node: exp.SemanticView, scope: Scope) -> Relation:
        """SEMANTIC_VIEW: the dimensions, facts and metrics that are asked of a view, each under its last name."""
        view = self.table(node.this, scope)
        inner = Scope(self.names, scope.ctes, None, [Source("", (), view)], variables=self.variables)
        columns: list[tuple[str, Origins]] = []
        for each in [*(node.args.get("dimensions") or ()), *(node.args.get("facts") or ()),
                     *(node.args.get("metrics") or ())]:  # fmt: skip
            for column in each.find_all(exp.Column):  # their qualifiers are the view's own names for its tables
                column.set("table", None)
            columns.append((self.names.fold(each.alias_or_name), self.value(each, inner)))
        self.influence(inner, node.args.get("where"), FILTER)
        return Relation(columns, view.rest, None, view.table, view.influences | inner.influences)

    def match_recognize(self, match: exp.Expr, scope: Scope) -> None:
        """Rows that a pattern finds: partition columns and measures."""
        columns: list[tuple[str, Origins]] = []
        for each in match.args.get("partition_by") or ():
            columns.append(self.column(each, scope) if isinstance(each, exp.Column) else ("", NOWHERE))
        pattern = match.args.get("pattern")  # a name that nothing defines is any row
        variables = {self.names.fold(name) for name in re.findall(r"[^\W\d]\w*", pattern.name if pattern else "")}
        variables |= {self.names.identifier(each.args["alias"]) for each in match.args.get("define") or ()}
        inner = Scope(self.names, scope.ctes, scope.parent, list(scope.sources), variables=self.variables)
        first = scope.sources[0].relation if scope.sources else Relation([])
        inner.sources += [Source(name, (), first, True) for name in variables]
        for each in match.args.get("measures") or ():
            item = each.this
            name = self.names.identifier(item.args["alias"]) if isinstance(item, exp.Alias) else item.output_name
            columns.append((name, self.value(item, inner)))
        for each in match.args.get("define") or ():
            self.influence(inner, each.this, FILTER)
        for each in match.args["order"].expressions if match.args.get("order") else ():
            self.influence(inner, each, SORT)
        alias = match.args.get("alias")
        name = self.names.identifier(alias.this) if alias is not None and alias.this is not None else ""
        influences = first.influences | inner.influences
        scope.sources[:] = [Source(name, (), Relation(columns, first.rest, None, None, influences))]


def _with_parameters(call: exp.Expr) -> bool:
    """Whether it is a view with parameters: `sales_of(day = today())`."""
    return (
        isinstance(call, exp.Anonymous)
        and bool(call.expressions)
        and all(isinstance(each, exp.EQ | exp.PropertyEQ) for each in call.expressions)
    )


def _defined(node: exp.Expr) -> list[Any]:
    """The columns that JSON_TABLE, OPENJSON and XMLTABLE define."""
    if isinstance(node, exp.JSONTable):
        return [each.this for each in node.find_all(exp.JSONColumnDef) if each.this is not None]
    if isinstance(node, exp.OpenJSON):
        columns = [each.this for each in node.expressions]
        return columns or ["key", "value", "type"]
    if isinstance(node, exp.XMLTable):
        return [each.this for each in node.args.get("columns") or () if each.this is not None]
    return []
