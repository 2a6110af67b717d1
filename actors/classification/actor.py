"""The classification group's actor: what it loops over are models, to be registered and to be measured."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import structlog

from actors.classification import model_queries
from actors.classification.contract import RecordEvaluation, RegisterShipped
from actors.classification.model_places import folder_of
from actors.classification.service import service
from cluster.errors import ModelUnusable, SextantError
from cluster.ml.assessment import assess
from cluster.ml.figures import Assessment
from cluster.ml.gate import KINDS, ModelKind
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.commands import Service
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

log = structlog.get_logger("classification")


class ClassificationActor(GroupActor):
    """The only writer of the classification's tables."""

    service: ClassVar[Service] = service
    _shipped = False

    def loops(self) -> Sequence[Loop]:
        return (self._ship, self._evaluate)

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


def _pending() -> list[tuple[str, ModelKind, str]]:
    with reading() as session:
        found = model_queries.pending(session)
        return [(key, row.kind, str(folder_of(row.place, row.folder))) for key, row in found]  # type: ignore[misc]  # the column holds a ModelKind
