"""The origins of an expression's value: one walk from the expression down to its columns, without recursion."""

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from cluster.lineage.composites import Composites, Work
from cluster.lineage.decisions import Decisions
from cluster.lineage.fields import DOCUMENTS, EXTRACTS, SHAPED, SHAPED_NAMES, members
from cluster.lineage.origins import (
    AGGREGATION,
    IDENTITY,
    STAR,
    TRANSFORMATION,
    Origin,
    Parts,
    Relation,
    inside,
)
from cluster.lineage.scopes import Scope, column

if TYPE_CHECKING:
    from cluster.lineage.queries import Queries

# A count tells how many values there are and none of them: it masks, as it does for OpenLineage's own emitters.
MASKS: Final = (
    exp.MD5, exp.MD5Digest, exp.SHA, exp.SHA1Digest, exp.SHA2, exp.SHA2Digest, exp.Left, exp.Right, exp.Substring,
    exp.RegexpReplace, exp.Overlay, exp.Count, exp.CountIf, exp.ApproxDistinct, exp.StandardHash, exp.FarmFingerprint,
    exp.Exists, exp.Length, exp.Predicate,  # how long it is, and whether it is so, show no value
)  # fmt: skip
# Dialects print some functions with quotes or know them by other names, which makes them ordinary names to a parser.
MASK_NAMES: Final = frozenset({
    "md5", "sha", "sha1", "sha2", "sha224", "sha256", "sha384", "sha512", "digest", "hmac", "hash", "hashtext",
    "hashtextextended", "hashbytes", "crypt", "encrypt", "encrypt_iv", "aes_encrypt", "pgp_sym_encrypt",
    "pgp_pub_encrypt", "left", "right", "substr", "substring", "overlay", "regexp_replace", "mask", "mask_hash",
    "mask_first_n", "mask_last_n", "mask_show_first_n", "mask_show_last_n", "count", "xxhash64", "murmur_hash3_32",
    "siphash64", "cityhash64", "ora_hash", "checksum", "binary_checksum", "sha1_hex", "sha2_hex", "md5_hex", "redact",
    "anonymize", "tokenize", "murmurhash", "crc32", "approx_count_distinct", "hll",
})  # fmt: skip
AGGREGATE_NAMES: Final = frozenset({
    "count", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg", "listagg", "collect_set",
    "collect_list", "group_concat", "string_agg", "array_agg", "median", "approx_count_distinct", "wm_concat",
})  # fmt: skip
XML_METHODS: Final = frozenset({"value", "query", "exist", "nodes"})
# Functions of windows that hand on a value of another row as it is.
HANDED_ON: Final = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
_LEAVES: Final = (
    exp.Literal, exp.DataType, exp.Identifier, exp.Var, exp.Null, exp.Boolean, exp.SessionParameter,
    exp.JSONPath, exp.Star, exp.WindowSpec, exp.National, exp.HexString, exp.BitString, exp.RawString,
)  # fmt: skip
_SAME: Final = (exp.Alias, exp.Paren, exp.Ordered, exp.Distinct, exp.Tuple, exp.Aliases, exp.PivotAlias,
         exp.IgnoreNulls, exp.RespectNulls, exp.Prior, exp.Collate)  # fmt: skip


