"""A workflow through its phases: what fails by itself keeps no other one, and a resumed one goes on where it stood."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.orchestrator.contract import (
    CancelWorkflow,
    PhaseState,
    RecordPhase,
    ResumeWorkflow,
    StartWorkflow,
    WorkflowView,
)
from actors.orchestrator.service import service as orchestrator
from actors.orchestrator.workflows import PHASES
from actors.rulesets import queries
from actors.rulesets.contract import DEFAULT, DetectorCost, OptimiseOrder, ReviseRuleSet
from actors.rulesets.service import service as rulesets
from actors.sources.contract import RegisterSource
from actors.sources.service import service as sources
from cluster.context import system
from cluster.detectors.compile import load_rule_set
from cluster.runtime.commands import Command, Service, UnitOfWork
from cluster.store.engine import make_engine

SERVICES: dict[str, Service] = {service.group: service for service in (orchestrator, rulesets, sources)}
ESSENTIAL = [number for number, phase in enumerate(PHASES, 1) if phase.essential]
OTHERS = [number for number, phase in enumerate(PHASES, 1) if not phase.essential]


class Desk:
    """The services on one session, with a workflow of a source."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.do(ReviseRuleSet(name=DEFAULT, spec=load_rule_set(DEFAULT).value))
        source = self.do(RegisterSource(url=SecretStr(folder.as_uri())))
        self.workflow: WorkflowView = self.do(StartWorkflow(source_id=source.id))

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system(command.group), command.group, datetime.now(UTC))
        result = SERVICES[command.group].carry_out(work, command)
        self.session.flush()
        return result

    def end(self, number: int, state: PhaseState) -> str:
        """The state of the workflow after that."""
        ended = RecordPhase(
            workflow_id=self.workflow.id, number=number, step=1, state=state, counters={"assets": number},
            problem="It broke." if state == "failed" else None,
        )  # fmt: skip
        return str(self.do(ended).state)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield Desk(session, tmp_path)
    engine.dispose()


@pytest.mark.parametrize("broken", OTHERS)
def test_a_phase_that_fails_by_itself_makes_the_workflow_partial_and_the_rest_goes_on(desk: Desk, broken: int) -> None:
    states = [desk.end(number, "failed" if number == broken else "succeeded") for number in range(1, len(PHASES) + 1)]
    assert states == ["running"] * (len(PHASES) - 1) + ["partial"]


@pytest.mark.parametrize("broken", ESSENTIAL)
def test_a_phase_that_the_others_stand_on_ends_the_workflow(desk: Desk, broken: int) -> None:
    states = [desk.end(number, "succeeded") for number in range(1, broken)]
    assert set(states) <= {"running"}
    assert desk.end(broken, "failed") == "failed"


def test_a_resumed_workflow_does_no_phase_again_that_has_ended(desk: Desk) -> None:
    stopped = 4
    for number in range(1, stopped):
        desk.end(number, "succeeded")
    desk.end(stopped, "running")
    cancelled = desk.do(CancelWorkflow(workflow_id=desk.workflow.id))
    assert (cancelled.state, cancelled.phases[stopped - 1].state) == ("cancelled", "cancelled")
    resumed = desk.do(ResumeWorkflow(workflow_id=desk.workflow.id))
    assert resumed.state == "running"
    ended, left = resumed.phases[: stopped - 1], resumed.phases[stopped - 1 :]
    assert [(phase.state, phase.counters) for phase in ended] == [("succeeded", {"assets": n}) for n in (1, 2, 3)]
    assert {phase.state for phase in left} == {"pending"}


def test_the_order_that_evidence_asks_for_is_kept_and_changes_no_report(desk: Desk) -> None:
    before = queries.current(desk.session, DEFAULT)
    best = before.order[-1]
    costs = {best: DetectorCost(seconds=0.1, scanned=1000, validated=900)}
    desk.do(OptimiseOrder(name=DEFAULT, costs=costs))
    after = queries.current(desk.session, DEFAULT)
    assert after.order == (best, *before.order[:-1])
    assert (after.digest, after.version) == (before.digest, before.version)
