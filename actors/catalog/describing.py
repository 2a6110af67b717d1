"""What facets of OpenLineage events say of datasets becomes facts of assets.

A dataset that no source holds becomes an asset once something is told of it. Facets that describe are kept apart from
what sources say and people write (`told_tables`), the newest of each by the time of its event, so events may come
twice, late and in any order. Columns, comment and kind of an asset that no source holds are those that were told; of
one that a source holds they are the source's. What a run writes counts once the run completed (of a job that streams,
at once), what it reads at once. Whoever may not see an asset describes nothing, and makes no asset in a namespace
where one is hidden, so that what becomes of a name tells nothing of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.contract import MoveCuration
from actors.catalog.datasets import TOLD, Place, locate
from actors.catalog.document import refresh
from actors.catalog.domains import domain_of_source, enclose
from actors.catalog.history import UNVERSIONED, Changes, told_key
from actors.catalog.moving import move_curation
from actors.catalog.openlineage import Dataset
from actors.catalog.quality_facets import SIZES
from actors.catalog.standing import RENAMED, new_asset, settle
from actors.catalog.tables import Asset, LineageEvent
from actors.catalog.tellings import LIFECYCLE, Telling
from actors.catalog.told_tables import ToldFacet
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import hidden, visible

LONGEST: Final = 2_000  # bytes of a name that is indexed
DESCRIBING: Final = frozenset({
    "schema", "documentation", "ownership", "tags", LIFECYCLE, "dataQualityMetrics", "dataQualityAssertions",
    "greatExpectations_assertions",
})  # fmt: skip


def describe(work: UnitOfWork, told: Sequence[Telling]) -> list[tuple[Asset, Telling]]:
    """Brings the assets up to date with what events say of them; which assets each telling was about."""
    return Describing(work, told).write() if told else []


class Describing:
    """Some tellings being written."""

    def __init__(self, work: UnitOfWork, told: Sequence[Telling]) -> None:
        self.work, self.session, self.told = work, work.session, told
        self.places = _places(self.session, told)
        ids = sorted({place.asset_id for place in self.places.values()})
        self.assets = {row.id: row for row in self.session.scalars(select(Asset).where(Asset.id.in_(ids)))}
        self.unseen = hidden(self.session, work.caller, ids)
        self.fresh: set[str] = set()
        self.changes: dict[str, Changes] = {}
        self.reworded: set[str] = set()  # of which columns or words are others now
        self.seen: list[tuple[Asset, Telling]] = []
        self._add_assets()
        rows = self.session.scalars(select(ToldFacet).where(ToldFacet.asset_id.in_(list(self.assets))))
        self.rows = {(row.asset_id, row.facet): row for row in rows}

    def write(self) -> list[tuple[Asset, Telling]]:
        for told in self.told:
            asset = self.assets.get(self._place(told).asset_id)
            if asset is not None and asset.id not in self.unseen and not _purged(asset, told):
                self._take_all(asset, told)
                self.seen.append((asset, told))
        self.session.flush()
        touched = [self.assets[identifier] for identifier in sorted(self.changes)]
        for asset in touched:
            facets = self._facets(asset)
            again = {"fresh": asset.id in self.fresh, "reworded": asset.id in self.reworded}
            settle(self.work, asset, facets, self.changes[asset.id], **again)
        self.session.flush()
        refresh(self.session, self.reworded)
        self._follow(touched)
        return self.seen

    def _facets(self, asset: Asset) -> dict[str, ToldFacet]:
        return {facet: row for (of, facet), row in self.rows.items() if of == asset.id}

    def _follow(self, touched: Sequence[Asset]) -> None:
        """What was said of a name that is none any more goes to the new one, whenever it was told."""
        named: dict[str, Dataset] = {}
        for asset in touched:
            row = self.rows.get((asset.id, LIFECYCLE))
            if asset.status == "gone" and row is not None and row.value and row.value["state"] == RENAMED:
                named[asset.id] = Dataset(**row.value["to"])
        places = locate(self.session, named.values())
        moves = tuple((old, places[to].asset_id) for old, to in named.items())
        if moves:
            move_curation(self.work, MoveCuration(source_id=TOLD, moves=moves))

    def _place(self, told: Telling) -> Place:
        return self.places[told.dataset.names[0]]

    def _add_assets(self) -> None:
        """Makes assets of datasets that no source holds and of which more is told than the name."""
        closed = _closed(self.work, {place.namespace for place in self.places.values()})
        for told in self.told:
            place = self._place(told)
            known = place.catalogued or place.asset_id in self.assets or place.namespace in closed
            describes = DESCRIBING & {*told.dataset.told, *(statement.facet for statement in told.said)}
            if known or not describes or len(place.name.encode()) > LONGEST:
                continue
            asset = new_asset(self.work, place, linked=len(told.dataset.names) > 1)
            asset.domain_id = domain_of_source(self.session, place.source_id) if place.source_id else None
            self.assets[asset.id] = asset
            self.fresh.add(asset.id)
            self.changes[asset.id] = {}
            self.reworded.add(asset.id)
            self.session.add(asset)
        self.session.flush()
        enclose(self.session, [self.assets[one] for one in sorted(self.fresh)])

    def _take_all(self, asset: Asset, told: Telling) -> None:
        for facet, value in told.said:
            if facet != "schema" or told.written:
                self._take(asset, facet, value, told)
            else:
                self._take(asset, "schemaRead", self._joined(asset, value, told), told)
        if told.written and asset.source_id == TOLD:
            self._take(asset, "written", {}, told)

    def _joined(self, asset: Asset, value: dict[str, Any] | None, told: Telling) -> dict[str, Any]:
        """Columns that somebody read, joined to those that were read before: readers name those they need."""
        row, at = self.rows.get((asset.id, "schemaRead")), told.at.isoformat()
        held: dict[str, Any] = row.value if row is not None and row.value else {"fields": {}, "since": ""}
        if value is None:
            since = max(held["since"], at)
            return {"fields": {n: f for n, f in held["fields"].items() if f["at"] > since}, "since": since}
        fields = dict(held["fields"])
        for name, field in value["fields"].items() if at > held["since"] else ():
            if name not in fields or fields[name]["at"] <= at:
                fields[name] = field | {"at": at}
        return {"fields": fields, "since": held["since"]}

    def _take(self, asset: Asset, facet: str, value: dict[str, Any] | None, told: Telling) -> None:
        row = self.rows.get((asset.id, facet))
        order = (told.at, told.event.at, told.event.id)
        newer = row is None or (row.at, row.event_at, row.event_id) < order
        if not newer and facet != "schemaRead":
            return
        before = row.value if row is not None else None
        if row is None:
            row = self.rows[asset.id, facet] = ToldFacet(asset_id=asset.id, facet=facet)
            self.session.add(row)
        if newer:
            row.at, row.event_at, row.event_id = order
            row.producer, row.job = _producer(told.event.body, told.dataset.told.get(facet)), _job(told.event)
            row.principal, row.received_at = self.work.caller.principal, self.work.now
        row.value = value
        changed, differs = self.changes.setdefault(asset.id, {}), plain(before) != plain(value)
        if differs and facet not in SIZES:
            self.reworded.add(asset.id)
        if differs and facet not in UNVERSIONED:
            first = changed[told_key(facet)][0] if told_key(facet) in changed else before
            changed[told_key(facet)] = (first, value)


def plain(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a facet says, without when each column that somebody read was last read."""
    if value is None or "since" not in value:
        return value
    fields = {name: {k: v for k, v in field.items() if k != "at"} for name, field in value["fields"].items()}
    return {"fields": fields}


