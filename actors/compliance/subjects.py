"""Finding a person in every asset of some sources, erasing them where Sextant can, and looking again.

A first round looks for the values anywhere in every asset that the sources list now, declared or not. The keys of rows
that were found then lead on: by foreign keys, and to columns of other assets with the very name of such a key. Rows
that they lead to count as the person's, and lead on themselves, a few steps far.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actors.compliance.seeking import ANYBODYS, Found, Wanted, normal, seek
from cluster.connectors import open_connector, source_kind
from cluster.connectors.interface import AssetInfo, Connector, SourceAccess
from cluster.connectors.opening import credential_of
from cluster.errors import SourceError

STEPS = 4
PARTITION_BYTES = 64 << 20
BATCH_ROWS, BATCH_BYTES = 65_536, 32 << 20


class Place(NamedTuple):
    """An asset of a source."""

    source: str
    asset: str


@dataclass
class Site:
    """A source that is searched."""

    access: SourceAccess
    credential: Mapping[str, str]
    connector: Connector
    assets: dict[str, AssetInfo]
    held: frozenset[str]


@dataclass
class Search:
    """What is known of a person so far: where, and by which ids. Lives in one worker process, and nowhere else."""

    values: frozenset[str]
    sites: dict[str, Site]
    links: list[tuple[Place, str, Place, str]]
    found: dict[Place, Found] = field(default_factory=dict)
    ids: dict[Place, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    unverified: dict[Place, str] = field(default_factory=dict)
    searched: int = 0

    def run(self) -> None:
        """Looks for the values everywhere, and then for the ids of what was found where they lead."""
        places = [Place(source, name) for source, site in self.sites.items() for name in site.assets]
        self.searched = len(places)
        for place in places:
            self._read(place)
        for _ in range(STEPS):
            before = {place: len(self._wanted(place).ids) for place in places}
            led = [place for place in places if before[place]]
            known = sum(len(ids) for own in self.ids.values() for ids in own.values())
            for place in led:
                self._read(place)
            if sum(len(ids) for own in self.ids.values() for ids in own.values()) == known:
                return

    def again(self) -> None:
        """Looks once more, for the same values and ids, in what the sources hold now."""
        self.found, self.unverified = {}, {}
        for source, site in self.sites.items():
            site.connector.close()
            site.connector = open_connector(site.access, site.credential)
            site.assets = _listed(self, source, site.connector)
        self.searched = sum(len(site.assets) for site in self.sites.values())
        for source, site in self.sites.items():
            for name in site.assets:
                self._read(Place(source, name), collect=False)

    def plan(self) -> dict[str, Any]:
        """Where the person is: assets, columns and numbers of rows, and what would be done there."""
        return {
            "searched": self.searched,
            "found": [self._told(place, found) for place, found in sorted(self.found.items()) if found.rows],
            "unverified": [
                {"source": place.source, "asset": place.asset, "reason": why}
                for place, why in sorted(self.unverified.items())
            ],
            "blockers": [],
        }

    def erase(self) -> list[dict[str, Any]]:
        """Deletes the person's rows, and takes values out of longer text, where Sextant can: a transaction a source."""
        done: list[dict[str, Any]] = []
        for source, site in self.sites.items():
            mine = {place: found for place, found in self.found.items() if place.source == source and found.rows}
            mine = {place: found for place, found in mine.items() if self._method(place) == "delete"}
            if mine:
                done += self._erase(site, mine)
        return done

    def _erase(self, site: Site, mine: dict[Place, Found]) -> list[dict[str, Any]]:
        from cluster.connectors.postgres.changing import changing
        from cluster.connectors.postgres.deleting import delete_where, redact
        from cluster.connectors.relation_paths import parts_of

        done = []
        with changing(site.access, site.credential) as connection, connection.transaction():
            for place in self._children_first(list(mine)):
                found, table = mine[place], parts_of(place.asset)
                values = {column: sorted(self.values) for column in found.whole}
                wanted = self._wanted(place).ids
                for column in found.linked:
                    values[column] = sorted({*values.get(column, ()), *wanted.get(column, ())})
                rows = delete_where(connection, table, values) if values else 0
                texts = sum(redact(connection, table, column, sorted(self.values)) for column in sorted(found.inside))
                done.append({"source": place.source, "asset": place.asset, "deleted": rows, "redacted": texts})
        return done

    def _children_first(self, places: list[Place]) -> list[Place]:
        """Assets that refer to others before those, so that no foreign key stands in the way."""
        order: list[Place] = []
        waiting = sorted(places)
        while waiting:
            parents = {near for near, _, far, _ in self.links if far in waiting and near != far}
            free = [place for place in waiting if place not in parents] or waiting
            order += free
            waiting = [place for place in waiting if place not in free]
        return order

    def _read(self, place: Place, collect: bool = True) -> None:
        site = self.sites[place.source]
        info = site.assets[place.asset]
        if info.kind == "view":
            return
        keys = self._keys(place, info) if collect else set()
        found, ids = Found(), dict[str, set[str]]()
        try:
            if info.problem:
                raise SourceError(f"It could not be listed in full ({info.problem}).", "")
            for partition in site.connector.plan(info, PARTITION_BYTES):
                batches = site.connector.read(partition, BATCH_ROWS, BATCH_BYTES)
                part, more = seek(batches, self._wanted(place), keys)
                _add(found, part)
                for column, values in more.items():
                    ids.setdefault(column, set()).update(values)
        except SourceError as error:
            self.unverified[place] = str(error)
            return
        if found.unread:
            self.unverified[place] = f"Columns that hold no text: {', '.join(sorted(found.unread)[:10])}."
        self.found[place] = found
        for column, values in ids.items():
            self.ids[place][column] = self.ids[place].get(column, set()) | values

    def _wanted(self, place: Place) -> Wanted:
        info = self.sites[place.source].assets[place.asset]
        names = {column.name for column in info.columns}
        ids: dict[str, set[str]] = defaultdict(set)
        for near, key, far, column in self.links:
            if far == place:
                ids[column] |= self.ids.get(near, {}).get(key, set())
        for near, own in self.ids.items():
            for key, values in own.items():
                if near != place and key in names and key.lower() not in ANYBODYS:
                    ids[key] |= values
        return Wanted(self.values, {column: frozenset(values) for column, values in ids.items() if values})

    def _keys(self, place: Place, info: AssetInfo) -> set[str]:
        """The columns whose values lead on: a primary key of one column, and what foreign keys refer to."""
        primary = [column.name for column in info.columns if column.primary_key]
        return {*(primary if len(primary) == 1 else ()), *(key for near, key, _, _ in self.links if near == place)}

    def _method(self, place: Place) -> str:
        site = self.sites[place.source]
        if place.asset in site.held:
            return "keep: legal hold"
        table = site.assets[place.asset].kind == "table"
        return "delete" if table and source_kind(site.access.url) == "postgresql" else "by hand"

    def _told(self, place: Place, found: Found) -> dict[str, Any]:
        return {
            "source": place.source,
            "asset": place.asset,
            "rows": found.rows,
            "columns": list(found.columns),
            "inside_text": sorted(found.inside),
            "led_to_by_key": sorted(found.linked),
            "method": self._method(place),
        }


