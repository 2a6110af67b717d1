"""The scan of a phase: one and the same while it is under way, another one where the last brought nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.orchestrator.contract import CancelWorkflow, ResumeWorkflow, StartWorkflow
from actors.orchestrator.handoffs_scan import CENSUS, PROFILES, scans_to_stop
from actors.orchestrator.service import service as orchestrator
from actors.orchestrator.steps import Way
from actors.rulesets.contract import DEFAULT, ReviseRuleSet
from actors.rulesets.service import service as rulesets
from actors.scans.contract import CancelScan, StartScan
from actors.scans.service import service as scans
from actors.sources.contract import DiscoverSource, RecordDiscovery, RegisterSource
from actors.sources.service import service as sources
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration
from cluster.context import system
from cluster.detectors.compile import load_rule_set
from cluster.runtime.commands import Command, Service, UnitOfWork
from cluster.store.engine import make_engine

SERVICES: dict[str, Service] = {service.group: service for service in (orchestrator, rulesets, scans, sources)}


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def carried_out(session: Session, command: Command[Any]) -> Any:
    work = UnitOfWork(session, system(command.group), command.group, datetime.now(UTC))
    result = SERVICES[command.group].carry_out(work, command)
    session.flush()
    return result


@pytest.fixture
def way(session: Session, tmp_path: Path) -> Way:
    carried_out(session, ReviseRuleSet(name=DEFAULT, spec=load_rule_set(DEFAULT).value))
    source = carried_out(session, RegisterSource(url=SecretStr(tmp_path.as_uri())))
    column = ColumnInfo(name="id", ordinal=1, type="integer", physical_type="int64")
    assets = (AssetInfo(path="a.csv", kind="file", columns=(column,)),)
    discovery = carried_out(session, DiscoverSource(source_id=source.id))
    found = Enumeration(assets=assets, complete=True)
    carried_out(session, RecordDiscovery(discovery_id=discovery.id, enumeration=found, facts=None))
    return Way("w", source.id, DEFAULT, "scan")


def started(session: Session, way: Way) -> str:
    (command,) = CENSUS.commands(session, way)
    assert isinstance(command, StartScan)
    return str(carried_out(session, command).id)


def test_a_phase_that_is_begun_again_goes_on_with_its_scan(session: Session, way: Way) -> None:
    assert started(session, way) == started(session, way)


def test_a_phase_that_is_resumed_after_a_cancelled_scan_starts_another(session: Session, way: Way) -> None:
    first = started(session, way)
    carried_out(session, CancelScan(scan_id=first))
    second = started(session, way)
    assert second != first
    assert started(session, way) == second
    carried_out(session, CancelScan(scan_id=second))
    assert started(session, way) not in {first, second}
    assert list(PROFILES.commands(session, way)) == []  # of the last one, which has read nothing yet


def test_the_scan_of_a_cancelled_workflow_is_stopped_and_no_other(session: Session, way: Way) -> None:
    workflow = carried_out(session, StartWorkflow(source_id=way.source_id))
    mine, other = started(session, replace(way, workflow_id=workflow.id)), started(session, way)
    assert scans_to_stop(session) == []
    carried_out(session, CancelWorkflow(workflow_id=workflow.id))
    assert scans_to_stop(session) == [mine]
    carried_out(session, ResumeWorkflow(workflow_id=workflow.id))
    assert scans_to_stop(session) == []
    carried_out(session, CancelWorkflow(workflow_id=workflow.id))
    carried_out(session, CancelScan(scan_id=mine))
    assert scans_to_stop(session) == []
    assert mine != other
