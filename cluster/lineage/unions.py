"""Common table expressions, also those that read themselves, and set operations."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from cluster.lineage.naming import Names
from cluster.lineage.origins import FILTER, IDENTITY, NOWHERE, STAR, Origins, Relation, through, together
from cluster.lineage.scopes import Scope

ROUNDS: Final = 12


class Unions:
    """The part of the resolver that reads WITH, UNION, EXCEPT and INTERSECT."""

    names: Names
    variables: dict[str, Origins]
    modifying: Any

    if TYPE_CHECKING:

        def relation(self, node: exp.Expr | None, outer: Scope | None, ctes: Mapping[str, Relation]) -> Relation: ...
        def scope(self, ctes: Mapping[str, Relation], outer: Scope | None = None) -> Scope: ...
        def value(self, node: exp.Expr | None, scope: Scope, kind: int = IDENTITY) -> Origins: ...
        def ordered(self, node: exp.Expr, result: Relation) -> Relation: ...

    def with_(self, node: exp.Expr, outer: Scope | None, ctes: Mapping[str, Relation]) -> Mapping[str, Relation]:
        """The common table expressions that a statement may read: those around it and its own."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            name = self.names.identifier(cte.args["alias"].this) if cte.args.get("alias") else ""
            if cte.args.get("scalar"):  # ClickHouse's WITH value AS name
                value = self.value(cte.this, self.scope(known, outer)) if isinstance(cte.this, exp.Expr) else NOWHERE
                self.variables[name] = value
                continue
            known[name] = self.cte(cte, name, outer, known, bool(clause.args.get("recursive")))
        return known

    def cte(
        self, cte: exp.Expr, name: str, outer: Scope | None, known: Mapping[str, Relation], recursive: bool
    ) -> Relation:
        columns = [self.names.identifier(each) for each in cte.args["alias"].columns] if cte.args.get("alias") else []
        body = cte.this
        if isinstance(body, exp.DML) and self.modifying is not None:
            return _named(self.modifying(body, known), columns)
        if not isinstance(body, exp.Query | exp.Values | exp.Table):  # WITH 1 AS x
            scope = self.scope(known, outer)
            return Relation([(name, self.value(body, scope))])
        reads_itself = isinstance(body, exp.SetOperation) and any(
            table.name and not table.db and self.names.table_part(table.this).lower() == name.lower()
            for table in body.find_all(exp.Table)
        )
        if not reads_itself or (name in known and not recursive):
            return _named(self.relation(body, outer, known), columns)
        return self.recursive(body, name, columns, outer, known)

    def recursive(
        self, body: exp.Expr, name: str, columns: list[str], outer: Scope | None, known: Mapping[str, Relation]
    ) -> Relation:
        """A query that reads itself: its first part says the columns, and what they come from grows until it stays."""
        first = body
        while isinstance(first, exp.SetOperation):
            first = first.this
        so_far = _named(self.relation(first, outer, known), columns)
        for _ in range(ROUNDS):
            now = _named(self.relation(body, outer, {**known, name: so_far}), columns)
            if now.columns == so_far.columns and now.influences == so_far.influences:
                break
            so_far = now
        return so_far

    def set_operation(self, node: exp.Expr, outer: Scope | None, ctes: Mapping[str, Relation]) -> Relation:
        steps: list[exp.Expr] = []
        at: exp.Expr = node
        while isinstance(at, exp.SetOperation):
            ctes = self.with_(at, outer, ctes)
            steps.append(at)
            at = at.this
        result = self.relation(at, outer, ctes)
        for step in reversed(steps):
            result = _joined(step, result, self.relation(step.expression, outer, ctes))
            result = self.ordered(step, result)
        return result

    def union_all(self, relations: list[Relation]) -> Relation:
        found = relations[0]
        for other in relations[1:]:
            found = _joined(exp.Union(), found, other)
        return found


def _named(relation: Relation, columns: list[str]) -> Relation:
    return relation.renamed(columns) if columns else relation


def _joined(step: exp.Expr, left: Relation, right: Relation) -> Relation:
    """A set operation: by position, or by name where it says so or stars leave positions open."""
    if isinstance(step, exp.Except):
        other = [(name, through(origins, FILTER)) for name, origins in right.columns]
    else:
        other = list(right.columns)
    starred = any(name == STAR for name, _ in (*left.columns, *other))
    influences = left.influences | right.influences
    if step.args.get("by_name") or starred:
        columns = list(left.columns)
        places = {name.lower(): place for place, (name, _) in enumerate(columns)}
        for name, origins in other:
            place = places.get(name.lower())
            if place is None:
                columns.append((name, origins))
            else:
                columns[place] = (columns[place][0], together(columns[place][1], origins))
        return Relation(columns, left.rest + right.rest, None, None, influences)
    columns = [
        (name, together(origins, other[place][1]) if place < len(other) else origins)
        for place, (name, origins) in enumerate(left.columns)
    ]
    return Relation(columns, left.rest, left.anything, None, influences)
