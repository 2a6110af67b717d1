"""Walks a qualified query and says from which table columns each of its output columns comes, and how.

Terms follow OpenLineage's column lineage facet 1-2-0: DIRECT (IDENTITY, TRANSFORMATION, AGGREGATION) where values flow,
INDIRECT (JOIN, FILTER, GROUP_BY, SORT, WINDOW, CONDITIONAL) where it only decides which values flow.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
# A count tells how many values there are and none of them: it masks, as it does for OpenLineage's own emitters.
MASKS = (exp.MD5, exp.MD5Digest, exp.SHA, exp.SHA1Digest, exp.SHA2, exp.SHA2Digest, exp.Left, exp.Right, exp.Substring,
         exp.RegexpReplace, exp.Overlay, exp.Count, exp.ApproxDistinct)  # fmt: skip
# PostgreSQL prints some functions of a view with quotes ("left"(x, 3)), which makes them ordinary names to a parser.
MASK_NAMES = frozenset({
    "md5", "sha", "sha1", "sha2", "sha224", "sha256", "sha384", "sha512", "digest", "hmac", "hashtext",
    "hashtextextended", "crypt", "encrypt", "encrypt_iv", "pgp_sym_encrypt", "pgp_pub_encrypt",
    "left", "right", "substr", "substring", "overlay", "regexp_replace", "mask", "count",
})  # fmt: skip
AGGREGATE_NAMES = frozenset({"count", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg"})
_NO_COLUMNS = (exp.Literal, exp.DataType, exp.Identifier, exp.Var, exp.Interval)


@dataclass(frozen=True)
class Origin:
    """A column of a table (the whole table where `column` is None) and the way its values took from there."""

    table: tuple[str, ...]
    column: str | None
    subtype: str = "IDENTITY"
    masking: bool = False
    confidence: float = 1.0

    def through(self, subtype: str, masking: bool = False) -> "Origin":
        """The same origin after one more step: the strongest of direct steps stays, an indirect one is final."""
        if self.subtype not in DIRECT:
            return self
        if subtype in DIRECT:
            subtype = max(self.subtype, subtype, key=DIRECT.index)
        return replace(self, subtype=subtype, masking=self.masking or masking)


Origins = frozenset[Origin]
NOWHERE: Origins = frozenset()


def _via(origins: Iterable[Origin], subtype: str, masking: bool = False) -> Origins:
    return frozenset(origin.through(subtype, masking) for origin in origins)


class Trace:
    """The lineage of one statement. `known` holds the columns of each table of the schema."""

    def __init__(self, known: Mapping[tuple[str, ...], frozenset[str]]) -> None:
        self.known = known
        self._outputs: dict[int, list[tuple[str, Origins]]] = {}
        self._influences: dict[int, Origins] = {}

    def outputs(self, scope: Scope) -> list[tuple[str, Origins]]:
        """Name and origins of each output column of a query, in order."""
        key = id(scope.expression)  # a recursive query names its first part by another scope over the same expression
        if key not in self._outputs:
            self._outputs[key] = []  # what a query reads of itself while it is being resolved adds nothing
            self._outputs[key] = self._resolve_outputs(scope)
        return self._outputs[key]

    def influences(self, scope: Scope) -> Origins:
        """What decides which rows the query returns, in which order, by clauses of its own or of what it reads."""
        key = id(scope.expression)
        if key not in self._influences:
            self._influences[key] = NOWHERE
            found = set(self._clauses(scope))
            for part in (*_arms(scope), *self._read_by(scope)):
                found |= self.influences(part)
            self._influences[key] = frozenset(found)
        return self._influences[key]

    def _resolve_outputs(self, scope: Scope) -> list[tuple[str, Origins]]:
        query = scope.expression
        if isinstance(query, exp.SetOperation) and _arms(scope):
            return self._set_operation(query, *(self.outputs(part) for part in _arms(scope)))
        if isinstance(query, exp.Select):
            return [(item.alias_or_name, self.value(item, scope)) for item in query.selects]
        if isinstance(query, exp.Lateral) and scope.subquery_scopes:
            return self.outputs(scope.subquery_scopes[0])
        inputs = frozenset(o for item in query.args.values() for o in self._values(item, scope.parent or scope))
        return [(name, _via(inputs, "TRANSFORMATION")) for name in query.alias_column_names or [query.alias_or_name]]

    @staticmethod
    def _set_operation(
        query: exp.Expr, left: list[tuple[str, Origins]], right: list[tuple[str, Origins]]
    ) -> list[tuple[str, Origins]]:
        joined = []
        for position, (name, origins) in enumerate(left):
            other = right[position][1] if position < len(right) else NOWHERE
            joined.append((name, origins | (other if isinstance(query, exp.Union) else _via(other, "FILTER"))))
        return joined

    @staticmethod
    def _read_by(scope: Scope) -> list[Scope]:
        """The queries that a query selects from."""
        if isinstance(scope.expression, exp.Lateral):
            return list(scope.subquery_scopes)
        return [source for _, source in scope.selected_sources.values() if isinstance(source, Scope)]

    def _clauses(self, scope: Scope) -> Iterator[Origin]:
        query = scope.expression
        if not isinstance(query, exp.Query):
            return
        for join in scope.find_all(exp.Join):  # PostgreSQL prints joins in parentheses, below the query's own list
            yield from _via(self._values(join.args.get("on"), scope), "JOIN")
        distinct = query.args.get("distinct")
        clauses = (("where", "FILTER"), ("having", "FILTER"), ("group", "GROUP_BY"), ("order", "SORT"))
        for clause, subtype in clauses:
            yield from _via(self._values(query.args.get(clause), scope), subtype)
        if isinstance(distinct, exp.Distinct):
            yield from _via(self._values(distinct.args.get("on"), scope), "GROUP_BY")

    def _values(self, item: object, scope: Scope) -> Origins:
        if isinstance(item, list):
            return frozenset(origin for part in item for origin in self._values(part, scope))
        return self.value(item, scope) if isinstance(item, exp.Expr) else NOWHERE

    def value(self, node: exp.Expr, scope: Scope) -> Origins:
        """The origins of an expression's value."""
        column = _as_column(node)
        if column is not None:
            return self._column(column, scope)
        if isinstance(node, exp.Alias | exp.Paren):
            return self.value(node.this, scope)
        if isinstance(node, exp.Query):
            return self._subquery(node, scope)
        if isinstance(node, exp.Star):  # still there after qualification: the columns of a table nobody knows
            return frozenset(replace(origin, confidence=0.3) for origin in self._rows(scope))
        return NOWHERE if isinstance(node, _NO_COLUMNS) else self._operation(node, scope)

    def _operation(self, node: exp.Expr, scope: Scope) -> Origins:
        indirect = _indirect_parts(node)
        found: set[Origin] = set()
        masking, subtype = _masks(node), "AGGREGATION" if _aggregates(node) else "TRANSFORMATION"
        if isinstance(node, exp.Window | exp.Filter | exp.Order | exp.Distinct | exp.Tuple):
            subtype = "IDENTITY"  # the function inside says what happens to the value
        for named in _named_windows(node, scope):
            found |= _via(self._values([named.args.get("partition_by"), named.args.get("order")], scope), "WINDOW")
        for name, part in node.args.items():
            if name in indirect:
                found |= _via(self._values(part, scope), indirect[name])
            elif isinstance(part, exp.Star) and isinstance(node, exp.Count):
                found |= {replace(origin, masking=True, subtype="AGGREGATION") for origin in self._rows(scope)}
            else:
                found |= _via(self._values(part, scope), subtype, masking)
        return frozenset(found)

    def _subquery(self, node: exp.Expr, scope: Scope) -> Origins:
        query = node.unnest()
        for inner in scope.subquery_scopes:
            if inner.expression in (query, node):
                values = (origin for _, origins in self.outputs(inner) for origin in origins)
                return frozenset(values) | self.influences(inner)
        return NOWHERE

    def _column(self, column: exp.Column, scope: Scope) -> Origins:
        name, at = column.name, scope
        while column.table and column.table not in at.sources and at.parent is not None:
            at = at.parent  # a correlated subquery names a table of the query around it
        source = at.sources.get(column.table or name)
        if isinstance(source, exp.Table):
            return self._of_table(source, column, at)
        if isinstance(source, Scope):
            outputs = self.outputs(source)
            named = [origins for output, origins in outputs if output == name]
            return named[0] if named else _via((o for _, origins in outputs for o in origins), "TRANSFORMATION")
        return self._bare(name, scope)

    def _bare(self, name: str, scope: Scope) -> Origins:
        """A name without a table: an output of the query itself (ORDER BY), or a column of a table nobody knows."""
        if isinstance(scope.expression, exp.Query) and id(scope.expression) in self._outputs:
            for output, origins in self._outputs[id(scope.expression)]:
                if output == name:
                    return origins
        tables = [t for _, t in scope.selected_sources.values() if isinstance(t, exp.Table) and t.name]
        unknown = [t for t in tables if table_name(t) not in self.known] or tables
        return frozenset(Origin(table_name(table), name, confidence=round(0.5 / len(unknown), 2)) for table in unknown)

    def _of_table(self, table: exp.Table, column: exp.Column, scope: Scope) -> Origins:
        if isinstance(table.this, exp.Func):  # a function in FROM: its rows come from its arguments
            return _via(self._values(list(table.this.args.values()), scope), "TRANSFORMATION")
        if not table.name:
            return NOWHERE
        name = table_name(table)
        columns = self.known.get(name)
        if column.table and not isinstance(column.this, exp.Star):
            certain = columns is not None and column.name in columns
            return frozenset({Origin(name, column.name, confidence=1.0 if certain else 0.5)})
        if columns:  # the row as a whole
            return frozenset(Origin(name, each, "TRANSFORMATION") for each in sorted(columns))
        return frozenset({Origin(name, None, confidence=0.3)})

    def _rows(self, scope: Scope) -> Origins:
        """The tables whose rows a query reads, each as a whole."""
        found: set[Origin] = set()
        for _, source in scope.selected_sources.values():
            if isinstance(source, exp.Table):
                found |= {Origin(table_name(source), None)} if source.name else NOWHERE
            else:
                for part in (source, *_arms(source)):
                    found |= self._rows(part)
        return frozenset(found)