class Values(Composites, Decisions):
    """Finds the origins of one expression in one scope; subqueries are handed to `queries`."""

    def __init__(self, queries: "Queries", scope: Scope) -> None:
        self.queries, self.scope = queries, scope
        self.found: set[Origin] = set()

    def apart(self) -> "Values":
        return Values(self.queries, self.scope)

    def of(self, node: exp.Expr | None, kind: int = IDENTITY, bound: frozenset[str] = frozenset()) -> frozenset[Origin]:
        stack: list[Work] = [(node, kind, False, bound)]
        while stack:
            node, kind, masking, bound = stack.pop()
            if node is None:
                continue
            handler = _handler(type(node))
            if handler is not None:
                handler(self, node, kind, masking, bound, stack)
        return frozenset(self.found)

    def add(self, origins: Any, kind: int, masking: bool) -> None:
        if kind == IDENTITY and not masking:
            self.found.update(origins)
        else:  # what is done to a value made of parts is done to all of it
            self.found.update([origin.through(kind, masking)._replace(at=()) for origin in origins])

    def column(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        inner = node.this
        if isinstance(inner, exp.Star):
            self.rows(kind, masking)
            return
        if isinstance(inner, exp.Parameter):
            self.positional(inner, kind, masking, node.table)
            return
        parts = self.queries.names.column_parts(node)
        if parts[0] not in bound:
            self.add(column(self.scope, parts)[1], kind, masking)

    def dot(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        path, at, method = [], node, node.expression.name.lower()
        while isinstance(at, exp.Dot):
            if isinstance(at.expression, exp.Identifier):
                path.append(self.queries.names.identifier(at.expression))
            elif isinstance(at.expression, exp.Literal):  # a row's field by its place
                path.append(at.expression.name)
            elif not isinstance(at.expression, exp.Star):  # a function in a namespace: its arguments
                stack.append((at.expression, kind, masking, bound))
            at = at.this
        if isinstance(at, exp.Identifier):
            if self.queries.names.dialect in ("tsql", "fabric") and method in XML_METHODS:  # doc.value('/a', 'int')
                parts = (self.queries.names.identifier(at), *reversed(path))
                self.add(column(self.scope, parts)[1], max(kind, TRANSFORMATION), masking or method == "exist")
            return
        inner = at.unnest() if isinstance(at, exp.Paren) else at
        if isinstance(inner, exp.Placeholder | exp.Anonymous) and path:  # :NEW.a of a trigger, rows(i).a of a procedure
            row = (self.queries.names.fold(inner.name), *reversed(path))
            if self.scope.named(row) is not None:
                self.add(column(self.scope, row)[1], kind, masking)
                return
        if isinstance(inner, exp.Column) and not isinstance(inner.this, exp.Star):
            parts = self.queries.names.column_parts(inner)
            if parts[0] not in bound:
                self.add(column(self.scope, (*parts, *reversed(path)))[1], kind, masking)
            return
        self.add(inside(self.whole(at, bound), tuple(reversed(path))), kind, masking)

    def positional(self, node: Any, kind: int, masking: bool, table: str = "") -> None:
        """`$2` in Snowflake is the second column of a file; `@x` is a variable."""
        number = node.this.name if isinstance(node.this, exp.Expr) else str(node.this)
        if number.isdigit() and self.queries.names.dialect == "snowflake":  # elsewhere it is the value of a parameter
            for source in self.scope.visible():
                columns = source.relation.columns
                if not table or source.alias == self.queries.names.fold(table):
                    known = int(number) <= len(columns) and columns[0][0] != STAR
                    self.add(
                        columns[int(number) - 1][1] if known else source.relation.possible(f"${number}"), kind, masking
                    )
            return
        self.add(self.scope.variables.get("@" + number.lower().lstrip("@"), ()), kind, masking)

    def parameter(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        self.positional(node, kind, masking)

    def placeholder(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        """`:x`, a variable of a procedure, or nothing."""
        self.add(self.scope.variables.get(self.queries.names.fold(str(node.name)), ()), kind, masking)

    def same(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.this, kind, masking, bound)) if isinstance(node.this, exp.Expr) else None
        if not isinstance(node, exp.Alias | exp.Aliases | exp.PivotAlias | exp.Ordered | exp.Collate):
            stack.extend((each, kind, masking, bound) for each in node.expressions)

    def query(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        relation = self.queries.relation(node, self.scope, self.scope.ctes)
        self.add(relation.every(), kind, masking)
        self.add(relation.influences, kind, False)

    def lambda_(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        own = {self.queries.names.identifier(each) for each in node.expressions if isinstance(each, exp.Identifier)}
        stack.append((node.this, max(kind, TRANSFORMATION), masking, bound | own))

    def named_argument(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        stack.append((node.expression, kind, masking, bound))

    def table(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        relation = self.queries.table(node, self.scope)
        self.add(relation.every(), max(kind, TRANSFORMATION), masking)

    def operation(self, node: Any, kind: int, masking: bool, bound: frozenset[str], stack: list[Work]) -> None:
        named = node.name.lower() if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) else ""
        if named in DOCUMENTS and members(node, "") is not None:
            self.made(node, kind, masking, bound, stack)
            return
        if named.startswith(("dictget", "dicthas")) and len(node.expressions) > 1:
            self.looked_up(node, kind, masking, bound, stack)
            return
        if named in SHAPED_NAMES:
            self.shaped(node, kind, masking, bound, stack)
            return
        if (returned := self.queries.functions.get(named)) is not None and returned.columns:
            self.add(returned.columns[0][1], max(kind, TRANSFORMATION), masking)
        masking = masking or isinstance(node, MASKS) or named in MASK_NAMES
        gathers = not isinstance(node, HANDED_ON) and (isinstance(node, exp.AggFunc) or named in AGGREGATE_NAMES)
        kind = max(kind, AGGREGATION if gathers else TRANSFORMATION)
        for part in node.args.values():
            if isinstance(part, exp.Star) and isinstance(node, exp.Func):
                self.rows(kind, masking, isinstance(node, exp.Count))
            elif isinstance(part, exp.Expr):
                stack.append((part, kind, masking, bound))
            elif isinstance(part, list):
                for each in part:
                    if isinstance(each, exp.Star):
                        self.rows(kind, masking, isinstance(node, exp.Count))
                    elif isinstance(each, exp.Expr):
                        stack.append((each, kind, masking, bound))

    def rows(self, kind: int, masking: bool, count: bool = False) -> None:
        """All columns, or how many rows there are."""
        for source in self.scope.visible():
            relation = source.relation
            if not count:
                self.add(relation.every(), max(kind, TRANSFORMATION), masking)
                continue
            self.found.update(Origin(table, None, max(kind, AGGREGATION), True) for table in _tables(relation))


def _tables(relation: Relation) -> set[Parts]:
    if relation.table is not None:
        return {relation.table}
    return {origin.table for origin in relation.every()}


_BY_TYPE: Final = (
    (exp.Column, Values.column),
    (exp.Dot, Values.dot),
    (exp.Parameter, Values.parameter),
    (exp.Placeholder, Values.placeholder),
    (exp.Subquery, Values.query),
    (exp.Query, Values.query),
    (exp.Exists, Values.exists),
    (exp.In, Values.membership),
    (exp.Case, Values.case),
    (exp.If, Values.case),
    (exp.DecodeCase, Values.decode),
    (exp.Nvl2, Values.choice),
    (exp.Window, Values.window),
    (exp.Filter, Values.filtered),
    (exp.Order, Values.ordered),
    (exp.WithinGroup, Values.within),
    (exp.HavingMax, Values.bounded),
    (exp.ArgMax, Values.bounded),
    (exp.ArgMin, Values.bounded),
    ((exp.Struct, exp.Cast, exp.JSONObject, exp.VarMap), Values.made),
    ((*EXTRACTS, exp.Bracket), Values.extracted),
    (exp.ArrayAgg, Values.gathered),
    (SHAPED, Values.shaped),
    (exp.CombinedAggFunc, Values.combined),
    (exp.Comprehension, Values.comprehended),
    (exp.Lambda, Values.lambda_),
    (exp.Kwarg, Values.named_argument),
    (exp.PropertyEQ, Values.named_argument),
    (exp.Table, Values.table),
    (_SAME, Values.same),
    (_LEAVES, None),
)
_KNOWN: dict[type, Any] = {}


def _handler(of: type) -> Any:
    if of not in _KNOWN:
        _KNOWN[of] = next((handler for types, handler in _BY_TYPE if issubclass(of, types)), Values.operation)
    return _KNOWN[of]
