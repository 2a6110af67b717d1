"""Expressions that make a value of parts, or take a part out of one: the origins keep their places."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage.fields import alike, members, taken
from cluster.lineage.naming import split
from cluster.lineage.origins import AGGREGATION, SORT, TRANSFORMATION, Origin, inside, put, through
from cluster.lineage.scopes import Scope

if TYPE_CHECKING:
    from cluster.lineage.queries import Queries

Work = tuple[Any, int, bool, frozenset[str]]


class Composites:
    """The part of the walk through an expression that knows structs, rows, documents and arrays of them."""

    queries: "Queries"
    scope: Scope
    found: set[Origin]

    if TYPE_CHECKING:

        def add(self, origins: Any, kind: int, masking: bool) -> None: ...
        def operation(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None: ...
        def of(self, node: exp.Expr | None, kind: int = 0, bound: frozenset[str] = ...) -> frozenset[Origin]: ...
        def apart(self) -> "Composites": ...

    def whole(self, node: Any, bound: frozenset[str]) -> frozenset[Origin]:
        """A value with its parts, as it is before anything is done to it."""
        return self.apart().of(node, bound=bound)

    def made(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """STRUCT, ROW, JSON_OBJECT: a value of parts, which a field takes out again."""
        parts = members(node, self.queries.names.dialect)
        if parts is None:
            self.operation(node, kind, masking, bound, stack)
            return
        for name, part in parts:
            self.add(put(self.whole(part, bound), name), kind, masking)

    def extracted(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """A field, a key, an element: the part of the value that the path leads to."""
        found = taken(node)
        if found is None:
            self.operation(node, kind, masking, bound, stack)
            return
        value, path = found
        self.add(through(inside(self.whole(value, bound), path), TRANSFORMATION), kind, masking)

    def gathered(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """ARRAY_AGG of structs: the parts of an element are those of the structs."""
        value, sorting = node.this, []
        while isinstance(value, exp.Limit | exp.Order):
            sorting += value.expressions if isinstance(value, exp.Order) else []
            value = value.this
        if kind > AGGREGATION or masking or members(value, self.queries.names.dialect) is None:
            self.operation(node, kind, masking, bound, stack)
            return
        self.found.update(through(self.whole(value, bound), AGGREGATION))
        stack.extend((each, SORT, False, bound) for each in sorting)

    def shaped(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """A value in another form, with its parts where they were."""
        named = alike(node, self.queries.names.dialect)
        for each in [] if named else [node.this, *node.expressions]:
            if isinstance(each, exp.Expr):
                self.add(through(self.whole(each, bound), TRANSFORMATION), kind, masking)
        for name, part in named:
            self.add(through(put(self.whole(part, bound), name), TRANSFORMATION), kind, masking)

    def looked_up(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """ClickHouse's dictGet('d', 'a', key): the attribute of a dictionary, which is read as a table is."""
        names = self.queries.names
        first, asked = node.expressions[0], node.expressions[1]
        if not isinstance(first, exp.Literal | exp.Column):  # nobody knows which
            stack.extend((each, max(kind, TRANSFORMATION), masking, bound) for each in node.expressions)
            return
        written = split(first.name) if isinstance(first, exp.Literal) else first.parts
        relation = self.queries.base(names.qualified(tuple(names.table_part(part) for part in written)))
        attributes = [each.name for each in (asked.expressions or [asked]) if isinstance(each, exp.Literal)]
        for name in attributes if node.name.lower().startswith("dictget") else ():
            found = relation.find(name)
            self.add(found[1] if found is not None else relation.possible(name), max(kind, TRANSFORMATION), masking)
        stack.extend((each, max(kind, TRANSFORMATION), masking, bound) for each in node.expressions[1:])
