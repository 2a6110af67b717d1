"""Expressions of which some parts only decide: conditions, windows, orders. What they decide on flows, they do not."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage.composites import Work
from cluster.lineage.origins import AGGREGATION, CONDITIONAL, SORT, TRANSFORMATION, WINDOW, Origin
from cluster.lineage.scopes import Scope

if TYPE_CHECKING:
    from cluster.lineage.queries import Queries


class Decisions:
    """The part of the walk through an expression that tells values from what decides between them."""

    queries: "Queries"
    scope: Scope

    if TYPE_CHECKING:

        def add(self, origins: Any, kind: int, masking: bool) -> None: ...
        def operation(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None: ...

    def exists(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        if not isinstance(node.this, exp.Query):
            self.operation(node, kind, masking, bound, stack)
            return
        relation = self.queries.relation(node.this, self.scope, self.scope.ctes)
        self.add(relation.influences, kind, False)
        if not relation.influences:  # whether there are rows at all
            self.add([Origin(o.table, None) for o in relation.every() if o.table], max(kind, CONDITIONAL), False)

    def membership(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.this, max(kind, TRANSFORMATION), True, bound))
        stack.extend((each, max(kind, TRANSFORMATION), True, bound) for each in node.expressions)
        for name in ("query", "unnest", "field"):
            part = node.args.get(name)
            stack.append((part.expressions[0] if isinstance(part, exp.Unnest) and part.expressions else part,
                          kind if kind > AGGREGATION else CONDITIONAL, False, bound))  # fmt: skip

    def case(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.this, CONDITIONAL, False, bound))
        direct = max(kind, TRANSFORMATION)
        for branch in node.args.get("ifs") or ():
            stack.append((branch.this, CONDITIONAL, False, bound))
            stack.append((branch.args.get("true"), direct, masking, bound))
        for name in ("true", "false", "default"):
            stack.append((node.args.get(name), direct, masking, bound))

    def decode(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        given = node.expressions
        for position, each in enumerate(given):
            last = position == len(given) - 1 and len(given) % 2 == 0
            condition = position == 0 or (position % 2 == 1 and not last)
            stack.append(
                (each, CONDITIONAL if condition else max(kind, TRANSFORMATION), masking and not condition, bound)
            )

    def choice(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """NVL2 and the like: the first argument only decides."""
        for name, part in node.args.items():
            if isinstance(part, exp.Expr):
                stack.append((part, CONDITIONAL if name == "this" else max(kind, TRANSFORMATION), masking, bound))

    def window(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.this, kind, masking, bound))
        definitions = [node]
        named = self.scope.windows.get(self.queries.names.fold(node.alias)) if node.alias else None
        definitions += [named] if isinstance(named, exp.Expr) else []
        for each in definitions:
            stack.extend((part, WINDOW, False, bound) for part in each.args.get("partition_by") or ())
            order = each.args.get("order")
            stack.extend((part, WINDOW, False, bound) for part in (order.expressions if order else ()))

    def filtered(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.this, kind, masking, bound))
        stack.append((node.expression, CONDITIONAL, False, bound))

    def ordered(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        if node.this is None:
            stack.extend((each, kind, masking, bound) for each in node.expressions)
            return
        stack.append((node.this, kind, masking, bound))
        stack.extend((each, SORT, False, bound) for each in node.expressions)

    def within(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """`f(x) WITHIN GROUP (ORDER BY y)`: y only sorts, unless f is a percentile, which is of y."""
        own = any(isinstance(part, exp.Column) for part in node.this.walk()) if node.this else False
        stack.append((node.this, max(kind, AGGREGATION), masking, bound))
        stack.append((node.expression, SORT if own else max(kind, AGGREGATION), masking and not own, bound))

    def bounded(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """MAX_BY, HAVING MAX: the second part only says which row."""
        stack.append((node.this, max(kind, AGGREGATION), masking, bound))
        stack.append((node.expression, CONDITIONAL, False, bound))

    def combined(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """ClickHouse's sumIf(x, y > 1): the last argument only decides."""
        if not node.name.endswith("If") or len(node.expressions) < 2:
            self.operation(node, kind, masking, bound, stack)
            return
        *values, condition = node.expressions
        stack.append((condition, CONDITIONAL, False, bound))
        stack.extend((each, max(kind, AGGREGATION), masking, bound) for each in values)

    def comprehended(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """[x + 1 FOR x IN list IF x > 2]: x is an element of the list."""
        own = {each.name for each in [node.expression] if isinstance(each, exp.Expr)}
        stack.append((node.this, max(kind, TRANSFORMATION), masking, bound | own))
        stack.append((node.args.get("iterator"), max(kind, TRANSFORMATION), masking, bound))
        stack.append((node.args.get("condition"), CONDITIONAL, False, bound | own))
