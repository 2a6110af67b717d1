"""Runs of quality tests that need their asset read: the orchestrator, which may ask all groups, has a worker do it."""

import asyncio

import structlog
from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.catalog.contract import CheckOutcome, PendingRun, RecordOutcomes
from actors.catalog.worker import QualityTask, evaluate
from actors.sources import queries as sources
from cluster.context import system
from cluster.errors import SextantError
from cluster.runtime.doors import send
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

log = structlog.get_logger("orchestrator")
AT_ONCE = 2
PATIENCE_SECONDS = 3600.0


async def run_quality() -> None:
    """Does the runs that wait, two at a time. One whose source cannot be read fails, and says why."""
    waiting = await asyncio.to_thread(_waiting)
    await asyncio.gather(*(_run(run_id, task) for run_id, task in waiting))


async def _run(run_id: str, task: QualityTask | SextantError) -> None:
    outcomes: tuple[CheckOutcome, ...] = ()
    problem: str | None = None
    try:
        if isinstance(task, SextantError):
            raise task
        work = run_task(evaluate, task, name="evaluate_quality")
        outcomes = tuple(await asyncio.wait_for(work, PATIENCE_SECONDS))
    except TimeoutError:
        problem = f"The asset was not read within {PATIENCE_SECONDS:.0f} seconds."
    except SextantError as error:
        problem = str(error)
    if problem is not None:
        log.warning("quality run failed", run=run_id)
    command = RecordOutcomes(run_id=run_id, outcomes=outcomes, problem=problem)
    await send(command, system("orchestrator"))


def _waiting() -> list[tuple[str, QualityTask | SextantError]]:
    found: list[tuple[str, QualityTask | SextantError]] = []
    with reading() as session:
        for run in catalog.pending_runs(session, AT_ONCE):
            try:
                found.append((run.run_id, _task(session, run)))
            except SextantError as error:
                found.append((run.run_id, error))
    return found


def _task(session: Session, run: PendingRun) -> QualityTask:
    """Raises NotFound where a source or an asset is not there, Conflict for a retired source."""
    others = {
        name: (sources.access(session, source_id), sources.asset_info(session, identifier))
        for name, (source_id, identifier) in run.others.items()
    }
    return QualityTask(
        access=sources.access(session, run.source_id), asset=sources.asset_info(session, run.asset_id),
        tests=run.tests, others=others,
    )  # fmt: skip
