"""Keeping evidence: which figures of a column count after a new observation.

A sample does not see what is rare, so it never takes back what a census of the same rules found: the census stays
beside it until the next census, or until the rules change.
"""

from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.tables import Evidence
from cluster.kernels.report import AssetEvidence, ColumnEvidence
from cluster.runtime.commands import UnitOfWork


class Observed(NamedTuple):
    """What counts for one column. `census` are the classes that every value was asked for."""

    evidence: ColumnEvidence
    is_census: bool
    census: frozenset[str]

    def method(self, data_class: str) -> Literal["census", "sample"]:
        """How the figures of a class were gained."""
        return "census" if data_class in self.census else "sample"


def observe(work: UnitOfWork, source_id: str, asset_id: str, given: AssetEvidence) -> list[Observed]:
    """Stores the evidence of an asset and returns what counts now, in the order of the columns."""
    session = work.session
    rows = {
        (row.column, row.method): row for row in session.scalars(select(Evidence).where(Evidence.asset_id == asset_id))
    }
    fresh = {(column.column, given.method): column.model_dump(mode="json") for column in given.columns}
    for key, row in list(rows.items()):
        outdated = row.method == "sample" or given.method == "census" or row.rules_digest != given.rules_digest
        if key not in fresh and outdated:
            session.delete(rows.pop(key))
    for (name, method), evidence in fresh.items():
        row = rows.get((name, method)) or Evidence(asset_id=asset_id, column=name, method=method)
        if (row.evidence, row.rules_digest, row.asset) == (evidence, given.rules_digest, given.asset):
            continue
        rows[name, method] = row
        session.add(row)
        row.source_id, row.asset, row.rules_digest = source_id, given.asset, given.rules_digest
        row.evidence, row.observed_at = evidence, work.now
    order = {column.column: place for place, column in enumerate(given.columns)}
    names = sorted({name for name, _ in rows}, key=lambda name: (order.get(name, len(order)), name))
    return [_counting(rows.get((name, "census")), rows.get((name, "sample"))) for name in names]


def observed(session: Session, asset_id: str, column: str) -> Observed | None:
    """What counts for a stored column, None if nobody looked at it yet."""
    statement = select(Evidence).where(Evidence.asset_id == asset_id, Evidence.column == column)
    rows = {row.method: row for row in session.scalars(statement)}
    return _counting(rows.get("census"), rows.get("sample")) if rows else None


def _counting(census: Evidence | None, sample: Evidence | None) -> Observed:
    every = ColumnEvidence.model_validate(census.evidence) if census else None
    some = ColumnEvidence.model_validate(sample.evidence) if sample else None
    if every is None:
        assert some is not None
        return Observed(some, False, frozenset())
    known = frozenset(found.data_class for found in every.classes if found.matched)
    new = tuple(found for found in some.classes if found.data_class not in known) if some else ()
    classes = tuple(c for c in every.classes if c.data_class in known) + new
    texts = every.texts or (some.texts if some else None)
    return Observed(
        every.model_copy(update={"classes": classes, "texts": texts}),
        True,
        known,
    )
