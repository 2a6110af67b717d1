"""Comparing an enumeration with the inventory: absence is deletion only if everything could be listed."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.sources.tables import Inventory
from cluster.connectors.interface import AssetInfo, Enumeration
from cluster.naming import asset_id

# Figures that a source estimates and that move without anything having been changed.
ESTIMATES = {"rows_estimate", "bytes"}


@dataclass
class Difference:
    """Paths by what happened to them since the enumeration before."""

    assets: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

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
            session.add(_new(source_id, asset, now))
            difference.new.append(asset.path)
            continue
        if row.status == "gone":
            difference.new.append(asset.path)
        elif _differs(row, asset):
            difference.changed.append(asset.path)
        row.info, row.status, row.last_seen = _kept(row, asset), "present", now
    for path, row in known.items():
        if path not in seen and row.status != "gone":
            row.status = "gone" if enumeration.complete else "unknown"
            (difference.gone if enumeration.complete else difference.unknown).append(path)
    return difference


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
