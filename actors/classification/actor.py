"""The classification group's actor: what it loops over are models, to be registered, measured, watched and trained."""

import asyncio
import math
import sys
import time
from collections.abc import Sequence
from typing import ClassVar

import structlog

from actors.classification import model_queries, model_retraining, model_watch
from actors.classification.contract import (
    BeginRetraining,
    FinishRetraining,
    RecordEvaluation,
    RecordObservations,
    RegisterShipped,
)
from actors.classification.model_places import folder_of
from actors.classification.service import service
from cluster.errors import ModelUnusable, SextantError, Unavailable
from cluster.ml.assessment import assess
from cluster.ml.figures import Assessment
from cluster.ml.gate import KINDS, ModelKind
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.commands import Service
from cluster.runtime.jobs import job_ended, submit_job
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

log = structlog.get_logger("classification")

WATCH_SECONDS = 30.0
JOBS_SECONDS = 5.0


class ClassificationActor(GroupActor):
    """The only writer of the classification's tables."""

    service: ClassVar[Service] = service
    _shipped = False
    _watched = _asked = -math.inf

    def loops(self) -> Sequence[Loop]:
        return (self._ship, self._evaluate, self._watch, self._train)

    async def _ship(self) -> None:
        """Once: registers the models of this release. One whose files are not whole is left out, and said."""
        if self._shipped:
            return
        for kind in KINDS:
            try:
                await self.command(RegisterShipped(kind=kind))
            except ModelUnusable as error:
                log.warning("a shipped model is not registered", kind=kind, why=error.detail)
        self._shipped = True

    async def _evaluate(self) -> None:
        """One evaluation at a time, in a worker: it takes a core for as long as it lasts."""
        for evaluation_id, kind, folder in await asyncio.to_thread(_pending):
            told: Assessment | None = None
            problem: str | None = None
            try:
                told = await run_task(assess, kind, folder, name="assess-model")
            except SextantError as error:
                problem = error.detail[:1000]
            await self.command(RecordEvaluation(evaluation_id=evaluation_id, assessment=told, problem=problem))

    async def _watch(self) -> None:
        """Twice a minute: observes the sources that were classified since."""
        if time.monotonic() < self._watched + WATCH_SECONDS:
            return
        self._watched = time.monotonic()
        for source_id in await asyncio.to_thread(_due):
            await self.command(RecordObservations(source_id=source_id))

    async def _train(self) -> None:
        """Submits the jobs of trainings that were asked for, and ends those whose job died."""
        if time.monotonic() < self._asked + JOBS_SECONDS:
            return
        self._asked = time.monotonic()
        requested, running = await asyncio.to_thread(_trainings)
        for retraining in requested:
            try:
                await submit_job(f"{sys.executable} -m serve.jobs.retrain {retraining}", job_of(retraining))
            except Unavailable as error:
                await self.command(FinishRetraining(retraining_id=retraining, problem=error.detail))
            else:
                await self.command(BeginRetraining(retraining_id=retraining))
        for retraining in running:
            ended = await job_ended(job_of(retraining))
            if ended is not None and retraining in (await asyncio.to_thread(_trainings))[1]:
                problem = f"The job ended as {ended} and left no model; see `ray job logs {job_of(retraining)}`."
                await self.command(FinishRetraining(retraining_id=retraining, problem=problem))


def job_of(retraining: str) -> str:
    """The submission id of a training's job."""
    return f"retrain-{retraining}"


def _pending() -> list[tuple[str, ModelKind, str]]:
    with reading() as session:
        found = model_queries.pending(session)
        return [(key, row.kind, str(folder_of(row.place, row.folder))) for key, row in found]  # type: ignore[misc]  # the column holds a ModelKind


def _due() -> list[str]:
    with reading() as session:
        return model_watch.due(session)


def _trainings() -> tuple[list[str], list[str]]:
    with reading() as session:
        return model_retraining.requested(session), model_retraining.running(session)