def _arms(scope: Scope) -> list[Scope]:
    """The two queries of a set operation, none for any other query."""
    arms: list[Scope] = scope.set_operation_scopes
    return arms


def table_name(table: exp.Table) -> tuple[str, ...]:
    """Schema and name of a table, or its name alone; a database in front is left out."""
    return (table.db, table.name) if table.db else (table.name,)


def _as_column(node: exp.Expr) -> exp.Column | None:
    """A column, or what stands for one: a table's name for its whole row, `(table).column` for a part of that."""
    if isinstance(node, exp.TableColumn):
        return exp.column(exp.Star(), table=node.this)
    if isinstance(node, exp.Dot) and isinstance(row := node.this.unnest(), exp.TableColumn):
        return exp.column(node.expression, table=row.this)
    return node if isinstance(node, exp.Column) else None


def _named_windows(node: exp.Expr, scope: Scope) -> list[exp.Expr]:
    """The definitions under WINDOW that `OVER name` refers to."""
    if not isinstance(node, exp.Window) or not node.alias:
        return []
    return [window for window in scope.expression.args.get("windows") or [] if window.name == node.alias]


def _indirect_parts(node: exp.Expr) -> dict[str, str]:
    if isinstance(node, exp.Case | exp.If):
        return {"this": "CONDITIONAL"}
    if isinstance(node, exp.Window):
        return {"partition_by": "WINDOW", "order": "WINDOW"}
    if isinstance(node, exp.Filter):
        return {"expression": "CONDITIONAL"}
    if isinstance(node, exp.Order) and node.this is not None:
        return {"expressions": "SORT"}
    return {}


def _aggregates(node: exp.Expr) -> bool:
    named = isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATE_NAMES
    return named or isinstance(node, exp.AggFunc | exp.WithinGroup)


def _masks(node: exp.Expr) -> bool:
    named = isinstance(node, exp.Anonymous) and node.name.lower() in MASK_NAMES
    return named or isinstance(node, MASKS)
