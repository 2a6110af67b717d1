"""The life of an asset: discovered, active, stale, tombstoned, purged; and how much it is used.

An inventory makes assets discovered and stale, a scan or a word of a person makes them active. A stale one that did not
come back within 30 days is tombstoned, a tombstoned one is purged 90 days later; people may do both at once.
"""

from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from actors.catalog.annotations import at_version, write_note
from actors.catalog.assets import asset_row
from actors.catalog.contract import CatalogReceipt, MoveLifecycle, RestoreAsset, SweepLifecycle, TellUse
from actors.catalog.curation_tables import AssetChange, AssetUse
from actors.catalog.glossary_tables import TermLink
from actors.catalog.history import EMPTY, WORDS, Changes, bump, state, words_key
from actors.catalog.incident_tables import Alert, Incident, Monitor
from actors.catalog.quality_tables import (
    DataContract,
    DimensionScore,
    MetricPoint,
    QualityResult,
    QualityRun,
    QualityTest,
)
from actors.catalog.tables import Annotation, Asset, AssetColumn, Profile, SchemaVersionRow, ShownLabel
from actors.catalog.told_tables import ToldFacet
from cluster.errors import Conflict, InvalidInput
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import hidden

# Where what is known of an asset is kept, beside its own row, its history, and lineage, which is read by its id.
_KNOWN: Final[tuple[Any, ...]] = (
    AssetColumn, Annotation, Profile, ShownLabel, SchemaVersionRow, AssetUse, ToldFacet, TermLink, Monitor, Incident,
    QualityTest, QualityRun, QualityResult, MetricPoint, DimensionScore, DataContract,
)  # fmt: skip
STALE_DAYS: Final = 30
TOMBSTONED_DAYS: Final = 90
USE_DAYS: Final = 90
SWEPT: Final = 500
# From which states a person may move an asset to which.
ALLOWED: Final = {
    "active": {"tombstoned"},
    "tombstoned": {"discovered", "active", "stale"},
    "purged": {"tombstoned"},
}


def move(work: UnitOfWork, command: MoveLifecycle) -> Asset:
    """Raises Conflict for a way that is not allowed: only what is tombstoned can be revived or purged."""
    row = asset_row(work.session, command.asset_id, work.caller)
    at_version(row, command.version)
    if row.lifecycle == command.to:
        return row
    if row.lifecycle not in ALLOWED[command.to]:
        raise Conflict(
            f"The asset is {row.lifecycle} and cannot become {command.to}.", "Tombstone it first, or leave it."
        )
    to = "stale" if command.to == "active" and row.status == "gone" else command.to
    _become(work, row, to, "human")
    return row


def sweep(work: UnitOfWork, command: SweepLifecycle) -> CatalogReceipt:
    """Moves what has waited long enough, 500 assets of each state at most."""
    changed = 0
    for state_now, days, to in (("stale", STALE_DAYS, "tombstoned"), ("tombstoned", TOMBSTONED_DAYS, "purged")):
        due = Asset.lifecycle_at < work.now - timedelta(days=days)
        rows = work.session.scalars(select(Asset).where(Asset.lifecycle == state_now, due).limit(SWEPT)).all()
        for row in rows:
            _become(work, row, to, "machine")
        changed += len(rows)
    return CatalogReceipt(entries=changed, changed=changed)


def _become(work: UnitOfWork, row: Asset, to: str, kind: str) -> None:
    before = {"path": row.path, "lifecycle": row.lifecycle, "version": row.version}
    row.lifecycle, row.lifecycle_at = to, work.now
    bump(work, row, kind="human" if kind == "human" else "machine")
    if to == "purged":
        _purge(work.session, row)
    after = {"path": row.path, "lifecycle": to, "version": row.version}
    work.emit(f"asset_{'revived' if to in {'active', 'stale'} else to}", asset_entity(row.id), before, after)


def _purge(session: Session, row: Asset) -> None:
    """Deletes all that is known of an asset but its id, its name, and that it was purged."""
    session.flush()
    session.execute(delete(Alert).where(Alert.incident_id.in_(select(Incident.id).where(Incident.asset_id == row.id))))
    for table in _KNOWN:
        session.execute(delete(table).where(table.asset_id == row.id))
    session.execute(delete(AssetChange).where(AssetChange.asset_id == row.id, AssetChange.version < row.version))
    session.execute(
        update(AssetChange).where(AssetChange.asset_id == row.id).values(changes={"lifecycle": {"after": "purged"}})
    )
    row.comment = row.definition = row.source_owner = row.fingerprint = row.profiled_fingerprint = None
    row.sensitivity, row.coverage, row.rows_counted, row.rows_estimate, row.bytes = None, "none", None, None, None
    row.foreign_keys, row.grants, row.popularity = [], [], 0.0


def restore(work: UnitOfWork, command: RestoreAsset) -> Asset:
    """Makes people's words those of an older version again, on the asset and on its columns. Raises NotFound."""
    row = asset_row(work.session, command.asset_id, work.caller)
    at_version(row, command.version)
    old = state(work.session, row.id, work.caller, command.to_version).words
    notes = work.session.scalars(select(Annotation).where(Annotation.asset_id == row.id)).all()
    columns = work.session.scalars(select(AssetColumn.name).where(AssetColumn.asset_id == row.id)).all()
    changed: Changes = {}
    for column in dict.fromkeys(["", *(note.column for note in notes), *columns]):
        names = WORDS if column == "" else ("description",)
        given = {name: old.get(words_key(column, name), EMPTY.get(name)) for name in names}
        told = write_note(work, row, column, given)
        changed |= {words_key(column, name): each for name, each in told.items()}
    if changed:
        bump(work, row, changed, "human")
        after = {"path": row.path, "to_version": command.to_version, "version": row.version}
        work.emit("asset_restored", asset_entity(row.id), {"path": row.path}, after)
    return row


def tell_use(work: UnitOfWork, command: TellUse) -> CatalogReceipt:
    """Keeps how often assets were used on a day, and sums 90 days of it. Unknown and hidden assets are passed over.

    Raises InvalidInput for a day that has not come.
    """
    session = work.session
    if command.day > work.now.date() + timedelta(days=1):  # a day further on than any clock is
        raise InvalidInput("The day has not come yet.", "Tell the uses of a day when it is over.")
    known = set(session.scalars(select(Asset.id).where(Asset.id.in_(list(command.uses)))))
    known -= hidden(session, work.caller, known)
    session.execute(delete(AssetUse).where(AssetUse.asset_id.in_(known), AssetUse.day == command.day))
    session.add_all(AssetUse(asset_id=one, day=command.day, uses=command.uses[one]) for one in sorted(known))
    session.flush()
    since = work.now.date() - timedelta(days=USE_DAYS)
    session.execute(delete(AssetUse).where(AssetUse.asset_id.in_(known), AssetUse.day < since))
    total = select(func.coalesce(func.sum(AssetUse.uses), 0)).where(AssetUse.asset_id == Asset.id)
    statement = update(Asset).where(Asset.id.in_(known)).values(popularity=total.scalar_subquery())
    session.execute(statement.execution_options(synchronize_session=False))
    return CatalogReceipt(entries=len(command.uses), changed=len(known))


def uses(session: Session, identifier: str) -> list[tuple[date, int]]:
    """The uses of an asset by day, the newest first."""
    statement = select(AssetUse.day, AssetUse.uses).where(AssetUse.asset_id == identifier)
    return [(day, count) for day, count in session.execute(statement.order_by(AssetUse.day.desc()))]
