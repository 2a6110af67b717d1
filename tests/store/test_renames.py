"""Renamed tables and files keep what people said of them, and are not read again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.catalog.contract import AnnotateAsset, ColumnLabel, EndEdge, RecordLabels, RecordQueries, TellEdge
from actors.catalog.service import service as catalog_service
from actors.classification import queries as classification
from actors.classification.contract import ClassifyAssets, DecideLabel
from actors.classification.service import service as classification_service
from actors.orchestrator.handoffs_source import INVENTORY
from actors.orchestrator.steps import Way
from actors.scans import queries as scans
from actors.scans import worker
from actors.scans.contract import CommitReport, FinishScan, LeasePartitions, RecordPlan, ScanRules, StartScan
from actors.scans.service import service as scans_service
from actors.sources import queries as sources
from actors.sources.contract import DiscoverSource, DiscoveryView, RecordDiscovery, RegisterSource
from actors.sources.service import service as sources_service
from actors.sources.tables import Inventory
from cluster.connectors import open_connector
from cluster.context import Caller, new_id, system
from cluster.detectors.compile import compile, load_detector_packs, load_rule_set
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.security.secrets import unseal
from cluster.store.engine import make_engine

SERVICES = {s.group: s for s in (sources_service, catalog_service, classification_service, scans_service)}
ADA = Caller(principal="ada", permissions=frozenset({"*"}))
MAIL = "contact.email"


class House:
    """The groups over one source, as the orchestrator joins them, in this process."""

    def __init__(self, session: Session, url: str) -> None:
        self.session = session
        self.source = self.do(RegisterSource(url=SecretStr(url))).id
        spec = load_rule_set().value
        self.rules = ScanRules(name="default", version=1, digest=compile(spec, load_detector_packs()).digest, spec=spec)

    def do(self, command: Command[Any]) -> Any:
        caller = system(command.group) if command.permission.endswith(":internal") else ADA
        work = UnitOfWork(self.session, caller, command.group, datetime.now(UTC))
        result = SERVICES[command.group].carry_out(work, command)
        self.session.flush()
        return result

    def look(self) -> DiscoveryView:
        """A discovery, and its inventory handed to the catalog and to classification."""
        access = sources.access(self.session, self.source)
        connector = open_connector(access, unseal(access.sealed, self.source) or {})
        asked = self.do(DiscoverSource(source_id=self.source))
        seen: DiscoveryView = self.do(
            RecordDiscovery(discovery_id=asked.id, enumeration=connector.enumerate(), facts=None)
        )
        connector.close()
        for command in INVENTORY.commands(self.session, Way("w", self.source, "default", "connect")):
            self.do(command)
        return seen

    def scan(self) -> int:
        """A census that is classified; how many partitions were read."""
        access = sources.access(self.session, self.source)
        assets = tuple(item.info for item in sources.present(self.session, self.source))
        scan = self.do(StartScan(key=new_id(), access=access, assets=assets, rules=self.rules))
        for asset, plan in zip(assets, worker.plan_assets(access, list(assets), 1 << 20), strict=True):
            place = {"scan_id": scan.id, "asset_id": asset_id(self.source, asset.path)}
            self.do(RecordPlan(**place, partitions=plan.partitions, problem=plan.problem))
        read = 0
        while leases := self.do(LeasePartitions(limit=100, seconds=60, slots=100)).leases:
            for lease in leases:
                report = worker.scan_partition(access, lease.partition, self.rules, None, lease.only)
                name = {"scan_id": scan.id, "asset_id": lease.asset_id, "number": lease.partition.number}
                self.do(CommitReport(**name, fence=lease.fence, report=report))
                read += 1
        assert self.do(FinishScan(scan_id=scan.id)).state == "succeeded"
        evidence = tuple(scans.evidence(self.session, scan.id))
        self.do(ClassifyAssets(source_id=self.source, evidence=evidence, rules=self.rules.spec))
        return read

    def curate(self, path: str, column: str) -> None:
        identifier = asset_id(self.source, path)
        self.do(AnnotateAsset(asset_id=identifier, description="All we know.", owner="sales", tags=("gold",)))
        self.do(AnnotateAsset(asset_id=identifier, column=column, description="Where to write."))
        self.do(DecideLabel(asset_id=identifier, column=column, data_class=MAIL, decision="reject", reason="Made up."))

    def curation(self, path: str) -> tuple[Any, ...]:
        """What people said of an asset, as the catalog and classification show it."""
        identifier = asset_id(self.source, path)
        asset = catalog.get_asset(self.session, identifier)
        labels = classification.labels(self.session, classification.LabelFilter(asset_id=identifier))
        return (
            asset.description, asset.owner, asset.tags,
            {c.name: c.description for c in asset.column_list if c.description},
            {(label.column, label.data_class): (label.state, label.reasons[0]) for label in labels},
        )  # fmt: skip

    def status(self, path: str) -> str:
        return catalog.get_asset(self.session, asset_id(self.source, path)).status


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def shop(empty_database_url: str) -> Iterator[psycopg.Connection]:
    url = make_url(empty_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (id int, email text)")
        connection.execute("INSERT INTO people SELECT n, 'p' || n || '@example.org' FROM generate_series(1, 500) n")
        connection.execute("CREATE TABLE other (id int, email text)")
        yield connection


@pytest.fixture
def database(session: Session, shop: psycopg.Connection, empty_database_url: str) -> House:
    url = make_url(empty_database_url).set(drivername="postgresql", query={"sslmode": "disable"})
    return House(session, url.render_as_string(hide_password=False))


def test_a_renamed_table_keeps_its_curation_and_is_not_read_again(database: House, shop: psycopg.Connection) -> None:
    database.look()
    assert database.scan() > 0
    database.curate("public.people", "email")
    said = database.curation("public.people")
    shop.execute("CREATE SCHEMA crm")
    shop.execute("ALTER TABLE people RENAME TO customers")
    shop.execute("ALTER TABLE customers SET SCHEMA crm")
    seen = database.look()
    assert (seen.new, seen.gone) == (1, 1)
    assert database.scan() == 0
    assert database.curation("crm.customers") == said
    assert said[4]["email", MAIL] == ("rejected", "Rejected by ada: Made up.")
    assert (database.status("public.people"), database.status("crm.customers")) == ("gone", "active")
    database.look()  # once more changes nothing
    database.scan()
    assert database.curation("crm.customers") == said


def test_a_renamed_table_keeps_its_lineage_and_what_it_carries(database: House, shop: psycopg.Connection) -> None:
    database.look()
    people, other = asset_id(database.source, "public.people"), asset_id(database.source, "public.other")
    customers = asset_id(database.source, "public.customers")
    label = ColumnLabel(
        asset_id=people, column="email", data_class=MAIL, sensitivity="Confidential", origin="automatic",
        state="automatic", confidence=1.0,
    )  # fmt: skip
    database.do(RecordLabels(source_id=database.source, assets=(people,), labels=(label,)))
    log = ("INSERT INTO other (id) SELECT id FROM people",)
    database.do(RecordQueries(source_id=database.source, queries=log))
    told = database.do(TellEdge(from_asset=people, from_column="email", to_asset=other, to_column="email"))
    shop.execute("ALTER TABLE people RENAME TO customers")
    for _ in range(2):  # the log names the table as it was called, each time that it is read
        database.look()
        assert database.do(RecordQueries(source_id=database.source, queries=log)).changed == 0
    view = catalog.lineage(database.session, other)
    assert len(view.edges) == 2
    assert {(edge.from_asset, edge.from_column, edge.origin) for edge in view.edges} == {
        (customers, "id", "query"), (customers, "email", "manual")}  # fmt: skip
    assert view.assets[customers] == "public.customers"
    assert {edge.author for edge in view.edges} == {"ada", None}
    (carried,) = catalog.carried_labels(database.session, other)
    assert (carried.column, carried.data_class, carried.roots) == ("email", MAIL, ((customers, "email"),))
    assert catalog.get_asset(database.session, customers).sensitivity == "Confidential"
    database.do(EndEdge(edge_id=told.id))
    assert catalog.carried_labels(database.session, other) == []
    shop.execute("ALTER TABLE other RENAME TO letters")  # the other end goes along too
    database.look()
    (edge,) = catalog.lineage(database.session, customers).edges
    assert (edge.to_asset, edge.to_column) == (asset_id(database.source, "public.letters"), "id")


def test_a_table_that_takes_a_free_name_takes_no_curation(database: House, shop: psycopg.Connection) -> None:
    database.look()
    database.scan()
    database.curate("public.people", "email")
    shop.execute("DROP TABLE people")
    shop.execute("CREATE TABLE customers (id int, email text)")
    database.look()
    database.scan()
    assert database.curation("public.customers")[:4] == (None, None, (), {})


def test_a_name_that_is_used_again_does_not_lose_what_was_moved(database: House, shop: psycopg.Connection) -> None:
    database.look()
    database.scan()
    database.curate("public.people", "email")
    said = database.curation("public.people")
    shop.execute("ALTER TABLE people RENAME TO customers")
    database.look()
    database.scan()
    shop.execute("CREATE TABLE people (id int, email text)")
    database.look()
    database.scan()
    assert database.curation("public.customers") == said
    assert database.curation("public.people")[:4] == (None, None, (), {})


def test_a_table_that_goes_back_to_its_name_comes_with_its_curation(database: House, shop: psycopg.Connection) -> None:
    database.look()
    database.scan()
    database.curate("public.people", "email")
    said = database.curation("public.people")
    for old, new in (("people", "customers"), ("customers", "people")):
        shop.execute(f"ALTER TABLE {old} RENAME TO {new}".encode())
        database.look()
        assert database.scan() == 0
    assert database.curation("public.people") == said


def test_a_file_that_was_moved_and_one_that_was_copied(session: Session, tmp_path: Path) -> None:
    text = "id,email\n" + "".join(f"{n},p{n}@example.org\n" for n in range(200))
    (tmp_path / "a.csv").write_text(text)
    house = House(session, tmp_path.as_uri())
    house.look()
    house.scan()
    house.curate("a.csv", "email")
    said = house.curation("a.csv")
    (tmp_path / "old").mkdir()
    (tmp_path / "a.csv").rename(tmp_path / "old" / "b.csv")
    house.look()
    assert house.scan() == 0
    assert house.curation("old/b.csv") == said
    (tmp_path / "c.csv").write_text(text)  # a copy is another file, but its content is known
    house.look()
    assert house.scan() == 0
    assert house.curation("c.csv")[:4] == (None, None, (), {})
    assert house.curation("old/b.csv") == said


def test_an_incomplete_list_renames_nothing(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,email\n1,a@example.org\n")
    house = House(session, tmp_path.as_uri())
    house.look()
    moved = sources.inventory(session, house.source)[0].info.model_copy(update={"path": "b.csv"})
    asked = house.do(DiscoverSource(source_id=house.source))
    found = {"assets": [moved.model_dump()], "complete": False, "problems": []}
    house.do(RecordDiscovery.model_validate({"discovery_id": asked.id, "enumeration": found, "facts": None}))
    assert session.scalars(select(Inventory.moved_from)).all() == [None, None]
