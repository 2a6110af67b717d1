"""Comparing an enumeration with the inventory: absence is deletion only if everything could be listed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.sources.tables import Inventory
from cluster.connectors.interface import AssetInfo, Enumeration
from cluster.naming import asset_id

# Figures that a source estimates and that move without anything having been changed; and what is no property at all.
ESTIMATES = {"rows_estimate", "bytes", "identity"}


@dataclass
class Difference:
    """Paths by what happened to them since the enumeration before; `renamed` leads from new to old ones."""

    assets: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def arrived(self, most: int) -> dict[str, object]:
        """For an event: path and kind of the first assets that are new or changed, and whether there are more."""
        paths = [*self.new, *self.changed]
        first = [{"path": path, "kind": self.kinds[path]} for path in paths[:most]]
        return {"arrived": first, "arrived_more": len(paths) > most}


def apply_enumeration(session: Session, source_id: str, enumeration: Enumeration, now: datetime) -> Difference:
    """Brings the inventory of a source up to date and says what differs."""
    known = {row.path: row for row in session.scalars(select(Inventory).where(Inventory.source_id == source_id))}
    difference = Difference(assets=len(enumeration.assets))
    seen = set()
    for asset in enumeration.assets:
        seen.add(asset.path)
        difference.kinds[asset.path] = asset.kind
        row = known.get(asset.path)
        if row is None:
            known[asset.path] = _new(source_id, asset, now)
            session.add(known[asset.path])
            difference.new.append(asset.path)
            continue
        if row.status == "gone":
            difference.new.append(asset.path)
            row.moved_from = None
        elif _differs(row, asset):
            difference.changed.append(asset.path)
        row.info, row.status, row.last_seen = _kept(row, asset), "present", now
    for path, row in known.items():
        if path not in seen and row.status != "gone":
            row.status = "gone" if enumeration.complete else "unknown"
            (difference.gone if enumeration.complete else difference.unknown).append(path)
    difference.renamed = _renamed(known, difference)
    for path, before in difference.renamed.items():
        known[path].moved_from = known[before].asset_id
    return difference


def _renamed(known: Mapping[str, Inventory], difference: Difference) -> dict[str, str]:
    """Which new assets are ones that are gone, under another name.

    It takes one of each that have an identity in common, and a column too: whoever doubts it loses less by a curation
    that stays behind than by one that goes to another table.
    """
    old, new = (_by_identity(known[path] for path in paths) for paths in (difference.gone, difference.new))
    found = {}
    for identity in old.keys() & new.keys():
        if len(old[identity]) == len(new[identity]) == 1:
            before, after = old[identity][0], new[identity][0]
            if _columns(before) & _columns(after):
                found[after.path] = before.path
    return found


def _by_identity(rows: Iterable[Inventory]) -> dict[tuple[str, str], list[Inventory]]:
    found: dict[tuple[str, str], list[Inventory]] = defaultdict(list)
    for row in rows:
        if identity := row.info.get("identity"):
            found[row.info["kind"], identity].append(row)
    return found


def _columns(row: Inventory) -> set[str]:
    return {column["name"] for column in row.info["columns"]}


def _new(source_id: str, asset: AssetInfo, now: datetime) -> Inventory:
    return Inventory(
        asset_id=asset_id(source_id, asset.path),
        source_id=source_id,
        path=asset.path,
        status="present",
        info=asset.model_dump(mode="json"),
        first_seen=now,
        last_seen=now,
    )


def _differs(row: Inventory, asset: AssetInfo) -> bool:
    before = AssetInfo.model_validate(row.info)
    return before.model_dump(exclude=ESTIMATES) != asset.model_dump(exclude=ESTIMATES)


def _kept(row: Inventory, asset: AssetInfo) -> dict[str, object]:
    """The new description; where it could not be read this time, the columns known before stay."""
    info = asset.model_dump(mode="json")
    if asset.problem and not asset.columns:
        info["columns"] = row.info["columns"]
    return info
