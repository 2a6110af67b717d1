"""Measuring sources and acting on the advice."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import ApplyTuning, RecordTuning, SetFetchRows, SourceView, TuneSource, TuningView
from actors.sources.measuring import Measured
from actors.sources.standing import changed, in_service
from actors.sources.tables import Inventory, Tuning
from actors.sources.tuning import advise
from cluster.connectors.interface import AssetInfo, SourceAccess
from cluster.context import new_id
from cluster.errors import Conflict, NotFound
from cluster.naming import source_entity
from cluster.runtime.commands import UnitOfWork
from cluster.settings import settings

KEPT = 20
LEARNED_FROM = 5
"""Measurements that an advice stands on: this one and those before it."""
ASSETS = 3


def set_fetch_rows(work: UnitOfWork, command: SetFetchRows) -> SourceView:
    """Repeating it changes nothing."""
    row = in_service(work, command.source_id)
    before = queries.view(row)
    row.fetch_rows = command.fetch_rows
    return before if queries.view(row) == before else changed(work, row, before, "fetch_rows_set")


def tune_source(work: UnitOfWork, command: TuneSource) -> TuningView:
    """Queues the measurement."""
    row = in_service(work, command.source_id)
    if not measured_assets(work.session, row.id):
        raise Conflict("Nothing of the source could be read to measure it.", "Discover the source first.")
    tuning = Tuning(
        id=new_id(), source_id=row.id, state="queued", most_connections=command.most_connections, applied=False,
        requested_at=work.now,
    )  # fmt: skip
    work.session.add(tuning)
    work.session.flush()
    return view(tuning)


def record_tuning(work: UnitOfWork, command: RecordTuning) -> TuningView:
    """Joins what was measured with what was before, and keeps the advice that all of it supports."""
    row = work.session.get_one(Tuning, command.tuning_id)
    row.finished_at, row.state = work.now, "failed" if command.measured is None else "succeeded"
    row.problem = command.problem.model_dump(mode="json") if command.problem else None
    if command.measured is not None:
        row.measured = command.measured.model_dump(mode="json")
        work.session.flush()
        known = [Measured.model_validate(one.measured) for one in _newest(work.session, row.source_id)]
        advice = advise(
            [point for one in known for point in one.points], [point for one in known for point in one.fetches],
            command.measured.row_bytes, settings().batch_bytes,
        )  # fmt: skip
        row.advice = advice.model_dump(mode="json")
        told = {"source_id": row.source_id, "tuning_id": row.id, "connections": advice.connections}
        work.emit("tuned", source_entity(row.source_id), after={**told, "fetch_rows": advice.fetch_rows})
    old = select(Tuning.id).where(Tuning.source_id == row.source_id, Tuning.finished_at.is_not(None))
    old = old.order_by(Tuning.requested_at.desc()).offset(KEPT)
    work.session.execute(delete(Tuning).where(Tuning.id.in_(old)).execution_options(synchronize_session=False))
    return view(row)


def apply_tuning(work: UnitOfWork, command: ApplyTuning) -> TuningView:
    """Repeating it changes nothing."""
    source = in_service(work, command.source_id)
    row = _row(work.session, command.source_id, command.tuning_id)
    found = view(row)
    if found.advice is None:
        raise Conflict("The measurement has brought no advice.", "Wait until it has ended, or measure again.")
    before = queries.view(source)
    if found.advice.fetch_rows is not None:
        source.fetch_rows = found.advice.fetch_rows
    row.applied = True
    if queries.view(source) != before:
        changed(work, source, before, "fetch_rows_set")
    return view(row)


def get_tuning(session: Session, source_id: str, tuning_id: str) -> TuningView:
    """One measurement. Raises NotFound."""
    return view(_row(session, source_id, tuning_id))


def list_tunings(session: Session, source_id: str) -> list[TuningView]:
    """The measurements of a source that are kept, the newest first. Raises NotFound for the source."""
    queries.row_of(session, source_id)
    statement = select(Tuning).where(Tuning.source_id == source_id).order_by(Tuning.requested_at.desc())
    return [view(row) for row in session.scalars(statement.limit(KEPT))]


def tuning_input(session: Session, tuning_id: str) -> tuple[SourceAccess, list[AssetInfo], int]:
    """What a measurement is given: how to reach the source, its largest assets, and the most connections."""
    row = session.get_one(Tuning, tuning_id)
    access = queries.access(session, row.source_id, allow_retired=True)
    return access, measured_assets(session, row.source_id), row.most_connections


def waiting_tunings(session: Session) -> list[str]:
    """The measurements that wait, or were under way when the actor went down."""
    statement = select(Tuning.id).where(Tuning.state.in_(("queued", "running"))).order_by(Tuning.requested_at)
    return list(session.scalars(statement))


def measured_assets(session: Session, source_id: str) -> list[AssetInfo]:
    """The largest tables or files of a source."""
    statement = select(Inventory.info).where(Inventory.source_id == source_id, Inventory.status == "present")
    found = [AssetInfo.model_validate(info) for info in session.scalars(statement)]
    readable = [info for info in found if info.problem is None and info.kind in ("table", "file")]
    return sorted(readable, key=lambda info: info.bytes or 0, reverse=True)[:ASSETS]


def view(row: Tuning) -> TuningView:
    """A measurement as others see it."""
    measured = Measured.model_validate(row.measured) if row.measured else None
    return TuningView(
        id=row.id, source_id=row.source_id, state=row.state, most_connections=row.most_connections,
        points=measured.points if measured else (), fetches=measured.fetches if measured else (),
        pool=measured.pool if measured else None, advice=row.advice, problem=row.problem, applied=row.applied,
        requested_at=row.requested_at, finished_at=row.finished_at,
    )  # fmt: skip


def _row(session: Session, source_id: str, tuning_id: str) -> Tuning:
    row = session.get(Tuning, tuning_id)
    if row is None or row.source_id != source_id:
        raise NotFound("This source has no such measurement.", "Use the address that the request returned.")
    return row


def _newest(session: Session, source_id: str) -> list[Tuning]:
    statement = select(Tuning).where(Tuning.source_id == source_id, Tuning.measured.is_not(None))
    return list(session.scalars(statement.order_by(Tuning.requested_at.desc()).limit(LEARNED_FROM)))