@contextmanager
def open_search(
    given: Mapping[str, Any], credentials: Mapping[str, Mapping[str, str]], keys: frozenset[str]
) -> Iterator[Search]:
    """A search over the sources of an order; its connections are closed afterwards. Raises SourceError."""
    links = [(Place(s1, a1), c1, Place(s2, a2), c2) for s1, a1, c1, s2, a2, c2 in given["links"]]
    search = Search(frozenset(map(normal, keys)), {}, links)
    try:
        for one in given["accesses"]:
            access = SourceAccess.model_validate(one)
            credential = credentials.get(access.source_id) or credential_of(access)
            connector = open_connector(access, credential)
            held = frozenset(given["held"].get(access.source_id, ()))
            search.sites[access.source_id] = Site(access, credential, connector, {}, held)
            search.sites[access.source_id].assets = _listed(search, access.source_id, connector)
        yield search
    finally:
        for site in search.sites.values():
            site.connector.close()


def _listed(search: Search, source: str, connector: Connector) -> dict[str, AssetInfo]:
    """The assets of a source as it lists them now; what it could not list is unverified. Foreign keys become links."""
    enumeration = connector.enumerate()
    for problem in enumeration.problems:
        search.unverified[Place(source, problem.path)] = problem.detail
    for info in enumeration.assets:
        for key in info.foreign_keys:
            if len(key.columns) == 1:
                link = (Place(source, key.to_asset), key.to_columns[0], Place(source, info.path), key.columns[0])
                if link not in search.links:
                    search.links.append(link)
    return {info.path: info for info in enumeration.assets}


def _add(found: Found, part: Found) -> None:
    found.rows += part.rows
    found.unread |= part.unread
    for mine, more in ((found.whole, part.whole), (found.inside, part.inside), (found.linked, part.linked)):
        for column, rows in more.items():
            mine[column] = mine.get(column, 0) + rows
