"""The commands of the scans group: starting and ending runs. Those on partitions are in `leases` and `committing`."""

from sqlalchemy import delete, insert, or_, select

from actors.scans import budgets, definitions, firing, occurrences, queries, triggers
from actors.scans.committing import commit_report
from actors.scans.contract import (
    AddTrigger,
    BeginScan,
    CancelScan,
    ChangeTrigger,
    ClearBudget,
    CommitReport,
    DefineScan,
    FailPartition,
    FinishScan,
    FireTriggers,
    LeasePartitions,
    PauseScan,
    PrioritiseScan,
    RecordPlan,
    RemoveTrigger,
    RenewLeases,
    ResumeScan,
    RetireDefinition,
    RetryScan,
    RunDefinition,
    Sampling,
    ScanView,
    SetBudget,
    SettleOccurrence,
    StartScan,
)
from actors.scans.learning import keep_pilot
from actors.scans.leases import fail_partition, lease_partitions, renew_leases
from actors.scans.pilots import Pilot
from actors.scans.planner import content_key, first_states
from actors.scans.reuse import keep_rules, known_reports
from actors.scans.sampling import widen
from actors.scans.steering import (
    begin_scan,
    cancel_scan,
    entity,
    figures,
    pause_scan,
    prioritise_scan,
    resume_scan,
    retry_scan,
)
from actors.scans.tables import Asset, Partition, Report, Run
from cluster.context import new_id
from cluster.errors import Conflict, InvalidInput
from cluster.naming import asset_entity, asset_id
from cluster.runtime.commands import Done, Service, UnitOfWork

service = Service("scans")

service.handles(BeginScan)(begin_scan)
service.handles(PauseScan)(pause_scan)
service.handles(ResumeScan)(resume_scan)
service.handles(PrioritiseScan)(prioritise_scan)
service.handles(CancelScan)(cancel_scan)
service.handles(RetryScan)(retry_scan)
service.handles(DefineScan)(definitions.define_scan)
service.handles(RetireDefinition)(definitions.retire_definition)
service.handles(AddTrigger)(triggers.add_trigger)
service.handles(ChangeTrigger)(triggers.change_trigger)
service.handles(RemoveTrigger)(triggers.remove_trigger)
service.handles(RunDefinition)(occurrences.run_definition)
service.handles(SettleOccurrence)(occurrences.settle_occurrence)
service.handles(FireTriggers)(firing.fire_triggers)
service.handles(SetBudget)(budgets.set_budget)
service.handles(ClearBudget)(budgets.clear_budget)
service.handles(LeasePartitions)(lease_partitions)
service.handles(RenewLeases)(renew_leases)
service.handles(CommitReport)(commit_report)
service.handles(FailPartition)(fail_partition)

# Reports that none of the last three runs over an asset stands on are dropped.
RUNS_KEPT = 3


@service.handles(StartScan)
def start_scan(work: UnitOfWork, command: StartScan) -> ScanView:
    known = work.session.scalars(select(Run).where(Run.key == command.key)).first()
    if known is not None:
        return queries.view(work.session, known)
    source_id = command.access.source_id
    covered = [info for info in command.assets if command.rules.spec.covers(info.path)]
    assets = {asset_id(source_id, info.path): info for info in covered}
    if len(assets) != len(covered):
        raise InvalidInput("An asset is listed twice.", "List each path once.")
    run = Run(
        id=new_id(), key=command.key, source_id=source_id, access=command.access.model_dump(mode="json"),
        rules=command.rules.model_dump(mode="json"), rules_digest=command.rules.digest,
        sampling=command.sampling.model_dump(mode="json"), priority=command.priority, plan_only=command.plan_only,
        definition_id=command.definition_id, state="planning", requested_at=work.now,
    )  # fmt: skip
    work.session.add(run)
    work.session.flush()
    keep_rules(work.session, command.rules)
    rows = [
        {"run_id": run.id, "asset_id": identifier, "path": info.path, "info": info.model_dump(mode="json")}
        for identifier, info in assets.items()
    ]
    if rows:
        work.session.execute(insert(Asset).values(state="unplanned"), rows)
    work.emit("started", entity(run.id), after=figures(queries.view(work.session, run)))
    _end_planning(work, run)
    return queries.view(work.session, run)


