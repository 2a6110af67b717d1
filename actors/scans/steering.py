"""The commands that hold, hasten and end a run."""

from typing import Any

from sqlalchemy import func, select, update

from actors.scans import queries
from actors.scans.contract import (
    BeginScan,
    CancelScan,
    PauseScan,
    PrioritiseScan,
    ResumeScan,
    RetryScan,
    ScanView,
)
from actors.scans.tables import Asset, Partition, Run
from cluster.errors import Conflict
from cluster.runtime.commands import UnitOfWork


def entity(scan_id: str) -> str:
    """How events name a scan."""
    return f"scan:{scan_id}"


def figures(view: ScanView) -> dict[str, Any]:
    """What events say of a scan: counts and states only."""
    return {**view.model_dump(mode="json", exclude={"problems"}), "scan_id": view.id, "problems": len(view.problems)}


def begin_scan(work: UnitOfWork, command: BeginScan) -> ScanView:
    """A scan that was only to be planned begins at once, or when its planning has ended."""
    run = queries.row_of(work.session, command.scan_id)
    if not run.plan_only and run.state in queries.OPEN:
        return queries.view(work.session, run)
    if run.state not in ("planning", "planned"):
        raise Conflict(f"The scan cannot begin ({run.state}).", "Start a new scan.")
    before = {"state": run.state}
    run.plan_only = False
    if run.state == "planned":
        run.state = "running"
    return _changed(work, run, "begun", before)


def pause_scan(work: UnitOfWork, command: PauseScan) -> ScanView:
    """Repeating it changes nothing."""
    run = queries.row_of(work.session, command.scan_id)
    if run.state == "paused":
        return queries.view(work.session, run)
    if run.state not in queries.ACTIVE:
        raise Conflict(f"Only a scan under way can be paused ({run.state}).", "Nothing is to be done.")
    before = {"state": run.state}
    run.paused_from, run.state = run.state, "paused"
    return _changed(work, run, "paused", before)


def resume_scan(work: UnitOfWork, command: ResumeScan) -> ScanView:
    """Repeating it changes nothing."""
    run = queries.row_of(work.session, command.scan_id)
    if run.state in queries.ACTIVE:
        return queries.view(work.session, run)
    if run.state != "paused":
        raise Conflict(f"Only a paused scan can be resumed ({run.state}).", "Start a new scan, or retry this one.")
    before = {"state": run.state}
    run.state, run.paused_from = run.paused_from or "running", None
    return _changed(work, run, "resumed", before)


def prioritise_scan(work: UnitOfWork, command: PrioritiseScan) -> ScanView:
    """What is under way goes on; the next partitions are given out by the new priority."""
    run = queries.row_of(work.session, command.scan_id)
    if run.state not in queries.OPEN:
        raise Conflict(f"The scan has ended already ({run.state}).", "Nothing is left to prioritise.")
    if run.priority == command.priority:
        return queries.view(work.session, run)
    before = {"priority": run.priority}
    run.priority = command.priority
    return _changed(work, run, "prioritised", before)


def _changed(work: UnitOfWork, run: Run, kind: str, before: dict[str, Any]) -> ScanView:
    work.session.flush()
    view = queries.view(work.session, run)
    work.emit(kind, entity(run.id), before=before, after=figures(view))
    return view


def cancel_scan(work: UnitOfWork, command: CancelScan) -> ScanView:
    run = queries.row_of(work.session, command.scan_id)
    if run.state == "cancelled":
        return queries.view(work.session, run)
    if run.state not in queries.OPEN:
        raise Conflict(f"The scan has ended already ({run.state}).", "Nothing is left to cancel.")
    before = {"state": run.state}
    run.state, run.finished_at = "cancelled", work.now
    waiting = Partition.state.in_(queries.WAITING)
    work.session.execute(update(Partition).where(Partition.run_id == run.id, waiting).values(state="cancelled"))
    view = queries.view(work.session, run)
    work.emit("cancelled", entity(run.id), before=before, after=figures(view))
    return view


def retry_scan(work: UnitOfWork, command: RetryScan) -> ScanView:
    run = queries.row_of(work.session, command.scan_id)
    if run.state in queries.OPEN:
        raise Conflict("The scan is still under way.", "Wait for its end, or cancel it.")
    before = {"state": run.state}
    again = Partition.state.in_(("failed", "quarantined", "cancelled"))
    partitions = work.session.execute(
        update(Partition)
        .where(Partition.run_id == run.id, again)
        .values(state="pending", attempts=0, spared=0, due_at=work.now, problem=None)
        .returning(Partition.number)
    ).all()
    work.session.execute(
        update(Asset).where(Asset.run_id == run.id, Asset.state == "failed").values(state="unplanned", problem=None)
    )
    unplanned = func.count().filter(Asset.state == "unplanned")
    assets = work.session.execute(select(unplanned).where(Asset.run_id == run.id)).scalar_one()
    if not partitions and not assets:
        raise Conflict("Nothing in this scan failed.", "Start a new scan to read the source again.")
    run.state, run.finished_at = ("planning" if assets else "running"), None
    work.session.flush()
    view = queries.view(work.session, run)
    work.emit("retried", entity(run.id), before=before, after=figures(view))
    return view
