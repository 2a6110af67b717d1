"""Counting what a search found by its facets, over what the caller may see and nothing else."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, String, cast, func, literal, null, select, true, union_all
from sqlalchemy.orm import Session

from actors.catalog.assets import ANYTHING, EVERYBODY, AssetFilter, conditions
from actors.catalog.contract import FacetCounts
from actors.catalog.finding import EXACT, Asked, matching
from actors.catalog.tables import Annotation, Asset, ShownLabel
from cluster.context import Caller

TOTAL = "total"
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
    counted: dict[str, dict[str, int]] = {name: {} for name in (*FACTS, "data_class", "tag", "tier")}
    total = 0
    for name, value, number in session.execute(union_all(*_counts(some))):
        if name == TOTAL:
            total = number
        else:
            counted[name][value] = number
    return FacetCounts(total=min(total, EXACT), exact=total <= EXACT, facets=counted)


def _counts(some: CTE) -> Iterator[Select[Any, Any, Any]]:
    """The total, and the counts of each facet: parts of one statement, so that the assets are looked for once."""
    yield select(literal(TOTAL), null(), func.count()).select_from(some)
    for name in FACTS:
        yield _counted(name, some, some.c[name])
    shown = select(ShownLabel.asset_id, ShownLabel.data_class).where(ShownLabel.state != "rejected").distinct()
    labels = shown.join(some, some.c.id == ShownLabel.asset_id).subquery()
    yield _counted("data_class", labels, labels.c.data_class)
    noted = select(Annotation.tags, Annotation.tier).join(some, some.c.id == Annotation.asset_id)
    notes = noted.where(Annotation.column == "").cte("notes")
    tag = func.jsonb_array_elements_text(notes.c.tags).table_valued("tag").render_derived()
    yield _counted("tag", notes.join(tag, true()), tag.c.tag)
    yield _counted("tier", notes, notes.c.tier)


def _counted(name: str, source: Any, value: ColumnElement[Any]) -> Select[Any, Any, Any]:
    """Name, value and count of the most frequent values of a facet, those first."""
    count, text = func.count(), cast(value, String)
    statement = select(literal(name), text, count).select_from(source).where(value.is_not(None)).group_by(text)
    chosen = statement.order_by(count.desc(), text).limit(MOST).subquery()
    return select(*chosen.c)
