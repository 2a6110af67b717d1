"""Statements that write: which columns of which tables they fill, and from where."""

from collections.abc import Mapping
from typing import Any, Final

from sqlglot import exp

from cluster.lineage.changes import Changes
from cluster.lineage.origins import (
    NOWHERE,
    QUERY,
    STAR,
    Parts,
    Relation,
)
from cluster.lineage.queries import Queries
from cluster.lineage.scopes import Scope, Source
from cluster.lineage.sources import is_file
from cluster.lineage.targets import (
    NO_CTES,
    OUTPUT,
    Columns,
    Write,
    defined_columns,
    into_clause,
    temporary,
)


class Writes(Changes):
    """Reads statements with the names and tables of one script."""

    def __init__(self, queries: Queries) -> None:
        super().__init__(queries)
        queries.modifying = self.modifying

    def statement(self, node: exp.Expr) -> bool:
        """Notes what a statement writes. False if it is of no kind that moves data."""
        for kinds, method in _KINDS:
            if isinstance(node, kinds):
                scope = method(self, node, NO_CTES)
                if scope is not None and OUTPUT in node.meta:
                    self._output(node.meta[OUTPUT], scope, self.found[-1].table)
                return True
        return False

    def _output(self, node: exp.Expr, scope: Scope, changed: Parts) -> None:
        """OUTPUT ... INTO: rows of the changed table, as they are after it and were before, go into another one."""
        rows = self.queries.made.get(changed) or self.queries.stored(changed)
        scope.sources[:0] = [Source(name, (), rows, True) for name in ("inserted", "deleted")]
        relation = self.queries.project(node.expression, scope)
        if any(origin.table == changed for origin in relation.every()):
            self.queries.reads[changed] = None
        table = self.target(node.this)
        self.found.append(Write(table, self.placed(node, table, relation)))

    def modifying(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> Relation:
        """A statement in a WITH clause: what it returns."""
        scope = None
        for kinds, method in _KINDS:
            if isinstance(node, kinds):
                scope = method(self, node, ctes)
                break
        returning = node.args.get("returning")
        if returning is None or scope is None:
            return Relation([])
        relation = self.queries.project(exp.Select(expressions=returning.expressions), scope)
        changed = self.found[-1].table
        if any(origin.table == changed for origin in relation.every()):  # what its rows held goes on
            self.queries.reads[changed] = None
        return relation

    def query(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        inner = node.unnest() if isinstance(node, exp.Subquery) else node
        if self._assigns(inner, ctes):
            return
        into = into_clause(inner)
        relation = self.queries.relation(node, None, ctes)
        if into is not None and isinstance(into.this, exp.Table):
            self.make(self.target(into.this), relation, bool(into.args.get("temporary")) or temporary(into.this))
            return
        self.found.append(Write(QUERY, relation.columns, relation.influences))

    def _assigns(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> bool:
        """T-SQL's SELECT @a = x FROM t: variables take the values."""
        if not isinstance(node, exp.Select):
            return False
        given = [each for each in node.expressions
                 if isinstance(each, exp.EQ | exp.PropertyEQ) and isinstance(each.this, exp.Parameter)]  # fmt: skip
        if not given or len(given) != len(node.expressions):
            return False
        select = node.copy()
        select.set("expressions", [each.expression.copy() for each in given])
        relation = self.queries.relation(select, None, ctes)
        for each, (_, origins) in zip(given, relation.columns, strict=False):
            self.queries.variables["@" + each.this.name.lower()] = origins
        return True

    def create(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        kind = str(node.args.get("kind") or "").upper()
        if kind not in ("TABLE", "VIEW", "MATERIALIZED VIEW", "DYNAMIC TABLE", "DICTIONARY", "MODEL", ""):
            return
        ctes = self.queries.with_(node, None, ctes)
        target, query = node.this, node.expression
        properties = node.args["properties"].expressions if node.args.get("properties") else []
        table = self.target(target)
        for each in properties:
            if isinstance(each, exp.ToTableProperty):
                table = self.target(each.this)
        transient = any(isinstance(p, exp.TemporaryProperty | exp.VolatileProperty) for p in properties)
        transient = transient or temporary(target.this if isinstance(target, exp.Schema) else target)
        given = defined_columns(target)
        columns = [self.names.identifier(name) for name, _ in given]
        likes = [p for p in [*properties, *(target.expressions if isinstance(target, exp.Schema) else [])]
                 if isinstance(p, exp.LikeProperty)]  # fmt: skip
        if isinstance(query, exp.Subquery | exp.Query | exp.Values | exp.Pivot | exp.Table):
            by_name = self.names.dialect == "mysql" and any(kind for _, kind in given)
            self.make(table, self.queries.relation(query, None, ctes), transient, [] if by_name else columns)
        elif node.args.get("clone") is not None:
            self.make(table, self.queries.table(node.args["clone"].this, self.scope(ctes)), transient)
        elif likes:
            source = self.queries.table(likes[0].this, self.scope(ctes))
            names: Columns = [(name, NOWHERE) for name, _ in source.columns if name != STAR]
            self.found.append(Write(table, names, NOWHERE, True, False, transient))
        elif query is None or isinstance(query, exp.Schema):
            types = {self.names.identifier(name): kind for name, kind in given}
            empty: Columns = [(name, NOWHERE) for name in columns]
            self.found.append(Write(table, empty, NOWHERE, True, bool(node.args.get("exists")), transient, (), types))

    def cache(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        if node.expression is not None:
            self.make(self.target(node.this), self.queries.relation(node.expression, None, ctes), True)

    def alter(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        for action in node.args.get("actions") or ():
            if isinstance(action, exp.AlterRename):
                continue  # the script follows names
            if isinstance(action, exp.Query | exp.Subquery):
                self.make(self.target(node.this), self.queries.relation(action, None, ctes))
            elif isinstance(action, exp.Delete):  # ClickHouse
                action.set("this", node.this)
                self.delete(action, ctes)
            elif isinstance(action, exp.ReplacePartition):
                self.insert(exp.Insert(this=node.this, expression=exp.select("*").from_(action.args["source"])), ctes)
            elif isinstance(action, exp.SwapTable):
                one, other = self.target(node.this), self.target(action.this)
                for table, source in ((one, other), (other, one)):
                    self.found.append(Write(table, self.queries.base(source).columns))

    def copy(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        """COPY into a table writes it, COPY out of a table or query reads it; files are no tables."""
        target, files = node.this, node.args.get("files") or []
        out = node.args.get("kind") is False
        stage = isinstance(target, exp.Table) and isinstance(target.this, exp.Var | exp.Literal)
        if out or stage or isinstance(target, exp.Subquery | exp.Query | exp.Literal):
            for each in [target, *files] if not out else [target]:
                if isinstance(each, exp.Subquery | exp.Query):
                    self.queries.relation(each, None, ctes)
                elif isinstance(each, exp.Schema | exp.Table) and not is_file(each):
                    self.queries.table(each.this if isinstance(each, exp.Schema) else each, self.scope(ctes))
            return
        table = self.target(target)
        columns: Columns = []
        for each in files:
            if isinstance(each, exp.Subquery | exp.Query):
                columns = self.placed(exp.Insert(this=target), table, self.queries.relation(each, None, ctes))
                columns = self._without_files(each, columns)
        self.found.append(Write(table, columns))

    def _without_files(self, query: exp.Expr, columns: Columns) -> Columns:
        paths = {(table.this.name,) for table in query.find_all(exp.Table) if is_file(table)}
        for path in paths:
            self.queries.reads.pop(path, None)
        return [(name, frozenset(each for each in origins if each.table not in paths)) for name, origins in columns]

    def load(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        self.found.append(Write(self.target(node.this), []))

    def export(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        """EXPORT DATA: files are no tables, but what goes into them is read."""
        self.queries.relation(node.this, None, ctes)

    def truncate(self, node: exp.Expr, ctes: Mapping[str, Relation]) -> None:
        for each in node.expressions:
            self.found.append(Write(self.target(each), [], kept=False))


_KINDS: Final[Any] = (
    ((exp.Insert,), Writes.insert),
    ((exp.MultitableInserts,), Writes.multiple),
    ((exp.Update,), Writes.update),
    ((exp.Merge,), Writes.merge),
    ((exp.Delete,), Writes.delete),
    ((exp.Create,), Writes.create),
    ((exp.Copy,), Writes.copy),
    ((exp.LoadData,), Writes.load),
    ((exp.Export,), Writes.export),
    ((exp.TruncateTable,), Writes.truncate),
    ((exp.Cache,), Writes.cache),
    ((exp.Alter,), Writes.alter),
    ((exp.Subquery, exp.Query, exp.Values, exp.Pivot), Writes.query),
)
