"""The history of assets: every version is kept as what it changed, so that any version can be had again.

The state of version v is the state now with the changes of all versions after v undone, the newest first.
"""

from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import AssetChangeView, AssetState
from actors.catalog.curation_tables import AssetChange
from actors.catalog.tables import Annotation, Asset, AssetColumn, ShownLabel
from actors.catalog.told_tables import ToldFacet
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import limited

FACTS: Final = (
    "kind", "format", "comment", "definition", "source_owner", "foreign_keys", "grants", "status", "problem",
    "sensitivity", "coverage", "rows_counted", "lifecycle",
)  # fmt: skip
WORDS: Final = ("description", "owner", "owners", "tags", "tier", "certification", "properties")
PLACES: Final = ("domain_id", "parent_id")  # people's words too; in the row, since lists are filtered by them
EMPTY: Final[dict[str, Any]] = {"owners": [], "tags": [], "properties": {}}
COLUMN_FACTS: Final = ("name", "ordinal", "type", "physical_type", "nullable", "primary_key", "comment")
LABEL_FACTS: Final = ("column", "data_class", "sensitivity", "origin", "state", "confidence")

TOLD: Final = "told."  # before the names of facets that other tools told
# Facets by which no version is made: they move with every run, or are columns by now.
UNVERSIONED: Final = ("version", "written", "schemaRead", "dataQualityMetrics", "inputStatistics", "outputStatistics")

Writer = Literal["machine", "human"]
Changes = dict[str, tuple[Any, Any]]


def bump(work: UnitOfWork, row: Asset, more: Changes | None = None, kind: Writer = "machine") -> None:
    """Makes the next version of an asset. What changed in its row since it was read or flushed is seen here; `more` is
    what changed elsewhere, by field: (before, after)."""
    attributes = inspect(row).attrs
    changes = dict(more or {})
    for name in (*FACTS, *PLACES):
        told = attributes[name].history
        if told.has_changes() and told.deleted:
            changes[name] = (told.deleted[0], getattr(row, name))
    row.version += 1
    row.updated_at = work.now
    work.session.add(
        AssetChange(
            asset_id=row.id, version=row.version, at=work.now, principal=work.caller.principal, kind=kind,
            changes={name: {"before": before, "after": after} for name, (before, after) in changes.items()},
        )
    )  # fmt: skip


def words_key(column: str, field: str) -> str:
    """How a change of people's words is named: the field, behind its column's name where it has one."""
    return f"columns.{column}.{field}" if column else field


def told_key(facet: str) -> str:
    """How a change of what other tools tell is named."""
    return TOLD + facet


def changes(
    session: Session, identifier: str, caller: Caller, after: int | None = None, limit: int = 100
) -> list[AssetChangeView]:
    """The versions of an asset with what they changed, the newest first, below version `after`. Raises NotFound.

    What a change tells of other assets (definitions, foreign keys, domains) is left out for a caller from whom any are
    hidden.
    """
    asset_row(session, identifier, caller)
    statement = select(AssetChange).where(AssetChange.asset_id == identifier)
    if after is not None:
        statement = statement.where(AssetChange.version < after)
    rows = session.scalars(statement.order_by(AssetChange.version.desc()).limit(limit))
    found = [AssetChangeView.model_validate(row) for row in rows]
    secret = secrets_for(session, caller)
    return [
        each.model_copy(update={"changes": {k: v for k, v in each.changes.items() if k not in secret}})
        for each in found
    ]  # fmt: skip


def secrets_for(session: Session, caller: Caller) -> set[str]:
    """The fields that may name other assets, for a caller from whom any are hidden."""
    told = told_key("lifecycleStateChange")  # what was renamed says its name before
    return {"definition", "foreign_keys", told, *PLACES} if limited(session, caller) else set()


def state(session: Session, identifier: str, caller: Caller, version: int | None = None) -> AssetState:
    """The asset as it was in a version, or is now. Raises NotFound for a version that is not known, or no more."""
    row = asset_row(session, identifier, caller)
    held, at = _now(session, row), row.updated_at
    wanted = row.version if version is None else version
    if wanted > row.version or wanted < 1:
        raise NotFound(f"The asset has no version {wanted}.", f"It is at version {row.version}.")
    later = select(AssetChange).where(AssetChange.asset_id == identifier, AssetChange.version > wanted)
    undone = session.scalars(later.order_by(AssetChange.version.desc())).all()
    if len(undone) != row.version - wanted:
        oldest = row.version - len(undone)
        raise NotFound(f"Nothing is kept of version {wanted}.", f"The history of this asset begins with {oldest}.")
    for change in undone:
        for field, told in change.changes.items():
            held[field] = told["before"]
    if undone:
        before = session.get(AssetChange, (identifier, wanted))
        at = before.at if before else row.first_seen
    secret = secrets_for(session, caller)
    return _state(row.id, wanted, at, {name: value for name, value in held.items() if name not in secret})


def version_at(session: Session, identifier: str, at: datetime, caller: Caller) -> int:
    """The version that an asset was at. Raises NotFound if it was not known then."""
    row = asset_row(session, identifier, caller)
    if at < row.first_seen:
        raise NotFound("The asset was not known then.", f"It was first seen at {row.first_seen.isoformat()}.")
    later = select(AssetChange.version).where(AssetChange.asset_id == identifier, AssetChange.at > at)
    first = session.scalars(later.order_by(AssetChange.version).limit(1)).first()
    return row.version if first is None else first - 1


def _now(session: Session, row: Asset) -> dict[str, Any]:
    held: dict[str, Any] = {name: getattr(row, name) for name in (*FACTS, *PLACES)}
    columns = select(AssetColumn).where(AssetColumn.asset_id == row.id).order_by(AssetColumn.ordinal, AssetColumn.name)
    held["columns"] = [column_facts(column) for column in session.scalars(columns)]
    labels = select(ShownLabel).where(ShownLabel.asset_id == row.id)
    held["labels"] = sorted((label_facts(label) for label in session.scalars(labels)), key=str)
    told = select(ToldFacet).where(ToldFacet.asset_id == row.id, ToldFacet.facet.not_in(UNVERSIONED))
    held |= {told_key(each.facet): each.value for each in session.scalars(told)}
    for note in session.scalars(select(Annotation).where(Annotation.asset_id == row.id)):
        held |= {words_key(note.column, name): getattr(note, name) for name in WORDS}
    return held


def column_facts(column: Any) -> dict[str, Any]:
    """A column as history keeps it."""
    return {name: getattr(column, name) for name in COLUMN_FACTS}


def label_facts(label: Any) -> dict[str, Any]:
    """A label as history keeps it."""
    return {name: getattr(label, name) for name in LABEL_FACTS}


def _state(identifier: str, version: int, at: datetime, held: dict[str, Any]) -> AssetState:
    facts: dict[str, Any] = {name: held.pop(name) for name in FACTS if name in held}
    facts |= {name: held.pop(name) for name in sorted(held) if name.startswith(TOLD)}
    columns, labels = held.pop("columns"), held.pop("labels")
    words = {name: value for name, value in held.items() if value not in (None, [], {})}
    return AssetState(
        asset_id=identifier, version=version, at=at, facts=facts, columns=tuple(columns), labels=tuple(labels),
        words=words,
    )  # fmt: skip
