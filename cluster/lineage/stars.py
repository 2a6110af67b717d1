"""Stars of select lists, expanded as far as the columns are known."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage.fields import declared
from cluster.lineage.origins import STAR, TRANSFORMATION, Origin, Origins, Relation, inside, through
from cluster.lineage.scopes import Scope, Source, column

if TYPE_CHECKING:
    from cluster.lineage.queries import Queries

Columns = list[tuple[str, Origins]]


def is_star(item: exp.Expr) -> bool:
    """Whether an item of a select list stands for several columns."""
    if isinstance(item, exp.Star | exp.Columns):
        return True
    if isinstance(item, exp.Column):
        return isinstance(item.this, exp.Star | exp.Columns)
    if isinstance(item, exp.Dot):
        return isinstance(item.expression, exp.Star)
    return isinstance(item, exp.Paren) and is_star(item.this)


def expand(queries: "Queries", item: exp.Expr, scope: Scope, exclude: Any) -> tuple[Columns, tuple[Origin, ...]]:
    """The columns of a star, and the tables whose columns nobody knows."""
    if isinstance(item, exp.Paren):
        return expand(queries, item.this, scope, exclude)
    if isinstance(item, exp.Dot):
        row = item.this.unnest() if isinstance(item.this, exp.Paren) else item.this
        if isinstance(row, exp.Column) and row.args.get("table") is None and scope.named((row.name, STAR)) is not None:
            return expand(queries, exp.Column(this=exp.Star(), table=row.this), scope, exclude)  # (t).*: the row of t
        return [(STAR, through(queries.value(item.this, scope), TRANSFORMATION))], ()
    star = item.this if isinstance(item, exp.Column) else item
    if isinstance(item, exp.Column) and item.args.get("table") is not None:
        found = _qualified(queries, item, scope)
        if found is None:
            return _changed(queries, star, _struct(queries, item, scope), scope, exclude), ()
        columns, rest = list(found.columns), found.rest
        if found.anything is not None and not columns:
            columns = [(STAR, found.anything)]
    else:
        columns, rest = _all(scope)
    if isinstance(star, exp.Columns):
        return [each for each in columns if _matches(star)(each[0])], ()
    return _changed(queries, star, columns, scope, exclude), rest


def _qualified(queries: "Queries", item: exp.Column, scope: Scope) -> Relation | None:
    names = [queries.names.identifier(item.args[part]) for part in ("catalog", "db", "table") if item.args.get(part)]
    found = scope.named((*names, STAR)) or scope.by_table((*names, STAR))
    return found[0].relation if found is not None and found[1] == len(names) else None


def _struct(queries: "Queries", item: exp.Column, scope: Scope) -> Columns:
    """The fields of a struct, `t.address.*`, as far as its type tells them."""
    parts = [queries.names.identifier(item.args[part]) for part in ("catalog", "db", "table") if item.args.get(part)]
    origins = column(scope, tuple(parts))[1]
    if len(origins) == 1:
        (origin,) = origins
        kind = (queries.names.columns(origin.table) or {}).get(origin.column or "", "")
        path = tuple(origin.path.split(".")) if origin.path else ()
        if fields := declared(kind, path):
            return [(name, inside(origins, (name,))) for name, _ in fields]
    return [(STAR, through(origins, TRANSFORMATION))]


def _all(scope: Scope) -> tuple[Columns, tuple[Origin, ...]]:
    columns: Columns = []
    rest: tuple[Origin, ...] = ()
    merged = {name.lower() for name, sources in scope.merged.items() if _known(name, sources)}
    for name in scope.merged:
        if name.lower() in merged:
            columns.append((name, column(scope, (name,))[1]))
    for source in scope.visible():
        relation = source.relation
        columns += [each for each in relation.columns if each[0].lower() not in merged]
        if relation.anything is not None and not relation.columns:
            columns.append((STAR, relation.anything))
        rest += relation.rest
    return columns, rest


def _known(name: str, sources: Iterable[Source]) -> bool:
    return all(source.relation.find(name) is not None for source in sources)


def _changed(queries: "Queries", star: Any, columns: Columns, scope: Scope, exclude: Any) -> Columns:
    """EXCEPT, REPLACE, RENAME and ILIKE of a star."""
    fold = queries.names.identifier
    dropped = {_name(fold, each).lower() for each in (*(star.args.get("except_") or ()), *(exclude or ()))}
    columns = [each for each in columns if each[0].lower() not in dropped]
    like = star.args.get("ilike")
    if like is not None:
        pattern = re.compile(fnmatch.translate(like.name.replace("%", "*").replace("_", "?")), re.I)
        columns = [each for each in columns if pattern.match(each[0]) or each[0] == STAR]
    replaced = {fold(each.args["alias"]).lower(): each.this for each in star.args.get("replace") or ()}
    renamed = {_name(fold, each.this).lower(): fold(each.args["alias"]) for each in star.args.get("rename") or ()}
    result: Columns = []
    for name, origins in columns:
        new = replaced.pop(name.lower(), None)
        known = origins if new is None else queries.value(new, scope)
        result.append((renamed.pop(name.lower(), name), known))
    for name, new in replaced.items():  # columns of a table nobody knows, which it must have
        result.append((name, queries.value(new, scope)))
    for name, new_name in renamed.items():
        result.append((new_name, column(scope, (name,))[1]))
    return result


def _name(fold: Callable[[Any], str], node: exp.Expr) -> str:
    return fold(node.this) if isinstance(node, exp.Column) else fold(node)


def _matches(star: exp.Columns) -> Callable[[str], bool]:
    """DuckDB's and ClickHouse's COLUMNS: a regular expression, or a star."""
    if not isinstance(star.this, exp.Literal):
        return lambda name: True
    try:
        pattern = re.compile(star.this.name[:200])
    except re.error:
        return lambda name: True
    return lambda name: pattern.search(name) is not None
