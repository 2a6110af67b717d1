"""What statements write: the tables and columns that they name, and what goes into them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlglot import exp

from cluster.lineage.origins import (
    NOBODY,
    NOWHERE,
    STAR,
    Origin,
    Origins,
    Parts,
    Relation,
)
from cluster.lineage.queries import Queries
from cluster.lineage.scopes import Scope

Columns = list[tuple[str, Origins]]
NO_CTES: Final[Mapping[str, Relation]] = {}
OUTPUT: Final = "output"  # in a statement's meta: what its OUTPUT clause writes, as an INSERT


@dataclass(slots=True)
class Write:
    """What one statement puts into one table. `made`: the statement makes the table; `kept`: what it held stays."""

    table: Parts
    columns: Columns
    influences: Origins = NOWHERE
    made: bool = False
    kept: bool = True
    transient: bool = False
    rest: tuple[Origin, ...] = ()
    defined: dict[str, str] = field(default_factory=dict)


class Targets:
    """What every kind of statement needs. `found` are the writes of the statement being read."""

    def __init__(self, queries: Queries) -> None:
        self.queries, self.names = queries, queries.names
        self.found: list[Write] = []

    def scope(self, ctes: Mapping[str, Relation]) -> Scope:
        return self.queries.scope(ctes)

    def make(self, table: Parts, relation: Relation, transient: bool = False, columns: list[str] | None = None) -> None:
        named = relation.renamed(columns) if columns else relation
        self.found.append(Write(table, named.columns, relation.influences, True, False, transient, named.rest))

    def target(self, table: exp.Expr) -> Parts:
        """The name of a table that is written."""
        if isinstance(table, exp.Schema):
            table = table.this
        if isinstance(table, exp.Table):
            if isinstance(table.this, exp.Parameter):
                return ("@" + table.this.name.lower(),)
            if isinstance(table.this, exp.Func):
                return self._function_target(table.this)
            raw = self.names.raw(table)
            apart = raw == NOBODY or (raw and raw[0].startswith(("#", "@")))
            return raw if apart else self.names.qualified(raw or ("?",))
        return (table.name or "?",)

    def _function_target(self, node: exp.Expr) -> Parts:
        """INSERT INTO FUNCTION remote(...), and names that look like calls: `t (a, b)`."""
        return (str(node.name or node.key)[:200],)

    def known(self, table: Parts) -> list[str] | None:
        """The columns of a table that is written, None if nobody knows them."""
        made = self.queries.made.get(table)
        if made is not None and made.columns and not any(name == STAR for name, _ in made.columns):
            return [name for name, _ in made.columns]
        columns = self.names.columns(table)
        return list(columns) if columns else None

    def spelled(self, table: Parts, name: str) -> str:
        for each in self.known(table) or ():
            if each.lower() == name.lower():
                return each
        return name

    def assign(self, assignment: exp.Expr, table: Parts, scope: Scope, write: Write) -> None:
        left, right = assignment.this, assignment.expression
        if isinstance(left, exp.Tuple | exp.Paren) and isinstance(right, exp.Subquery | exp.Query):
            relation = self.queries.relation(right, scope, scope.ctes)
            targets = left.expressions if isinstance(left, exp.Tuple) else [left.this]
            values: list[Origins] = [origins | relation.influences for _, origins in relation.columns]
        elif isinstance(left, exp.Tuple):
            targets = left.expressions
            given = right.expressions if isinstance(right, exp.Tuple) else [right]
            values = [self.queries.value(each, scope) for each in given]
        else:
            given = [] if _is_default(right) else [right]
            targets, values = [left], [self.queries.value(each, scope) for each in given]
        for target, origins in zip(targets, values, strict=False):
            if isinstance(target, exp.Parameter):
                continue
            write.columns.append((self.spelled(table, self.assigned(target, scope)), origins))
            if any(origin.table == table for origin in origins) and table not in self.queries.made:
                self.queries.reads[table] = None

    def assigned(self, target: exp.Expr, scope: Scope) -> str:
        """The column that is assigned, for a field of a struct the struct."""
        while isinstance(target, exp.Bracket | exp.Paren):
            target = target.this
        parts = (
            [self.names.identifier(part) for part in target.parts] if isinstance(target, exp.Column | exp.Dot) else []
        )
        if not parts:
            return target.name
        found = scope.named(tuple(parts)) if len(parts) > 1 else None
        if found is not None:
            return parts[found[1]]
        if len(parts) == 1 or not scope.sources:
            return parts[-1]
        written = scope.sources[0].relation  # whose qualifiers the scope knows: any other is a struct's name
        return parts[0] if written.find(parts[0]) or self.names.dialect == "bigquery" else parts[-1]


def tables_of(node: Any) -> list[Any]:
    if node is None or node is False:
        return []
    if isinstance(node, list):
        return node
    return [node.this] if isinstance(node, exp.From) else [node]


def into_clause(node: Any) -> Any:
    while isinstance(node, exp.SetOperation):
        node = node.this
    return node.args.get("into") if isinstance(node, exp.Select) else None


def temporary(table: Any) -> bool:
    if not isinstance(table, exp.Table):
        return False
    if isinstance(table.this, exp.Parameter):
        return True
    marked = table.this is not None and (table.this.args.get("temporary") or table.this.args.get("global_"))
    return bool(marked) or table.name.startswith(("#", "@"))


def defined_columns(target: Any) -> list[tuple[Any, str]]:
    """The columns that a statement lists behind a table's name, with their types."""
    if not isinstance(target, exp.Schema):
        return []
    found = []
    for each in target.expressions:
        if isinstance(each, exp.ColumnDef):
            found.append((each.this, each.args["kind"].sql() if each.args.get("kind") is not None else ""))
        elif isinstance(each, exp.Identifier):
            found.append((each, ""))
        elif isinstance(each, exp.Column):
            found.append((each.this, ""))
    return found


def _is_default(node: exp.Expr) -> bool:
    """SET x = DEFAULT."""
    return isinstance(node, exp.Column) and len(node.parts) == 1 and node.sql().upper() == "DEFAULT"
