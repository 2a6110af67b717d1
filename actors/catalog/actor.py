"""The catalog group's actor: its loops ask the model for vectors, move assets on in their life, watch, and tell."""

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import structlog

from actors.catalog import alerts, phrases
from actors.catalog.contract import CheckMonitors, PrepareSearch, RecordDelivery, RecordVectors, SweepLifecycle
from actors.catalog.delivery import Channel, Undelivered, deliver
from actors.catalog.service import service
from actors.catalog.worker import embed, identity
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.commands import Service
from cluster.runtime.tasks import run_task
from cluster.store.engine import reading

log = structlog.get_logger("catalog")
SWEEP_SECONDS = 3600.0
WATCH_SECONDS = 30.0


class CatalogActor(GroupActor):
    """The only writer of the catalog's tables."""

    service: ClassVar[Service] = service
    _prepared = _deaf = False
    _swept = _watched = -math.inf

    def loops(self) -> Sequence[Loop]:
        return (self._embed, self._sweep, self._watch, self._deliver)

    async def _embed(self) -> None:
        """Asks a worker for the vectors of new phrases. Without a model the catalog is searched by words alone."""
        if not self._prepared:
            self._prepared = not (await self.command(PrepareSearch(model=identity()))).changed
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

    async def _watch(self) -> None:
        """Twice a minute."""
        if time.monotonic() - self._watched >= WATCH_SECONDS:
            await self.command(CheckMonitors())
            self._watched = time.monotonic()

    async def _deliver(self) -> None:
        """Tries the alerts that are due, all at once: a channel that hangs keeps none of the others waiting."""
        with reading() as session:
            waiting = alerts.due(session, datetime.now(UTC))
        await asyncio.gather(*(self._try(number, channel, body) for number, channel, body in waiting))

    async def _try(self, number: int, channel: Channel, body: dict[str, Any]) -> None:
        problem, final = None, False
        try:
            await asyncio.to_thread(deliver, channel, body)
        except Undelivered as error:
            problem, final = error.problem, error.final
            log.warning("alert not delivered", channel=channel.id, final=final)
        await self.command(RecordDelivery(alert_id=number, problem=problem, final=final))

    async def _sweep(self) -> None:
        """Once an hour."""
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            await self.command(SweepLifecycle())
            self._swept = time.monotonic()
