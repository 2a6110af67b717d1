"""The actor of the orchestrator: drives every running workflow through its phases."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy.orm import Session

from actors.orchestrator import queries
from actors.orchestrator.contract import ForgetOperations, PhaseState, PhaseView, RecordPhase, WorkflowView
from actors.orchestrator.following import follow
from actors.orchestrator.handoffs_scan import scans_to_stop
from actors.orchestrator.occurrences import set_off
from actors.orchestrator.quality import run_quality
from actors.orchestrator.service import service
from actors.orchestrator.steps import Settled, Step, Way
from actors.orchestrator.workflows import PHASES
from actors.scans.contract import CancelScan
from cluster.context import system
from cluster.errors import SextantError
from cluster.events.listener import Listener
from cluster.runtime.actor import GroupActor, Loop
from cluster.runtime.commands import Command
from cluster.runtime.doors import send
from cluster.runtime.tasks import run_task
from cluster.store.engine import database_url, reading

log = structlog.get_logger("orchestrator")

RETRIES = 3
# Workflows that send the commands of a step at a time: each holds a connection meanwhile.
SENDING = 3
FORGET_SECONDS = 3600.0


class OrchestratorActor(GroupActor):
    """Holds a task for each running workflow; where it stands is in its rows, so a new actor goes on there."""

    service = service

    async def __init__(self) -> None:  # type: ignore[misc]  # Ray awaits it
        self._ways: dict[str, asyncio.Task[None]] = {}
        self._forget_at = 0.0
        self._sending = asyncio.Semaphore(SENDING)
        self._listener = Listener(database_url())
        await super().__init__()
        self._listener.start()

    def loops(self) -> Sequence[Loop]:
        return (self._take_up, self._stop_scans, self._forget, set_off, self._follow, run_quality)

    async def _take_up(self) -> None:
        for workflow_id in await asyncio.to_thread(_running):
            if workflow_id not in self._ways:
                self._ways[workflow_id] = asyncio.create_task(self._drive(workflow_id))

    async def _stop_scans(self) -> None:
        """Cancels the scans of cancelled workflows, also of those that were cancelled while no orchestrator ran."""
        for scan_id in await asyncio.to_thread(_to_stop):
            await send(CancelScan(scan_id=scan_id), system("orchestrator"))

    async def _forget(self) -> None:
        """Once an hour."""
        if time.monotonic() >= self._forget_at:
            await self.command(ForgetOperations())
            self._forget_at = time.monotonic() + FORGET_SECONDS

    async def _follow(self) -> None:
        """Wakes with every event, so that a verdict follows a label within the second."""
        while True:
            bell = self._listener.bell()
            if not await follow():  # there may be more
                await self._listener.wait(bell)

    async def _drive(self, workflow_id: str) -> None:
        try:
            while (workflow := await asyncio.to_thread(_workflow, workflow_id)).state == "running":
                phase = next((p for p in workflow.phases if p.state in ("pending", "running")), None)
                if phase is None:
                    break
                await self._run_phase(workflow, phase)
        except SextantError as error:
            log.warning("workflow waits", workflow=workflow_id, error=error.code)
            await asyncio.sleep(1)
        except Exception as error:
            log.error("workflow interrupted", workflow=workflow_id, error=type(error).__name__)
            await asyncio.sleep(1)
        finally:
            self._ways.pop(workflow_id, None)

    async def _run_phase(self, workflow: WorkflowView, phase: PhaseView) -> None:
        """Runs the steps that are left; what each of them counted is kept with the phase."""
        steps = PHASES[phase.number - 1].steps
        way = Way(workflow.id, workflow.source_id, workflow.ruleset, phase.name)
        counters, problem = dict(phase.counters), phase.problem

        async def record(step: int, state: PhaseState) -> None:
            await self.command(
                RecordPhase(
                    workflow_id=way.workflow_id,
                    number=phase.number,
                    step=step,
                    state=state,
                    counters=counters,
                    problem=problem,
                )
            )

        await record(phase.step, "running")
        for number in range(phase.step, len(steps)):
            try:
                settled = await self._run_step(way, steps[number])
            except SextantError as error:
                settled = Settled("failed", problem=str(error))
            except Exception as error:
                log.error("step failed", step=steps[number].name, error=type(error).__name__)
                settled = Settled(
                    "failed", problem=f"'{steps[number].name}' failed in Sextant ({type(error).__name__})."
                )
            if settled is None:
                return  # cancelled meanwhile
            counters |= settled.counters
            problem = problem or settled.problem
            if settled.state == "failed":
                await record(number, "failed")
                return
            if number + 1 < len(steps):
                await record(number + 1, "running")
        await record(len(steps), "partial" if problem else "succeeded")

    async def _run_step(self, way: Way, step: Step) -> Settled | None:
        for attempt in range(RETRIES):
            try:
                async with self._sending:
                    results = await _carried_out(step, way)
                return await self._settle(way, step, results)
            except SextantError as error:
                if not error.retryable or attempt + 1 == RETRIES:
                    raise
                await asyncio.sleep(2**attempt)
        return None

    async def _settle(self, way: Way, step: Step, results: list[BaseModel]) -> Settled | None:
        while True:
            bell = self._listener.bell()
            settled, cancelled = await asyncio.to_thread(_settled, step, way, results)
            if cancelled:
                return None
            if settled is not None:
                return settled
            await self._listener.wait(bell)


def _running() -> list[str]:
    with reading() as session:
        return queries.running(session)


def _workflow(workflow_id: str) -> WorkflowView:
    with reading() as session:
        return queries.get_workflow(session, workflow_id)


def _to_stop() -> list[str]:
    with reading() as session:
        return scans_to_stop(session)


async def _carried_out(step: Step, way: Way) -> list[BaseModel]:
    """Sends the commands of a step one by one, each made when the one before it was done.

    They are never in memory together: those of one step may hold the evidence of a whole source.
    """
    results: list[BaseModel] = []
    async with _snapshot() as session:
        commands = await asyncio.to_thread(lambda: iter(step.commands(session, way)))
        while (command := await asyncio.to_thread(_next, commands)) is not None:
            if step.inquiry is not None:
                given = await asyncio.to_thread(step.inquiry.given, session, command)
                found = await step.inquiry.work(given, run_task)
                command, figures = step.inquiry.applied(command, found)
                results.append(figures)
            results.append(await send(command, system("orchestrator")))
    return results


@asynccontextmanager
async def _snapshot() -> AsyncIterator[Session]:
    """`reading` for an event loop, which must not wait for the database."""
    opened = reading()
    session = await asyncio.to_thread(opened.__enter__)
    try:
        yield session
    except BaseException as error:
        if not await asyncio.to_thread(opened.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(opened.__exit__, None, None, None)


def _next(commands: Iterator[Command[Any]]) -> Command[Any] | None:
    return next(commands, None)


def _settled(step: Step, way: Way, results: list[BaseModel]) -> tuple[Settled | None, bool]:
    with reading() as session:
        if _cancelled(session, way):
            return None, True
        return step.settled(session, way, results), False


def _cancelled(session: Session, way: Way) -> bool:
    return queries.get_workflow(session, way.workflow_id).state != "running"
