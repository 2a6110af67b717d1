"""PIVOT and UNPIVOT, one after another where a table has several."""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from cluster.lineage.origins import FILTER, NOWHERE, STAR, Origins, Relation, through
from cluster.lineage.scopes import Scope, Source

if TYPE_CHECKING:
    from cluster.lineage.sources import Sources

Columns = list[tuple[str, Origins]]


def pivoted(sources: "Sources", relation: Relation, pivot: exp.Expr, scope: Scope) -> Relation:
    """A relation after PIVOT or UNPIVOT."""
    inner = Scope(sources.names, scope.ctes, scope.parent, [Source("", (), relation)], variables=scope.variables)
    if pivot.args.get("unpivot"):
        return _unpivot(sources, relation, pivot, inner)
    return _pivot(sources, relation, pivot, inner)


def _pivot(sources: "Sources", relation: Relation, pivot: exp.Expr, scope: Scope) -> Relation:
    """New columns hold aggregates of the rows that the FOR column picks; columns not mentioned are kept."""
    aggregates = list(pivot.expressions)
    fields = pivot.args.get("fields") or ()
    used = _mentioned(sources, [*aggregates, *(field.this for field in fields if isinstance(field, exp.In))])
    chosen = frozenset(o for field in fields for o in sources.value(field.this, scope, FILTER))
    kept = [each for each in relation.columns if each[0].lower() not in used]
    origins = [sources.value(each, scope) | chosen for each in aggregates]
    names = [sources.names.identifier(each) for each in pivot.args.get("columns") or ()]
    if not names or not origins:
        made = [(STAR, frozenset(o for each in origins for o in each))] if origins else []
    else:
        made = [(name, origins[place % len(origins)]) for place, name in enumerate(names)]
    return Relation(kept + made, relation.rest, None, None, relation.influences)


def _unpivot(sources: "Sources", relation: Relation, pivot: exp.Expr, scope: Scope) -> Relation:
    """Columns become rows: the value column comes from all of them, the name column from none."""
    field = next((each for each in pivot.args.get("fields") or () if isinstance(each, exp.In)), None)
    if field is None:
        return relation
    groups = [_items(each) for each in field.expressions]
    used = _mentioned(sources, [item for group in groups for item in group])
    names = [sources.names.identifier(_identifier(each)) for value in pivot.expressions for each in _items(value)]
    kept = [each for each in relation.columns if each[0].lower() not in used]
    values: Columns = []
    for place, name in enumerate(names):
        parts = [group[place] for group in groups if place < len(group)]
        values.append((name, frozenset(o for part in parts for o in sources.value(part, scope))))
    label: Columns = [(sources.names.identifier(_identifier(field.this)), NOWHERE)]
    added = values + label if pivot.args.get("value_columns_first") else label + values
    return Relation(kept + added, relation.rest, None, None, relation.influences)


def statement(sources: "Sources", node: exp.Expr, scope: Scope) -> Relation:
    """DuckDB's PIVOT and UNPIVOT as statements of their own."""
    inner = Scope(sources.names, sources.with_(node, scope, scope.ctes), scope, variables=scope.variables)
    sources.source(node.this, inner)
    relation = inner.sources[0].relation if inner.sources else Relation([])
    return (
        _rows(sources, node, relation, inner) if node.args.get("unpivot") else _columns(sources, node, relation, inner)
    )


def _rows(sources: "Sources", node: exp.Expr, relation: Relation, scope: Scope) -> Relation:
    from cluster.lineage.stars import expand, is_star

    chosen: Columns = []
    for each in node.expressions:
        if is_star(each):
            chosen += expand(sources, each, scope, None)[0]  # type: ignore[arg-type]
        else:
            chosen += [(_name(sources, item), sources.value(item, scope)) for item in _items(each)]
    used = {name.lower() for name, _ in chosen}
    into = node.args.get("into")
    label = _name(sources, into.this) if into is not None and into.this is not None else "name"
    values = [_name(sources, each) for each in into.expressions] if into is not None else []
    every = frozenset(origin for _, origins in chosen for origin in origins)
    kept = [each for each in relation.columns if each[0].lower() not in used]
    added: Columns = [(label, NOWHERE), *((name, every) for name in values or ["value"])]
    return Relation(kept + added, relation.rest, None, None, relation.influences)


def _columns(sources: "Sources", node: exp.Expr, relation: Relation, scope: Scope) -> Relation:
    aggregates = list(node.args.get("using") or ())
    group = node.args.get("group")
    on = [each.this if isinstance(each, exp.In) else each for each in node.expressions]
    used = _mentioned(sources, [*aggregates, *on])
    if group is not None:
        kept = [(_name(sources, each), sources.value(each, scope)) for each in group.expressions]
    else:
        kept = [each for each in relation.columns if each[0].lower() not in used]
    chosen = frozenset(o for each in on for o in sources.value(each, scope, FILTER))
    found = frozenset(o for each in aggregates for o in sources.value(each, scope)) | chosen
    listed = [item for each in node.expressions if isinstance(each, exp.In) for item in each.expressions]
    names = [item.alias_or_name for item in listed] or [STAR]
    added: Columns = [(sources.names.fold(name), found) for name in names]
    return Relation(kept + added, (), None, None, relation.influences | through(found, FILTER))


def _items(node: Any) -> list[Any]:
    inner = node.this if isinstance(node, exp.PivotAlias | exp.Alias) else node
    inner = inner.unnest() if isinstance(inner, exp.Paren) else inner
    return list(inner.expressions) if isinstance(inner, exp.Tuple) else [inner]


def _identifier(node: Any) -> Any:
    return node.this if isinstance(node, exp.Column) else node


def _name(sources: "Sources", node: Any) -> str:
    return sources.names.identifier(_identifier(node.unalias() if isinstance(node, exp.Alias) else node))


def _mentioned(sources: "Sources", nodes: list[Any]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, exp.Identifier):
            found.add(sources.names.identifier(node).lower())
        elif isinstance(node, exp.Expr):
            found |= {sources.names.identifier(c.this).lower() for c in node.find_all(exp.Column) if c.name}
    return found
