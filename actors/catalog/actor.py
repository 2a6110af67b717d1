"""The catalog group's actor: its loops ask the model for vectors, and move assets on in their life."""

import math
import time
from collections.abc import Sequence
from typing import ClassVar

import structlog

from actors.catalog import phrases
from actors.catalog.contract import PrepareSearch, RecordVectors, SweepLifecycle
from actors.catalog.service import service
from actors.catalog.worker import embed, identity
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.commands import Service
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

log = structlog.get_logger("catalog")
SWEEP_SECONDS = 3600.0


class CatalogActor(GroupActor):
    """The only writer of the catalog's tables."""

    service: ClassVar[Service] = service
    _prepared = _deaf = False
    _swept = -math.inf

    def loops(self) -> Sequence[Loop]:
        return (self._embed, self._sweep)

    async def _embed(self) -> None:
        """Asks a worker for the vectors of new phrases. Without a model the catalog is searched by words alone."""
        if not self._prepared:
            await self.command(PrepareSearch(model=identity()))
            self._prepared = True
        if self._deaf:
            return
        with reading() as session:
            waiting = phrases.pending(session)
        if not waiting:
            return
        told = await run_task(embed, [text for _, text in waiting], cpus=0.5, name="embed_phrases")
        if told is None:
            self._deaf = True
            log.warning("no embedding model", then="search is by words alone until the group starts anew")
            return
        model, found = told
        await self.command(RecordVectors(model=model, vectors=dict(zip((n for n, _ in waiting), found, strict=True))))

    async def _sweep(self) -> None:
        """Once an hour."""
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            await self.command(SweepLifecycle())
            self._swept = time.monotonic()
