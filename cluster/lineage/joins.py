"""Joins: what is added beside what is there, and the columns that both sides share."""

from typing import TYPE_CHECKING

from sqlglot import exp

from cluster.lineage.naming import Names
from cluster.lineage.origins import JOIN, STAR, through
from cluster.lineage.scopes import Scope, Source


class Joins:
    """The part of the resolver that reads JOIN."""

    names: Names

    if TYPE_CHECKING:

        def source(self, node: exp.Expr, scope: Scope) -> None: ...
        def influence(self, scope: Scope, node: exp.Expr | None, kind: int) -> None: ...

    def join(self, join: exp.Expr, scope: Scope) -> None:
        args = join.args
        count = len(scope.sources)
        self.source(join.this, scope)
        added = scope.sources[count:]
        using = [self.names.identifier(each) for each in args.get("using") or ()]
        natural = (args.get("method") or "").upper() == "NATURAL"
        before = [source for source in scope.sources[:count] if not source.hidden] if using or natural else []
        if natural:
            using = _common(before, added)
        for name in using:
            known = scope.merged.get(name) or _having(before, name)
            scope.merged[name] = [*known, *added[:1]]
            for source in scope.merged[name]:
                hit = source.relation.find(name)
                origins = hit[1] if hit else source.relation.possible(name)
                scope.influences |= through(origins, JOIN)
        self.influence(scope, args.get("on"), JOIN)
        self.influence(scope, args.get("match_condition"), JOIN)
        if (args.get("kind") or "").upper() in ("SEMI", "ANTI") or (args.get("side") or "").upper() in ("SEMI", "ANTI"):
            for source in added:
                source.hidden = True


def _having(sources: list[Source], name: str) -> list[Source]:
    """The sources that have a column; if none surely has it, those that may."""
    sure = [source for source in sources if source.relation.find(name) is not None]
    return sure or [source for source in sources if source.relation.open]


def _common(before: list[Source], added: list[Source]) -> list[str]:
    left = {name.lower() for source in before for name, _ in source.relation.columns}
    return [name for source in added for name, _ in source.relation.columns if name.lower() in left and name != STAR]
