"""The actor of the scans group: drives running scans from planning to their end."""

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import ray

from actors.scans import queries
from actors.scans.contract import FinishScan, Held, LeasePartitions, ScanRules
from actors.scans.demand import Demand
from actors.scans.outlook import Outlook, outlook
from actors.scans.planning import Planning
from actors.scans.reading import Reading
from actors.scans.service import service
from cluster.connectors.interface import SourceAccess
from cluster.errors import Conflict
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.tasks import most_cpus, request_cpus, run_task
from cluster.settings import settings
from cluster.store.engine import reading

ORPHANS_SECONDS = 5.0
"""Ray ends the tasks of an actor that died. Until it has, they read, and have their share of a source's rates."""


class ScansActor(GroupActor):
    """Keeps nothing that the tables do not: another incarnation goes on where this one was killed."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._inputs: dict[str, tuple[SourceAccess, ScanRules]] = {}
        self._planning = Planning(self.command, run_task, self._access, settings().partition_bytes, self._piloted)
        self._reading = Reading(self.command, run_task, self._input, settings().lease_seconds, self._forget)
        self._demand = Demand(most_cpus, request_cpus)
        self._sources: dict[str, str] = {}
        self._recovered, self._cpus, self._counted = 0.0, 1, -math.inf
        await super().__init__()

    def loops(self) -> Sequence[Loop]:
        return (self._drive, self._foresee)

    async def describe(self) -> dict[str, Any]:
        """The incarnation, how much it has under way, and the sources that are waited for."""
        under_way = {"planning": len(self._planning.window.keys), "reading": len(self._reading.window.keys)}
        return {**await super().describe(), **under_way, "waited_for": self._reading.dispatch.waited_for()}

    async def _drive(self) -> None:
        if not self._recovered:
            await self._reading.release(await asyncio.to_thread(_leased))
            self._recovered = time.monotonic()
        asked = self._asking(await self._slots())
        found = await asyncio.to_thread(_look, self._planning.page, asked)
        self._sources = found.sources
        self._inputs = {scan: given for scan, given in self._inputs.items() if scan in found.sources}
        self._planning.start(found.waiting, found.sources.keys(), found.paces)
        self._reading.stop(found.held, set(found.sources.values()))
        if found.due:
            await self._reading.start(self._asking(asked.slots))  # what is planned since has its share
        for scan_id in found.exhausted:
            try:
                await self.command(FinishScan(scan_id=scan_id))
            except Conflict:
                continue  # it was retried or got new work meanwhile

    def _asking(self, slots: int) -> LeasePartitions:
        planning = [self._sources.get(key[0][0], "") for key in self._planning.window.keys]
        paced = time.monotonic() - self._recovered > ORPHANS_SECONDS
        return self._reading.asking(slots, tuple(planning), paced=paced)

    async def _slots(self) -> int:
        """The configured number of scan tasks, else the CPUs that the cluster has had within the last two seconds."""
        configured = settings().scan_workers
        if configured:
            return configured
        if time.monotonic() > self._counted + 2:
            resources: dict[str, float] = await asyncio.to_thread(ray.cluster_resources)
            self._cpus, self._counted = max(1, int(resources.get("CPU", 1))), time.monotonic()
        return self._cpus

    async def _foresee(self) -> None:
        if self._demand.due():
            await asyncio.to_thread(_foresee, self._demand)

    async def _input(self, scan_id: str) -> tuple[SourceAccess, ScanRules]:
        if scan_id not in self._inputs:
            self._inputs[scan_id] = await asyncio.to_thread(_given, scan_id)
        return self._inputs[scan_id]

    def _forget(self, scan_id: str) -> None:
        """The credential of its source may be another one by now."""
        self._inputs.pop(scan_id, None)

    async def _access(self, scan_id: str) -> SourceAccess:
        self._forget(scan_id)
        return (await self._input(scan_id))[0]

    async def _piloted(self, scan_id: str) -> ScanRules | None:
        return await asyncio.to_thread(_rules_of_pilots, scan_id)


def _rules_of_pilots(scan_id: str) -> ScanRules | None:
    with reading() as session:
        return queries.rules_of_pilots(session, scan_id)


def _look(page: int, asked: LeasePartitions) -> Outlook:
    with reading() as session:
        return outlook(session, datetime.now(UTC), page, asked)


def _foresee(demand: Demand) -> None:
    with reading() as session:
        demand.look(session)


def _given(scan_id: str) -> tuple[SourceAccess, ScanRules]:
    with reading() as session:
        return queries.scan_input(session, scan_id)


def _leased() -> list[Held]:
    with reading() as session:
        return queries.leased(session)
