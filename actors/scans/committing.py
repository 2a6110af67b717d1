"""Reports of partitions are taken, once each: what is stored of them, what is learned, and who is told."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from actors.scans import queries
from actors.scans.contract import CommitReport
from actors.scans.evidence import packed
from actors.scans.learning import learn
from actors.scans.leases import held, refused
from actors.scans.reuse import completed
from actors.scans.tables import Partition, Report, Run
from cluster.kernels.report import PartitionReport
from cluster.runtime.commands import Done, UnitOfWork

PROGRESS_SECONDS = 1.0


def commit_report(work: UnitOfWork, command: CommitReport) -> Done:
    """Takes the report of a partition, exactly once. Raises Conflict if the lease is not the current one."""
    report = command.report
    done = (
        update(Partition)
        .where(*held(command), Run.id == Partition.run_id, Run.state.in_(queries.OPEN))
        .where(Run.rules_digest == report.rules_digest, Partition.task["fingerprint"].astext == report.fingerprint)
        .values(
            state="done",
            seconds=report.seconds,
            cpu_seconds=report.cpu_seconds,
            peak_rss_mb=report.peak_rss_mb,
            node=report.node,
            ended_at=work.now,
            problem=None,
        )
        .returning(Partition.content_key, Partition.base_id, Partition.only, Run.source_id)
        .execution_options(synchronize_session=False)
    )
    row = work.session.execute(done).first()
    if row is None:
        raise refused(command)
    if row.only:
        whole = completed(work.session, row.base_id, report, row.only) if row.base_id else None
        if whole is None:  # its base went while it was read: the lease runs out, and the next one is for all of it
            raise refused(command)
        report = whole
    kept = _keep(work, command, row.source_id, row.content_key, report)
    work.session.execute(
        update(Partition)
        .where(
            Partition.run_id == command.scan_id,
            Partition.asset_id == command.asset_id,
            Partition.number == command.number,
        )
        .values(report_id=kept.id, rows=kept.rows, size=kept.size, base_id=None)
        .execution_options(synchronize_session=False)
    )
    learn(work, command)
    _progress(work, command.scan_id)
    return Done()


def _keep(work: UnitOfWork, command: CommitReport, source_id: str, content_key: str, report: PartitionReport) -> Any:
    """The stored report of this content: the one at hand, unless another scan or an equal part brought it before.

    One whose texts a model could not read is put where no scan looks for what is known, so that they are read again.
    """
    if any(column.texts is not None and column.texts.skipped for column in report.columns):
        content_key += ":texts-not-read"
    wanted = (Report.asset_id == command.asset_id, Report.content_key == content_key)
    statement = (
        insert(Report)
        .values(
            source_id=source_id, asset_id=command.asset_id, rules_digest=report.rules_digest, content_key=content_key,
            rows=report.rows, size=report.bytes, content=packed(report), created_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(Report.id, Report.rows, Report.size)
    )  # fmt: skip
    kept = work.session.execute(statement).first()
    if kept is None:
        known = select(Report.id, Report.rows, Report.size).where(*wanted, Report.rules_digest == report.rules_digest)
        kept = work.session.execute(known).one()
    return kept


def _progress(work: UnitOfWork, scan_id: str) -> None:
    """At most one progress event a second for a scan, however many reports come in."""
    before = work.now - timedelta(seconds=PROGRESS_SECONDS)
    turn = update(Run).where(Run.id == scan_id, or_(Run.progress_at.is_(None), Run.progress_at <= before))
    source = work.session.execute(turn.values(progress_at=work.now).returning(Run.source_id)).first()
    if source is None:
        return
    counted = select(Partition.state, func.count(), func.sum(Partition.rows), func.sum(Partition.size))
    found = work.session.execute(counted.where(Partition.run_id == scan_id).group_by(Partition.state)).all()
    states = {state: count for state, count, _, _ in found}
    after = {
        "scan_id": scan_id, "source_id": source.source_id,
        "done": sum(states.get(state, 0) for state in queries.SETTLED),
        "total": sum(count for state, count in states.items() if state != "skipped"),
        "rows": int(sum(rows or 0 for _, _, rows, _ in found)),
        "bytes": int(sum(size or 0 for _, _, _, size in found)),
    }  # fmt: skip
    work.emit("progress", f"scan:{scan_id}", after=after)
