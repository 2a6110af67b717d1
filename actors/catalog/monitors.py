"""Monitors: what is watched of assets between runs of tests, and the incidents that come of it."""

import math
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import CatalogReceipt, CheckMonitors, DefineMonitor, MonitorView, RemoveMonitor
from actors.catalog.curation_tables import AssetChange
from actors.catalog.incident_tables import Monitor
from actors.catalog.incidents import is_open, raised, recovered
from actors.catalog.metrics import FEWEST, expected, points
from actors.catalog.quality_results import scores
from actors.catalog.tables import Asset, AssetColumn
from cluster.context import Caller, new_id, system
from cluster.errors import InvalidInput, NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import Done, UnitOfWork
from cluster.security.visibility import visible

TAKES: Final = {
    "freshness": {"max_hours"}, "volume": {"min", "max"}, "schema_change": set[str](),
    "distribution": {"metric", "min", "max"}, "quality": {"min_score"},
}  # fmt: skip
METRICS: Final = ("null_share", "distinct_share", "mean")
SLACK: Final = 1.5  # how much longer than it ever took an update may take


class Finding(NamedTuple):
    """What a monitor says: whether all is well, None where it cannot be said, and what is wrong."""

    well: bool | None
    title: str = ""


def define(work: UnitOfWork, command: DefineMonitor) -> MonitorView:
    """Raises NotFound for the asset or column, InvalidInput for parameters that the kind does not take."""
    asset = asset_row(work.session, command.asset_id, work.caller)
    told = command.parameters
    if set(told) - TAKES[command.kind]:
        known = ", ".join(sorted(TAKES[command.kind])) or "none"
        raise InvalidInput("The monitor was given parameters that it does not take.", f"It takes: {known}.")
    if (command.kind == "distribution") != bool(command.column):
        raise InvalidInput("A distribution is that of a column, and no other monitor has one.", "Correct `column`.")
    if command.kind == "distribution" and told.get("metric", "null_share") not in METRICS:
        raise InvalidInput("There is no such metric.", f"Choose from: {', '.join(METRICS)}.")
    if any(isinstance(value, str) for name, value in told.items() if name != "metric"):
        raise InvalidInput("A bound is a number.", "Correct it.")
    _reachable(command.kind, {name: float(value) for name, value in told.items() if name != "metric"})
    if command.column and work.session.get(AssetColumn, (asset.id, command.column)) is None:
        raise NotFound("The asset has no such column.", "Read the asset to see its columns.")
    monitor = Monitor(
        id=new_id(), asset_id=asset.id, column=command.column, kind=command.kind, parameters=dict(told),
        severity=command.severity, state="unknown", checked_at=None, principal=work.caller.principal,
        created_at=work.now,
    )  # fmt: skip
    work.session.add(monitor)
    work.emit("monitor_defined", asset_entity(asset.id), None, {"path": asset.path, "kind": command.kind})
    return MonitorView.model_validate(monitor)


def _reachable(kind: str, bounds: dict[str, float]) -> None:
    """Raises InvalidInput for bounds that nothing can meet."""
    if bounds.get("min", -math.inf) > bounds.get("max", math.inf):
        raise InvalidInput("The lower bound is above the upper one.", "Exchange them.")
    if bounds.get("max_hours", 1) <= 0:
        raise InvalidInput("No content is fresher than now.", "Give `max_hours` above 0.")
    if not 0 <= bounds.get("min_score", 1) <= 1 or (kind == "volume" and bounds.get("max", 0) < 0):
        raise InvalidInput("A bound is one that no figure can meet.", "A score is 0 to 1, a number of rows 0 and more.")


def remove(work: UnitOfWork, command: RemoveMonitor) -> Done:
    """Raises NotFound."""
    monitor = work.session.get(Monitor, command.monitor_id)
    if monitor is None:
        raise NotFound("There is no such monitor.", "List the monitors to see their ids.")
    asset = asset_row(work.session, monitor.asset_id, work.caller)
    work.emit("monitor_removed", asset_entity(asset.id), {"path": asset.path, "kind": monitor.kind}, None)
    work.session.delete(monitor)
    return Done()


def check(work: UnitOfWork, command: CheckMonitors) -> CatalogReceipt:
    """Looks at the monitors that wait longest."""
    late = or_(Monitor.checked_at.is_(None), Monitor.checked_at <= work.now - timedelta(seconds=command.seconds))
    statement = select(Monitor, Asset).join(Asset, Asset.id == Monitor.asset_id).where(late)
    rows = work.session.execute(statement.order_by(Monitor.checked_at.nulls_first()).limit(command.most)).all()
    changed = 0
    for monitor, asset in rows:
        finding = found(work.session, monitor, asset, work.now)
        state = {True: "ok", False: "breached", None: "unknown"}[finding.well]
        if finding.well is None and monitor.kind == "schema_change" and monitor.state == "breached":
            state = "breached"
        if finding.well is False:
            raised(work, asset, f"monitor:{monitor.id}", finding.title, monitor.severity)
        elif finding.well:
            recovered(work, asset, f"monitor:{monitor.id}")
        changed += state != monitor.state
        monitor.state, monitor.checked_at = state, work.now
    return CatalogReceipt(entries=len(rows), changed=changed)


