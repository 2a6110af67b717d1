"""From a decision on a label to the verdicts that rest on it, by the orchestrator's loop on a real database."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

import cluster.store.engine
from actors.catalog.contract import AnnotateAsset, RecordInventory, SourceRef
from actors.catalog.service import service as catalog
from actors.classification.contract import ClassifyAssets, DecideLabel
from actors.classification.service import service as classification
from actors.compliance import queries
from actors.compliance.contract import Activity, EvaluateSource, KeepRecord, RecordFacts, Selector
from actors.compliance.service import service as compliance
from actors.orchestrator.facts import all_facts
from actors.orchestrator.following import take_turn
from actors.orchestrator.handoffs_comply import KINDS
from actors.sources.contract import DiscoverSource, RecordDiscovery, RegisterSource
from actors.sources.service import service as sources
from actors.sources.tables import Discovery
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration
from cluster.context import Caller, system
from cluster.events.feed import append
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine, reading
from tests.store.test_classification import evidence

SERVICES = {one.group: one for one in (catalog, classification, compliance, sources)}
ADA = Caller(principal="ada", permissions=frozenset({"*"}))
EMAIL = "contact.email"
PATHS = ("public.people", "public.empty")


class House:
    """The groups that take part, each command in a transaction of its own, with its events."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.sent = engine, list[str]()
        self.source: str = self.do(RegisterSource(url=SecretStr("postgresql://db.example/shop"))).id
        self.do(DiscoverSource(source_id=self.source))
        columns = (ColumnInfo(name="mail", ordinal=1, type="string", physical_type="text"),)
        assets = tuple(AssetInfo(path=path, kind="table", columns=columns, fingerprint="1") for path in PATHS)
        found = Enumeration(assets=assets, complete=True)
        with Session(engine) as session:
            (discovery,) = session.scalars(select(Discovery.id)).all()
        self.do(RecordDiscovery(discovery_id=discovery, enumeration=found, facts=None))
        ref = SourceRef(id=self.source, name="shop", kind="postgresql", namespace="postgres://db.example:5432")
        self.do(RecordInventory(source=ref, assets=assets, complete=True))
        told = (evidence({"mail": {EMAIL: 1000}}, asset=PATHS[0]), evidence({"mail": {}}, asset=PATHS[1]))
        self.do(ClassifyAssets(source_id=self.source, evidence=told))
        with Session(engine) as session:
            facts = all_facts(session, self.source)
        self.do(RecordFacts(source_id=self.source, facts=facts, complete=KINDS))
        self.do(EvaluateSource(source_id=self.source))

    def do(self, command: Command[Any]) -> Any:
        self.sent.append(type(command).__name__)
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            caller = system(command.group) if command.permission.endswith("internal") else ADA
            work = UnitOfWork(session, caller, command.group, datetime.now(UTC))
            result = SERVICES[command.group].carry_out(work, command)
            session.flush()
            append(session, work.events)
        return result

    def turn(self) -> list[str]:
        """One turn of the loop; the names of what it sent."""
        self.sent = []

        async def send(command: Command[Any], cause: int) -> Any:
            return self.do(command)

        asyncio.run(take_turn(send))
        return self.sent

    def verdict(self, control: str) -> str:
        with reading(self.engine) as session:
            controls = queries.posture(session, self.source, "gdpr").controls
        return next(one.verdict for one in controls if one.control == control)


@pytest.fixture
def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    engine = make_engine(database_url)
    monkeypatch.setattr(cluster.store.engine, "engine", lambda: engine)
    made = House(engine)
    made.turn()  # the first turn notes where it begins
    yield made
    engine.dispose()


def test_a_rejected_label_changes_the_verdicts_that_rest_on_it(house: House) -> None:
    with Session(house.engine) as session:
        covered = all_facts(session, house.source)
    assert {fact.kind for fact in covered} >= {"source", "asset", "coverage"}
    person = {"asset_id": asset_id(house.source, PATHS[0]), "column": "mail", "data_class": EMAIL}
    house.do(DecideLabel(**person, decision="confirm"))
    assert house.turn() == ["RecordFacts", "EvaluateAssets", "NoteFollowed"]
    assert house.verdict("5(2)") == "FAIL"  # nobody owns it
    house.do(DecideLabel(**person, decision="reject"))
    house.turn()
    assert house.verdict("5(2)") != "FAIL"
    assert house.turn() == []


def test_an_annotation_and_a_record_are_followed(house: House) -> None:
    person = {"asset_id": asset_id(house.source, PATHS[0]), "column": "mail", "data_class": EMAIL}
    house.do(DecideLabel(**person, decision="confirm"))
    house.do(AnnotateAsset(asset_id=asset_id(house.source, PATHS[0]), owner="Ada"))
    house.turn()
    with reading(house.engine) as session:
        (owned,) = [
            one for one in queries.findings(session, house.source, control="5(2)") if one.subject_name == PATHS[0]
        ]
    assert owned.verdict == "PASS"
    entry = Activity(name="Billing", targets=Selector(tags=("personal",)), legal_basis="contract")
    house.do(KeepRecord(body=entry))
    assert house.turn() == ["EvaluateSource", "NoteFollowed"]
    with reading(house.engine) as session:
        (based,) = [
            one for one in queries.findings(session, house.source, control="6(1)") if one.subject_name == PATHS[0]
        ]
    assert based.verdict == "PASS"
