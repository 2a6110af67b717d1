"""Reading what other tools tell of assets: for views, for filters, and for search."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from actors.catalog.contract import ToldView
from actors.catalog.datasets import TOLD
from actors.catalog.tables import Asset
from actors.catalog.told_tables import ToldFacet
from cluster.context import Caller
from cluster.security.visibility import limited

READ: Final = "schemaRead"  # the columns that somebody read
NAMES: Final = ("previous", "to")  # of other assets


def told_of(session: Session, assets: Sequence[str], caller: Caller) -> dict[str, list[ToldView]]:
    """What was told of assets, by asset, in the order of the facets' names.

    From whom anything is hidden learns no job's name, nor by which name an asset went before, since they may tell of
    what is hidden. The schema of an asset that no source holds is its columns.
    """
    found: dict[str, list[ToldView]] = defaultdict(list)
    stated = select(ToldFacet, Asset.source_id).join(Asset, Asset.id == ToldFacet.asset_id)
    rows = session.execute(stated.where(ToldFacet.asset_id.in_(assets)).order_by(ToldFacet.facet)).all()
    discreet = bool(rows) and limited(session, caller)
    written = {row.asset_id for row, _ in rows if row.facet == "schema" and row.value}
    for row, source in rows:
        if not row.value or (row.facet == READ and row.asset_id in written):
            continue
        value = {name: told for name, told in row.value.items() if not (discreet and name in NAMES)}
        if source == TOLD and row.facet in {"schema", READ}:
            value = {"columns": len(value["fields"])}
        facet, job = "schema" if row.facet == READ else row.facet, None if discreet else row.job
        view = ToldView(facet=facet, value=value, at=row.at, producer=row.producer, job=job)
        found[row.asset_id].append(view)
    return found


def told_tag(name: str) -> Select[str]:
    """The assets that tools put a tag on, by its key or by "key:value"."""
    stated = [ToldFacet.value.contains({"tags": [{part: name}]}) for part in ("name", "key")]
    return select(ToldFacet.asset_id).where(ToldFacet.facet == "tags", or_(*stated))


def told_owner(name: str) -> Select[str]:
    """The assets of which tools name this owner."""
    named = ToldFacet.value.contains({"owners": [{"name": name}]})
    return select(ToldFacet.asset_id).where(ToldFacet.facet == "ownership", named)


def told_words(session: Session, assets: Sequence[str]) -> dict[str, list[str | None]]:
    """The words by which search finds assets: descriptions, owners and tags that tools tell."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for row in session.scalars(select(ToldFacet).where(ToldFacet.asset_id.in_(assets))):
        if row.value:
            found[row.asset_id] += _words(row.facet, row.value)
    return found


def _words(facet: str, value: Mapping[str, Any]) -> Iterator[str]:
    if facet == "documentation":
        yield value["description"]
    elif facet == "ownership":
        yield from (owner["name"] for owner in value["owners"])
    elif facet == "tags":
        yield from (tag["name"] for tag in value["tags"])
    elif facet == "schema":
        yield from (field["description"] for field in value["fields"].values() if field["description"])