@service.handles(RecordPlan)
def record_plan(work: UnitOfWork, command: RecordPlan) -> Done:
    run = queries.row_of(work.session, command.scan_id)
    asset = work.session.get(Asset, (command.scan_id, command.asset_id))
    if asset is None or "planning" not in (run.state, run.paused_from) or asset.state != "unplanned":
        raise Conflict("This asset does not wait to be planned.", "Nothing is to be done.")
    if command.problem is not None:
        asset.state, asset.problem = "failed", command.problem.model_dump(mode="json")
        after = {
            "scan_id": run.id,
            "source_id": run.source_id,
            "asset_id": asset.asset_id,
            "code": command.problem.code,
        }
        work.emit("asset_failed", asset_entity(asset.asset_id), after=after)
    else:
        asset.state = "planned"
        _insert_partitions(work, run, command)
        if command.pilot is not None:
            keep_pilot(work, command.asset_id, Pilot.model_validate(command.pilot))
    work.session.flush()
    _end_planning(work, run)
    return Done()


def _insert_partitions(work: UnitOfWork, run: Run, command: RecordPlan) -> None:
    if not command.partitions:
        return
    keys = [content_key(partition) for partition in command.partitions]
    known = known_reports(work.session, run, command.asset_id, keys)
    ready = {key for key, report in known.items() if not report.missing}
    states = first_states(command.asset_id, keys, ready, Sampling.model_validate(run.sampling), _rows(command))
    rows = []
    for partition, key, state in zip(command.partitions, keys, states, strict=True):
        report = known.get(key)
        there = report if key in ready else None
        rows.append(
            {
                "number": partition.number, "task": partition.model_dump(mode="json"), "content_key": key,
                "state": state, "report_id": there and there.id, "rows": there and there.rows,
                "size": there and there.size, "base_id": report.id if report and not there else None,
                "only": list(report.missing) if report and not there else None,
            }
        )  # fmt: skip
    same = {"run_id": run.id, "asset_id": command.asset_id, "due_at": work.now}
    work.session.execute(insert(Partition), [{**same, **row} for row in rows])


def _rows(command: RecordPlan) -> int | None:
    """The rows of an asset as its plan estimates them, None where a part of it is not known."""
    estimates = [partition.rows_estimate for partition in command.partitions]
    return None if None in estimates else sum(rows or 0 for rows in estimates)


def _end_planning(work: UnitOfWork, run: Run) -> None:
    """Moves a run on when the last of its assets was planned."""
    waiting = select(Asset.asset_id).where(Asset.run_id == run.id, Asset.state == "unplanned").limit(1)
    if work.session.execute(waiting).first() is None:
        budgets.fit_planned(work, run)
        planned = "planned" if run.plan_only else "running"
        if run.state == "paused":
            run.paused_from = planned
        else:
            run.state = planned
        work.session.flush()
        work.emit("planned", entity(run.id), after=figures(queries.view(work.session, run)))


@service.handles(FinishScan)
def finish_scan(work: UnitOfWork, command: FinishScan) -> ScanView:
    run = queries.row_of(work.session, command.scan_id)
    if run.state not in queries.ACTIVE:
        return queries.view(work.session, run)
    view = queries.view(work.session, run)
    left = sum(view.partitions.get(state, 0) for state in ("pending", "leased"))
    if run.state == "planning" or left:
        raise Conflict(f"{left} partitions of this scan still wait.", "Wait for them, or cancel the scan.")
    if widen(work, run):
        return queries.view(work.session, run)
    before = {"state": run.state}
    run.state, run.finished_at = _verdict(work, view), work.now
    work.session.flush()
    _prune(work, run.id)
    view = queries.view(work.session, run)
    work.emit("finished", entity(run.id), before=before, after=figures(view))
    return view


def _verdict(work: UnitOfWork, view: ScanView) -> str:
    """succeeded without problems, failed if nothing at all could be read, else partial."""
    if not view.problems:
        return "succeeded"
    spoilt = select(Partition.asset_id).where(Partition.run_id == view.id, Partition.state.in_(queries.UNREAD))
    sound = select(Asset.asset_id).where(
        Asset.run_id == view.id, Asset.state == "planned", Asset.asset_id.not_in(spoilt)
    )
    read = view.partitions.get("done", 0) + view.partitions.get("cached", 0)
    return "partial" if read or work.session.execute(sound.limit(1)).first() else "failed"


def _prune(work: UnitOfWork, run_id: str) -> None:
    """Drops reports of this run's assets that no recent run stands on."""
    recent = (
        select(Asset.run_id)
        .join(Run, Run.id == Asset.run_id)
        .where(Asset.asset_id == Report.asset_id)
        .order_by(Run.requested_at.desc(), Run.id.desc())
        .limit(RUNS_KEPT)
        .correlate(Report)
    )
    stood_on = or_(Partition.report_id == Report.id, Partition.base_id == Report.id)
    used = select(Partition.number).where(stood_on, Partition.run_id.in_(recent)).exists()
    covered = select(Asset.asset_id).where(Asset.run_id == run_id)
    work.session.execute(
        delete(Report).where(Report.asset_id.in_(covered), ~used).execution_options(synchronize_session=False)
    )
