"""The read side of the scans group: runs here, the rest from where it is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from actors.scans.contract import PartitionState, PartitionView, QueueItem, Sampling, ScanRules, ScanView
from actors.scans.definitions import definition, definition_by_name, definitions
from actors.scans.evidence import content_digest, costs, coverage, evidence, evidence_of
from actors.scans.firing import triggers_due
from actors.scans.occurrences import Waiting, occurrence, occurrences, under_way, upcoming, waiting_occurrences
from actors.scans.tables import Asset, Partition, Run
from actors.scans.triggers import looked_at, triggers
from cluster.connectors.interface import AssetInfo, Problem, SourceAccess
from cluster.errors import InvalidInput, NotFound
from cluster.security.credentials import sealed_of

__all__ = [
    "Waiting", "active_ids", "content_digest", "costs", "coverage", "definition", "definition_by_name", "definitions",
    "due", "evidence", "evidence_of", "exhausted", "find_by_key", "get_scan", "leased", "list_scans", "looked_at",
    "occurrence", "occurrences", "open_keys", "partitions", "queue", "row_of", "rules_of_pilots", "scan_input",
    "triggers", "triggers_due", "under_way", "unplanned", "upcoming", "view", "waiting_occurrences",
]  # fmt: skip

ACTIVE = ("planning", "running")
# Not ended: a worker's result still counts.
OPEN = (*ACTIVE, "planned", "paused")
WAITING = ("pending", "leased")
UNREAD = ("failed", "quarantined")
SETTLED = ("done", "cached", *UNREAD)
PROBLEMS_SHOWN = 200


def row_of(session: Session, scan_id: str) -> Run:
    """The stored run. Raises NotFound."""
    row = session.get(Run, scan_id)
    if row is None:
        raise NotFound(f"There is no scan '{scan_id}'.", "List the scans to see their ids.")
    return row


def get_scan(session: Session, scan_id: str) -> ScanView:
    """One scan. Raises NotFound."""
    return view(session, row_of(session, scan_id))


def find_by_key(session: Session, key: str) -> str | None:
    """The id of the scan that was started with this key, None if there is none."""
    return session.scalars(select(Run.id).where(Run.key == key)).first()


def view(session: Session, row: Run) -> ScanView:
    """A run with its figures, counted from its assets and partitions."""
    return _views(session, [row])[0]


def list_scans(
    session: Session, source_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[ScanView]:
    """Scans, the newest first, beginning behind the scan `after`. Raises NotFound if there is no such scan."""
    statement = select(Run).order_by(Run.requested_at.desc(), Run.id.desc()).limit(limit)
    if source_id:
        statement = statement.where(Run.source_id == source_id)
    if after:
        mark = row_of(session, after)
        statement = statement.where(tuple_(Run.requested_at, Run.id) < tuple_(mark.requested_at, mark.id))
    return _views(session, session.scalars(statement).all())


def active_ids(session: Session) -> set[str]:
    """The ids of the scans that have not ended: what their workers bring still counts."""
    return set(session.scalars(select(Run.id).where(Run.state.in_(OPEN))))


def open_keys(session: Session) -> list[tuple[str, str]]:
    """(id, key) of the scans that have not ended."""
    return [(scan, key) for scan, key in session.execute(select(Run.id, Run.key).where(Run.state.in_(OPEN)))]


def queue(session: Session, limit: int = 100) -> list[QueueItem]:
    """The scans that have not ended, in the order in which they are given workers: by priority, then by age."""
    counts = (
        func.count().filter(Partition.state == "pending").label("waiting"),
        func.count().filter(Partition.state == "leased").label("leased"),
    )
    statement = (
        select(Run.id.label("scan_id"), Run.source_id, Run.state, Run.priority, Run.requested_at, *counts)
        .outerjoin(Partition, (Partition.run_id == Run.id) & Partition.state.in_(WAITING))
        .where(Run.state.in_(OPEN))
        .group_by(Run.id)
        .order_by(Run.priority.desc(), Run.requested_at, Run.id)
        .limit(limit)
    )
    return [QueueItem.model_validate(row) for row in session.execute(statement)]


def _views(session: Session, rows: Sequence[Run]) -> list[ScanView]:
    ids = [row.id for row in rows]
    assets, planned = _asset_counts(session, ids)
    states: dict[str, dict[str, int]] = {identifier: {} for identifier in ids}
    sums: dict[str, list[int]] = {identifier: [0, 0] for identifier in ids}
    counted = select(
        Partition.run_id, Partition.state, func.count(), func.sum(Partition.rows), func.sum(Partition.size)
    )
    for run_id, state, count, total_rows, total_bytes in session.execute(
        counted.where(Partition.run_id.in_(ids)).group_by(Partition.run_id, Partition.state)
    ):
        states[run_id][state] = count
        sums[run_id][0] += int(total_rows or 0)
        sums[run_id][1] += int(total_bytes or 0)
    return [
        ScanView(
            id=row.id, source_id=row.source_id,
            level="census" if row.sampling["method"] == "census" and not row.degraded else "sample",
            sampling=Sampling.model_validate(row.sampling), priority=row.priority, definition_id=row.definition_id,
            degraded=row.degraded, state=row.state, rules_digest=row.rules_digest,
            assets=assets.get(row.id, 0), assets_planned=planned.get(row.id, 0), partitions=states[row.id],
            rows=sums[row.id][0], bytes=sums[row.id][1], problems=_problems(session, row.id),
            requested_at=row.requested_at, finished_at=row.finished_at,
        )
        for row in rows
    ]  # fmt: skip


def _asset_counts(session: Session, ids: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    planned = func.sum(case((Asset.state == "unplanned", 0), else_=1))
    statement = select(Asset.run_id, func.count(), planned).where(Asset.run_id.in_(ids)).group_by(Asset.run_id)
    found = session.execute(statement).all()
    return {run: count for run, count, _ in found}, {run: int(over) for run, _, over in found}


def _problems(session: Session, run_id: str) -> tuple[Problem, ...]:
    """What could not be read: assets first, then partitions; the first 200 of each."""
    statements: list[Select[tuple[dict[str, object] | None]]] = [
        select(Asset.problem).where(Asset.run_id == run_id, Asset.state == "failed").order_by(Asset.path),
        select(Partition.problem)
        .where(Partition.run_id == run_id, Partition.state.in_(UNREAD))
        .order_by(Partition.asset_id, Partition.number),
    ]
    return tuple(
        Problem.model_validate(problem)
        for statement in statements
        for problem in session.scalars(statement.limit(PROBLEMS_SHOWN))
    )


def partitions(
    session: Session, scan_id: str, state: PartitionState | None = None, after: str | None = None, limit: int = 100
) -> list[PartitionView]:
    """Partitions of a scan in the order of asset and number; `after` is "<asset_id>:<number>". Raises NotFound."""
    row_of(session, scan_id)
    statement = (
        select(Partition, Asset.path)
        .join(Asset, (Asset.run_id == Partition.run_id) & (Asset.asset_id == Partition.asset_id))
        .where(Partition.run_id == scan_id)
        .order_by(Partition.asset_id, Partition.number)
    )
    if state:
        statement = statement.where(Partition.state == state)
    if after:
        asset_id, _, number = after.partition(":")
        if not number.isdecimal():
            raise InvalidInput("The cursor is not one of this list.", "Use the cursor of the page before.")
        statement = statement.where(tuple_(Partition.asset_id, Partition.number) > tuple_(asset_id, int(number)))
    return [_partition_view(row, path) for row, path in session.execute(statement.limit(limit))]


def _partition_view(row: Partition, path: str) -> PartitionView:
    return PartitionView(
        scan_id=row.run_id, asset_id=row.asset_id, asset=path, number=row.number, state=row.state,
        attempts=row.attempts, rows=row.rows, bytes=row.size, seconds=row.seconds,
        cpu_seconds=row.cpu_seconds, peak_rss_mb=row.peak_rss_mb, node=row.node, leased_at=row.leased_at,
        ended_at=row.ended_at, problem=row.problem,
    )  # fmt: skip


def scan_input(session: Session, scan_id: str) -> tuple[SourceAccess, ScanRules]:
    """What the tasks of a scan are given, with the credential that the source has now. Raises NotFound."""
    row = row_of(session, scan_id)
    access = SourceAccess.model_validate(row.access)
    sealed = sealed_of(session, row.source_id)
    current = access if sealed is None else access.model_copy(update={"sealed": sealed})
    return current, ScanRules.model_validate(row.rules)


def rules_of_pilots(session: Session, scan_id: str) -> ScanRules | None:
    """The rules to pilot the assets of a scan by: those of one that is planned to see its cost, else None."""
    row = row_of(session, scan_id)
    return ScanRules.model_validate(row.rules) if row.plan_only else None


def unplanned(session: Session, limit: int, without: Collection[str] = ()) -> list[tuple[str, str, AssetInfo]]:
    """(scan, asset id, asset) of assets that wait to be cut into partitions, those of the oldest scan first.

    Those of the scans `without` are left out.
    """
    statement = (
        select(Asset.run_id, Asset.asset_id, Asset.info)
        .join(Run, Run.id == Asset.run_id)
        .where(Run.state == "planning", Asset.state == "unplanned", Run.id.not_in(without))
        .order_by(Run.requested_at, Run.id, Asset.asset_id)
        .limit(limit)
    )
    return [(run, asset, AssetInfo.model_validate(info)) for run, asset, info in session.execute(statement)]


def may_read(session: Session, source_id: str, now: datetime) -> bool:
    """Whether the windows of the source's budget let it be read now."""
    from actors.scans.budgets import in_force, is_open  # which asks this module

    budget = in_force(session, [source_id]).get(source_id)
    return budget is None or is_open(budget.windows, now)


def due(session: Session, now: datetime) -> bool:
    """Whether a partition waits to be leased."""
    waiting = select(Partition.number).join(Run, Run.id == Partition.run_id)
    waiting = waiting.where(Run.state.in_(ACTIVE), ~Run.plan_only)
    waiting = waiting.where(Partition.state.in_(WAITING), Partition.due_at <= now)
    return session.execute(waiting.limit(1)).first() is not None


def leased(session: Session) -> list[tuple[str, str, int, int]]:
    """(scan, asset, number, fence) of every partition that somebody holds."""
    columns = (Partition.run_id, Partition.asset_id, Partition.number, Partition.fence)
    statement = select(*columns).where(Partition.state == "leased")
    return [(run, asset, number, fence) for run, asset, number, fence in session.execute(statement)]


def exhausted(session: Session) -> list[str]:
    """Running scans in which nothing is left to do."""
    waiting = select(Partition.number).where(Partition.run_id == Run.id, Partition.state.in_(WAITING)).exists()
    return list(session.scalars(select(Run.id).where(Run.state == "running", ~waiting).order_by(Run.requested_at)))
