"""Counting what a search found by its facets, over what the caller may see and nothing else."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, func, select, true
from sqlalchemy.orm import Session

from actors.catalog.assets import ANYTHING, EVERYBODY, AssetFilter, conditions
from actors.catalog.contract import FacetCounts
from actors.catalog.finding import EXACT, Asked, matching
from actors.catalog.tables import Annotation, Asset, ShownLabel
from cluster.context import Caller

MOST = 50  # values of a facet: the most frequent ones
FACTS = {
    "kind": Asset.kind, "source": Asset.source_name, "status": Asset.status, "lifecycle": Asset.lifecycle,
    "sensitivity": Asset.sensitivity, "domain": Asset.domain_id,
}  # fmt: skip


def facets(
    session: Session, asked: str | None, wanted: AssetFilter = ANYTHING, caller: Caller = EVERYBODY
) -> FacetCounts:
    """How many of the assets that hold all words of a question, or of all assets, have each value of each facet.

    Of more than 10,000 matches 10,000 are counted, and `exact` is false.
    """
    limits = conditions(session, wanted, caller)
    if asked is not None:
        holds = matching(session, Asked(asked))
        if holds is None:
            return FacetCounts(total=0, exact=True, facets={})
        limits.append(holds)
    facts = [column.label(name) for name, column in FACTS.items()]
    some = select(Asset.id, *facts).where(*limits).limit(EXACT + 1).cte("some").prefix_with("MATERIALIZED")
    total = session.execute(select(func.count()).select_from(some)).scalar_one()
    counted = {name: _counted(session, some, some.c[name]) for name in FACTS}
    counted["data_class"] = _labels(session, some)
    counted |= _noted(session, some)
    return FacetCounts(total=min(total, EXACT), exact=total <= EXACT, facets=counted)


def _counted(session: Session, source: Any, value: ColumnElement[Any]) -> dict[str, int]:
    count = func.count()
    statement = select(value, count).select_from(source).where(value.is_not(None)).group_by(value)
    return {str(held): number for held, number in session.execute(statement.order_by(count.desc(), value).limit(MOST))}


def _labels(session: Session, some: CTE) -> dict[str, int]:
    shown = select(ShownLabel.asset_id, ShownLabel.data_class).where(ShownLabel.state != "rejected").distinct()
    labels = shown.join(some, some.c.id == ShownLabel.asset_id).subquery()
    return _counted(session, labels, labels.c.data_class)


def _noted(session: Session, some: CTE) -> dict[str, dict[str, int]]:
    noted = select(Annotation.tags, Annotation.tier).join(some, some.c.id == Annotation.asset_id)
    notes = noted.where(Annotation.column == "").subquery()
    tag = func.jsonb_array_elements_text(notes.c.tags).table_valued("tag").render_derived()
    return {
        "tag": _counted(session, notes.join(tag, true()), tag.c.tag),
        "tier": _counted(session, notes, notes.c.tier),
    }
