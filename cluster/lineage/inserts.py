"""INSERT in all its forms: by position, by name, into partitions, into several tables, with a conflict."""

from collections.abc import Mapping
from typing import Any, Final

from sqlglot import exp

from cluster.lineage.origins import (
    FILTER,
    GUESSED,
    NOWHERE,
    STAR,
    Parts,
    Relation,
)
from cluster.lineage.scopes import Scope, Source
from cluster.lineage.targets import (
    Columns,
    Targets,
    Write,
    defined_columns,
)

# Where PARTITION (a, b) behind a table names partitions; elsewhere it names columns.
_NAMED_PARTITIONS: Final = frozenset({"mysql", "oracle", "starrocks", "doris"})


class Inserts(Targets):
    """Reads INSERT."""

    def insert(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> Scope | None:
        ctes = self.queries.with_(node, None, ctes)
        query = node.expression if node.expression is not None else node.args.get("source") or None
        if isinstance(node.this, exp.Directory | exp.Literal):
            self.found.append(
                Write((node.this.name or str(node.this.this),), self.queries.relation(query, None, ctes).columns)
            )
            return None
        relation = self.queries.relation(query, None, ctes) if isinstance(query, exp.Expr) else Relation([])
        table = self.target(node.this)
        columns = self.placed(node, table, relation)
        write = Write(table, columns, relation.influences, kept=not node.args.get("overwrite"))
        self.found.append(write)
        scope = self.scope(ctes)
        scope.sources = [Source(table[-1], table, self.queries.made.get(table) or self.queries.stored(table))]
        if node.args.get("conflict") is not None:
            self._conflict(node, table, columns, write, scope)
        return scope

    def placed(self, node: exp.Expr, table: Parts, relation: Relation) -> Columns:
        """The columns of a query under the names of the columns that they go into."""
        target = node.this
        names = [self.names.identifier(name) for name, _ in defined_columns(target)]
        inner = target.this if isinstance(target, exp.Schema) else target
        partition = inner.args.get("partition") if isinstance(inner, exp.Table) else None
        partition = partition or node.args.get("partition") or None
        fixed, moving = self._partition(partition)
        if not names:
            known = self.known(table)
            if known is None or node.args.get("by_name"):
                return self._by_name(relation, moving, known)
            outside = {name.lower() for name in (*fixed, *moving)}
            names = [name for name in known if name.lower() not in outside]
        else:
            names = [self.spelled(table, name) for name in names]
            names = [name for name in names if name.lower() not in {each.lower() for each in moving}]
        return self._by_position(relation, [*names, *moving])

    def _partition(self, partition: Any) -> tuple[list[str], list[str]]:
        """The names of partition columns that the statement fixes, and of those that the query fills, at its end."""
        fixed: list[str] = []
        moving: list[str] = []
        if self.names.dialect in _NAMED_PARTITIONS:
            return fixed, moving
        for each in partition.expressions if isinstance(partition, exp.Expr) else ():
            if isinstance(each, exp.EQ):
                fixed.append(self.names.identifier(each.this.this if isinstance(each.this, exp.Column) else each.this))
            elif isinstance(each, exp.Column | exp.Identifier):
                moving.append(self.names.identifier(each.this if isinstance(each, exp.Column) else each))
        return fixed, moving

    def _by_name(self, relation: Relation, moving: list[str], known: list[str] | None) -> Columns:
        columns = list(relation.columns)
        if moving and len(columns) >= len(moving) and not any(name == STAR for name, _ in columns):
            tail = columns[-len(moving) :]
            columns[-len(moving) :] = [(name, origins) for name, (_, origins) in zip(moving, tail, strict=True)]
        if known is not None:
            spelled = {name.lower(): name for name in known}
            columns = [(spelled.get(name.lower(), name), origins) for name, origins in columns]
        return columns

    @staticmethod
    def _by_position(relation: Relation, names: list[str]) -> Columns:
        if any(name == STAR for name, _ in relation.columns):
            # Nobody knows how many columns a star is: those before it have their place, those behind it from the end.
            first = next(place for place, (name, _) in enumerate(relation.columns) if name == STAR)
            before = [(name, origins) for name, (_, origins) in zip(names, relation.columns[:first], strict=False)]
            if len(relation.columns) == 1 and len(relation.rest) == 1:
                table = relation.rest[0]
                return [(name, frozenset({table._replace(column=STAR, confidence=GUESSED)})) for name in names]
            return before + relation.columns[first:]
        paired = [(name, origins) for name, (_, origins) in zip(names, relation.columns, strict=False)]
        beyond = relation.columns[len(names) :]
        return paired + [(name, frozenset(o._replace(confidence=GUESSED) for o in origins)) for name, origins in beyond]

    def _conflict(self, node: exp.Expr, table: Parts, columns: Columns, write: Write, scope: Scope) -> None:
        """ON CONFLICT DO UPDATE, ON DUPLICATE KEY UPDATE: new values may be named, and old ones."""
        new = Relation(list(columns))
        alias = node.args.get("alternative")
        scope.sources += [Source("excluded", (), new, True), Source("new", (), new, True)]
        if isinstance(node.expression, exp.Expr) and node.expression.args.get("alias") is not None:
            scope.sources.append(Source(self.names.fold(node.expression.alias), (), new, True))
        del alias
        for each in node.args["conflict"].expressions:
            if isinstance(each, exp.EQ):
                for call in [*each.expression.find_all(exp.Anonymous)]:
                    if call.name.upper() == "VALUES" and call.expressions:
                        name = call.expressions[0]
                        call.replace(exp.column(name.this if isinstance(name, exp.Column) else name, table="excluded"))
                self.assign(each, table, scope, write)

    def multiple(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        """INSERT ALL, and Hive's FROM ... INSERT ... INSERT."""
        ctes = self.queries.with_(node, None, ctes)
        source = node.args.get("source")
        scope = self.scope(ctes)
        if source is not None:
            self.queries.source(source, scope)
        relation = scope.sources[0].relation if scope.sources else Relation([])
        for each in node.expressions:
            insert, condition = each, None
            if isinstance(each, exp.ConditionalInsert):
                insert, condition = each.this, each.expression
            inner = insert.expression
            if isinstance(inner, exp.Select) and inner.args.get("from_") is None:
                inner = inner.copy()
                inner.set("from_", exp.From(this=source.copy() if source is not None else None))
                part = self.queries.relation(inner, None, ctes)
            elif isinstance(inner, exp.Values):
                part = Relation([(f"_col_{i}", self.queries.value(v, scope))
                                 for row in inner.expressions[:1] for i, v in enumerate(row.expressions)])  # fmt: skip
            elif inner is not None:
                part = self.queries.relation(inner, None, ctes)
            else:
                part = relation
            table = self.target(insert.this)
            filters = self.queries.value(condition, scope, FILTER) if condition is not None else NOWHERE
            self.found.append(Write(table, self.placed(insert, table, part), part.influences | filters))
