"""The actor of the scans group: drives running scans from planning to their end."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import ray

from actors.scans import queries
from actors.scans.contract import FinishScan, ScanRules
from actors.scans.planning import Planning, Waiting
from actors.scans.reading import Held, Reading
from actors.scans.service import service
from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import run_task
from cluster.settings import settings
from cluster.store.engine import reading


class ScansActor(GroupActor):
    """Keeps nothing that the tables do not: another incarnation goes on where this one was killed."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._inputs: dict[str, tuple[SourceAccess, ScanRules]] = {}
        self._planning = Planning(self.command, run_task, self._access, settings().partition_bytes)
        self._reading = Reading(self.command, run_task, self._input, settings().lease_seconds)
        self._recovered = False
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._drive,)

    async def describe(self) -> dict[str, Any]:
        """The incarnation, and how much it has under way."""
        under_way = {"planning": len(self._planning.window.keys), "reading": len(self._reading.window.keys)}
        return {**await super().describe(), **under_way}

    async def _drive(self) -> None:
        if not self._recovered:
            await self._reading.release(await asyncio.to_thread(_leased))
            self._recovered = True
        active, waiting, due, exhausted = await asyncio.to_thread(_look, self._planning.page)
        self._inputs = {scan: given for scan, given in self._inputs.items() if scan in active}
        self._planning.start(waiting, active)
        if active or self._reading.window.keys:
            await self._reading.start(await _slots(), due, active)
        for scan_id in exhausted:
            try:
                await self.command(FinishScan(scan_id=scan_id))
            except Conflict:
                continue  # it was retried or got new work meanwhile

    async def _input(self, scan_id: str) -> tuple[SourceAccess, ScanRules]:
        if scan_id not in self._inputs:
            self._inputs[scan_id] = await asyncio.to_thread(_given, scan_id)
        return self._inputs[scan_id]

    async def _access(self, scan_id: str) -> SourceAccess:
        return (await self._input(scan_id))[0]


async def _slots() -> int:
    """The configured number of scan tasks, else the CPUs that the cluster has just now."""
    configured = settings().scan_workers
    if configured:
        return configured
    resources: dict[str, float] = await asyncio.to_thread(ray.cluster_resources)
    return max(1, int(resources.get("CPU", 1)))


def _look(page: int) -> tuple[set[str], Waiting, bool, list[str]]:
    with reading() as session:
        return (
            queries.active_ids(session),
            queries.unplanned(session, page),
            queries.due(session, datetime.now(UTC)),
            queries.exhausted(session),
        )


def _given(scan_id: str) -> tuple[SourceAccess, ScanRules]:
    with reading() as session:
        return queries.scan_input(session, scan_id)


def _leased() -> list[Held]:
    with reading() as session:
        return queries.leased(session)