def _places(session: Session, told: Iterable[Telling]) -> dict[Dataset, Place]:
    """The place of each dataset: that of the first of its names that a source holds, else of the first."""
    datasets = {each.dataset.names[0]: each.dataset.names for each in told}
    places = locate(session, [name for names in datasets.values() for name in names])
    return {
        first: next((places[name] for name in names if places[name].catalogued), places[first])
        for first, names in datasets.items()
    }


def _closed(work: UnitOfWork, namespaces: Iterable[str]) -> set[str]:
    """The namespaces in which anything is hidden from the caller."""
    if work.caller.sees_all:
        return set()
    unseen = select(Asset.namespace).where(Asset.namespace.in_(sorted(namespaces)), ~visible(work.caller, Asset.id))
    return set(work.session.scalars(unseen.distinct()))


def _purged(asset: Asset, told: Telling) -> bool:
    """Whether the asset was purged, and is not written anew."""
    anew = asset.source_id == TOLD and told.written and told.at > asset.lifecycle_at
    return asset.lifecycle == "purged" and not anew


def _producer(body: Mapping[str, Any], facet: Any) -> str | None:
    named = (facet.get("_producer") if isinstance(facet, dict) else None) or body.get("producer")
    return named[:500] if isinstance(named, str) else None


def _job(event: LineageEvent) -> str | None:
    return f"{event.job_namespace}/{event.job_name}"[:500] if event.job_name else None