def found(session: Session, monitor: Monitor, asset: Asset, now: datetime) -> Finding:
    """What a monitor says now. An asset that is tombstoned is not watched."""
    if asset.lifecycle in {"tombstoned", "purged"}:
        return Finding(None)
    return _KINDS[monitor.kind](session, monitor, now)


def _freshness(session: Session, monitor: Monitor, now: datetime) -> Finding:
    """How long ago the content changed, against `max_hours` or one and a half times the longest pause there was."""
    history = points(session, monitor.asset_id, "", "content")
    if not history:
        return Finding(None)
    age = now - history[-1].at
    if "max_hours" in monitor.parameters:
        most = timedelta(hours=float(monitor.parameters["max_hours"]))
    elif len(history) > FEWEST:
        pauses = [later.at - earlier.at for earlier, later in pairwise(history)]
        most = SLACK * max(pauses)
    else:
        return Finding(None)
    return Finding(age <= most, f"The content has not changed for {_hours(age)}; at most {_hours(most)} are expected")


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} hours"


def _volume(session: Session, monitor: Monitor, now: datetime) -> Finding:
    return _held(session, monitor, "", "rows", "The number of rows")


def _distribution(session: Session, monitor: Monitor, now: datetime) -> Finding:
    metric = str(monitor.parameters.get("metric", "null_share"))
    return _held(session, monitor, monitor.column, metric, f"The {metric} of column {monitor.column}")


def _held(session: Session, monitor: Monitor, column: str, metric: str, what: str) -> Finding:
    """The newest figure against given bounds, or those that the figures before it teach."""
    history = points(session, monitor.asset_id, column, metric)
    if not history:
        return Finding(None)
    newest, told = history[-1], monitor.parameters
    low, high = (float(told[name]) if name in told else None for name in ("min", "max"))
    if low is None and high is None:
        learned = expected(history[:-1], newest.at)
        if learned is None:
            return Finding(None)
        low, high = learned[:2]
    well = (low is None or newest.value >= low) and (high is None or newest.value <= high)
    bounds = f"{'-' if low is None else f'{low:.4g}'} to {'-' if high is None else f'{high:.4g}'}"
    return Finding(well, f"{what} is {newest.value:.4g}; expected are {bounds}")


def _schema_change(session: Session, monitor: Monitor, now: datetime) -> Finding:
    """Whether the columns changed since the last look. The incident, and the state, stay until a person ends it."""
    since = monitor.checked_at or monitor.created_at
    changed = select(AssetChange.changes).where(
        AssetChange.asset_id == monitor.asset_id, AssetChange.at > since, AssetChange.changes.has_key("columns")
    )
    changes: list[dict[str, Any]] = list(session.scalars(changed))
    if not changes:
        return Finding(well=None if is_open(session, monitor.asset_id, f"monitor:{monitor.id}") else True)
    before = {each["name"] for each in changes[0]["columns"]["before"]}
    after = {each["name"] for each in changes[-1]["columns"]["after"]}
    return Finding(False, f"The columns changed: {len(after - before)} added, {len(before - after)} removed")


def _quality(session: Session, monitor: Monitor, now: datetime) -> Finding:
    """The share of tests that pass, over all dimensions, against `min_score` (1 if it is not given)."""
    told = scores(session, system("catalog"), monitor.asset_id, 1)
    if not told:
        return Finding(None)
    passed, total = sum(each.passed for each in told), sum(each.total for each in told)
    least = float(monitor.parameters.get("min_score", 1.0))
    return Finding(passed / total >= least, f"{passed} of {total} tests pass; expected are {least:.0%}")


_KINDS: Final = {
    "freshness": _freshness, "volume": _volume, "distribution": _distribution, "schema_change": _schema_change,
    "quality": _quality,
}  # fmt: skip


def monitors(
    session: Session, caller: Caller, asset_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[MonitorView]:
    """Monitors of assets that the caller may see, by id."""
    statement = select(Monitor).where(visible(caller, Monitor.asset_id))
    if asset_id is not None:
        statement = statement.where(Monitor.asset_id == asset_id)
    if after is not None:
        statement = statement.where(Monitor.id > after)
    return [MonitorView.model_validate(row) for row in session.scalars(statement.order_by(Monitor.id).limit(limit))]
