"""What the catalog knows of the assets of a source, in bulk: profiles of their columns, and where their data flows."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from actors.catalog.tables import Asset, Edge, Profile


class Flow(NamedTuple):
    """Data flows from one asset to another; `masking` if every edge between them masks. Names are those of sources."""

    from_asset: str
    from_source: str
    from_source_name: str
    to_asset: str
    to_source: str
    to_source_name: str
    masking: bool


def profiles(session: Session, source_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(asset, column, profile) of every profiled column of a source."""
    statement = select(Profile.asset_id, Profile.column, Profile.profile).join(Asset, Asset.id == Profile.asset_id)
    statement = statement.where(Asset.source_id == source_id).order_by(Profile.asset_id, Profile.column)
    for row in session.execute(statement.execution_options(yield_per=500)):
        yield row[0], row[1], row[2]


def flows(session: Session, source_id: str) -> list[Flow]:
    """The flows between assets that begin or end in the source, as lineage holds now. What reads itself is no flow."""
    origin, target = aliased(Asset), aliased(Asset)
    statement = (
        select(
            origin.id, origin.source_id, origin.source_name, target.id, target.source_id, target.source_name,
            func.bool_and(Edge.masking),
        )
        .join(origin, origin.id == Edge.from_asset)
        .join(target, target.id == Edge.to_asset)
        .where(Edge.valid_to.is_(None), Edge.transformation == "DIRECT", origin.id != target.id)
        .where(or_(origin.source_id == source_id, target.source_id == source_id))
        .group_by(origin.id, target.id)
        .order_by(origin.id, target.id)
    )  # fmt: skip
    return [Flow(*row) for row in session.execute(statement)]
