"""Lineage that other tools tell of: events become the edges of their job, in whatever order they come."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from actors.catalog import job_sql, queries, run_events
from actors.catalog.assets import EVERYBODY, AssetFilter
from actors.catalog.contract import (
    AnnotateAsset,
    AssetView,
    AssignDomain,
    LineageReceipt,
    RecordInventory,
    RecordLineageEvent,
    RegisterAsset,
    RestoreAsset,
    RestrictDomain,
    RunTests,
    SourceRef,
)
from actors.catalog.datasets import locate
from actors.catalog.moving import found_by_source
from actors.catalog.openlineage import Dataset
from actors.catalog.service import service
from actors.catalog.tables import LineageEvent
from actors.catalog.told_tables import ToldFacet
from actors.scans.contract.definitions import Definition, Trigger
from actors.scans.firing import _written
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.context import Caller
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.events.feed import EventDraft
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SHOP = SourceRef(
    id="s1", name="shop", kind="postgresql", namespace="postgres://db.example:5432",
    url="postgresql://db.example:5432/shop",
)  # fmt: skip
DBT = Path(__file__).parents[1] / "lineage" / "events" / "dbt.jsonl"  # see tests/lineage/dbt_project/README.md
ORDERS, TOTALS = asset_id("s1", "public.orders"), asset_id("s1", "mart.totals")


class Desk:
    """The catalog, told of inventories and events."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[EventDraft] = []

    def do(self, command: Command[Any], caller: Caller = EVERYBODY) -> Any:
        work = UnitOfWork(self.session, caller, "catalog", datetime.now(UTC))
        result = service.carry_out(work, command)
        self.session.flush()
        self.events += work.events
        return result

    def inventory(self, *paths: str) -> None:
        columns = (ColumnInfo(name="amount", ordinal=0, type="number", physical_type="numeric"),)
        assets = tuple(AssetInfo(path=path, kind="table", columns=columns) for path in paths)
        self.do(RecordInventory(source=SHOP, assets=assets, complete=True))

    def tell(self, *bodies: dict[str, Any]) -> list[LineageReceipt]:
        return [self.do(RecordLineageEvent(body=body)) for body in bodies]

    def edges(self) -> set[tuple[str, str | None, str, str | None, str, str, bool]]:
        return {
            (e.from_asset, e.from_column, e.to_asset, e.to_column, e.transformation, e.subtype, e.masking)
            for e in queries.lineage(self.session, TOTALS).edges
        }


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        desk = Desk(session)
        desk.inventory("public.orders", "mart.totals")
        yield desk
    engine.dispose()


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": SHOP.namespace, "name": f"shop.{name}", "facets": facets}


def column_lineage(column: str, origin: str, *steps: dict[str, Any]) -> dict[str, Any]:
    field = {**dataset(origin), "field": "amount", "transformations": list(steps)}
    return {"_producer": "p", "_schemaURL": "s", "fields": {column: {"inputFields": [field]}}}


def event(run: str, state: str, at: str, **parts: Any) -> dict[str, Any]:
    return {
        "eventType": state, "eventTime": f"2026-03-02T{at}Z", "run": {"runId": run, "facets": {"odd": {"kept": 1}}},
        "job": {"namespace": "nightly", "name": "totals"}, "producer": "test", "schemaURL": "x", **parts,
    }  # fmt: skip


SUM = {"type": "DIRECT", "subtype": "AGGREGATION", "masking": False}
HASHED = {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}


def test_columns_flow_as_the_newest_completed_run_says(desk: Desk) -> None:
    told = column_lineage("total", "public.orders", SUM)
    (first,) = desk.tell(event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.totals", columnLineage=told)]))
    assert (first.kind, first.begun, first.ended) == ("run", 1, 0)
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "AGGREGATION", False)}
    told = column_lineage("total", "public.orders", HASHED)
    desk.tell(event("r2", "COMPLETE", "11:00:00", outputs=[dataset("mart.totals", columnLineage=told)]))
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "TRANSFORMATION", True)}


def test_without_columns_the_datasets_are_linked_as_wholes(desk: Desk) -> None:
    desk.tell(
        event("r1", "START", "10:00:00", inputs=[dataset("public.orders")]),
        event("r1", "COMPLETE", "10:01:00", inputs=[dataset("public.orders")], outputs=[dataset("mart.totals")]),
    )
    assert desk.edges() == {(ORDERS, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}


def test_a_run_that_did_not_complete_changes_no_lineage(desk: Desk) -> None:
    inputs, outputs = [dataset("public.orders")], [dataset("mart.totals")]
    desk.tell(event("r1", "START", "10:00:00", inputs=inputs, outputs=outputs))
    desk.tell(event("r1", "FAIL", "10:01:00", inputs=inputs, outputs=outputs))
    assert desk.edges() == set()
    assert [e.kind for e in desk.events if e.kind == "catalog.run_completed"] == []


def test_order_and_repetition_of_events_do_not_matter(desk: Desk) -> None:
    bodies = []
    for run, at, step in (("r1", "10", SUM), ("r2", "11", HASHED), ("r3", "12", SUM)):
        told = column_lineage(f"total_{run}", "public.orders", step)
        bodies.append(event(run, "START", f"{at}:00:00", outputs=[dataset("mart.totals", columnLineage=told)]))
        bodies.append(event(run, "COMPLETE", f"{at}:30:00", inputs=[dataset("public.orders")]))
    chance = random.Random(7)
    for _ in range(3):
        shuffled = bodies * 2
        chance.shuffle(shuffled)
        desk.tell(*shuffled)
        assert desk.edges() == {(ORDERS, "amount", TOTALS, "total_r3", "DIRECT", "AGGREGATION", False)}
    assert desk.session.execute(select(func.count()).select_from(LineageEvent)).scalar_one() == len(bodies)
    assert all(receipt.known for receipt in desk.tell(*bodies))


def test_a_dataset_becomes_the_asset_once_it_is_catalogued(desk: Desk) -> None:
    desk.tell(event("r1", "COMPLETE", "10:00:00", inputs=[dataset("raw.clicks")], outputs=[dataset("mart.totals")]))
    ((stranger, *_),) = desk.edges()
    clicks = asset_id("s1", "raw.clicks")
    assert stranger != clicks
    desk.inventory("public.orders", "mart.totals", "raw.clicks")
    assert desk.edges() == {(clicks, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}
    assert queries.lineage(desk.session, TOTALS).assets[clicks] == "raw.clicks"


def test_other_names_of_a_dataset_and_facets_nobody_knows(desk: Desk) -> None:
    link = {"identifiers": [{"namespace": SHOP.namespace, "name": "shop.mart.totals", "type": "TABLE"}]}
    told = {"namespace": "hive://meta:9083", "name": "mart.t", "facets": {"symlinks": link, "stranger": {"a": [1, 2]}}}
    body = event("r1", "COMPLETE", "10:00:00", outputs=[told])
    (receipt,) = desk.tell(body)
    kept = desk.session.get_one(LineageEvent, receipt.event_id)
    assert kept.body == body
    (completed,) = [e for e in desk.events if e.kind == "catalog.run_completed"]
    assert completed.after is not None
    assert completed.after["outputs"] == [{"source_id": "s1", "path": "mart.totals"}]
    desk.tell(event("r2", "COMPLETE", "11:00:00", inputs=[dataset("public.orders")], outputs=[told]))
    assert desk.edges() == {(ORDERS, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}


def test_events_that_lineage_stands_on_outlive_newer_ones(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_events, "KEPT", 3)
    told = column_lineage("total", "public.orders", SUM)
    desk.tell(event("r1", "START", "10:00:00", outputs=[dataset("mart.totals", columnLineage=told)]))
    desk.tell(event("r1", "COMPLETE", "10:01:00"))
    desk.tell(*(event(f"n{n}", "START", f"11:0{n}:00") for n in range(6)))
    assert desk.session.execute(select(func.count()).select_from(LineageEvent)).scalar_one() == 5
    desk.tell(event("r1", "OTHER", "10:02:00"))
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "AGGREGATION", False)}


def test_a_completed_run_sets_off_the_definitions_of_what_it_wrote(desk: Desk) -> None:
    desk.tell(event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.fresh"), dataset("mart.totals")]))
    (completed,) = [e.after for e in desk.events if e.kind == "catalog.run_completed"]
    assert completed is not None
    trigger = Trigger(kind="openlineage")
    assert _written(trigger, Definition(source_id="s1"), completed)
    assert _written(trigger, Definition(source_id="s1", include=("mart.fresh",)), completed)
    assert not _written(trigger, Definition(source_id="s1", include=("public.*",)), completed)
    assert not _written(Trigger(kind="openlineage", match="raw.*"), Definition(source_id="s1"), completed)
    assert not _written(trigger, Definition(source_id="s2"), completed)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"eventTime": "2026-03-02T10:00:00Z"}, {"eventTime": "soon", "job": {"namespace": "a", "name": "b"}},
        event("r1", "DONE", "10:00:00"), event("", "COMPLETE", "10:00:00"),
        event("r1", "COMPLETE", "10:00:00", outputs=[{"namespace": "a"}]),
        event("r1", "COMPLETE", "10:00:00", outputs="all"),
        event("r1", "COMPLETE", "10:00:00", outputs=[dataset("x", columnLineage={"fields": {"a": 1}})]),
        {"eventTime": "2026-03-02T10:00:00Z", "run": {"runId": "x"}, "dataset": dataset("a")},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_without_a_trace(desk: Desk, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        desk.tell(body)
    assert caught.value.remedy
    assert desk.session.execute(select(func.count()).select_from(LineageEvent)).scalar_one() == 0


def test_what_dbt_told_of_a_real_run_is_lineage_to_the_column(desk: Desk) -> None:
    tables = ("raw_customers", "raw_orders", "stg_customers", "stg_orders", "customer_value", "daily_revenue")
    told = [json.loads(line) for line in DBT.read_text().splitlines()]
    receipts = desk.tell(*told)
    assert [receipt.known for receipt in receipts] == [False] * len(told)
    desk.inventory(*(f"shop.{name}" for name in tables))  # dbt ran before the source was ever looked at
    names = {asset_id("s1", f"shop.{name}"): name for name in tables}
    found = {
        (f"{names.get(edge.from_asset, 'other')}.{edge.from_column}", f"{names[edge.to_asset]}.{edge.to_column}")
        for name in ("customer_value", "daily_revenue")
        for edge in queries.lineage(desk.session, asset_id("s1", f"shop.{name}"), 5, "up").edges
    }
    assert found == {
        ("raw_customers.id", "stg_customers.customer_id"), ("raw_customers.first_name", "stg_customers.full_name"),
        ("raw_customers.last_name", "stg_customers.full_name"), ("raw_customers.email", "stg_customers.email_key"),
        ("raw_orders.id", "stg_orders.order_id"), ("raw_orders.customer_id", "stg_orders.customer_id"),
        ("raw_orders.placed_on", "stg_orders.placed_on"), ("raw_orders.amount", "stg_orders.amount"),
        ("stg_customers.customer_id", "customer_value.customer_id"),
        ("stg_customers.full_name", "customer_value.full_name"),
        ("stg_customers.email_key", "customer_value.email_key"), ("stg_orders.amount", "customer_value.spent"),
        ("stg_orders.placed_on", "daily_revenue.placed_on"), ("stg_orders.amount", "daily_revenue.revenue"),
        ("other.orders", "customer_value.orders"),  # dbt's emitter takes the CTE of a count for a table
    }  # fmt: skip
    how = {
        (names[edge.to_asset], edge.to_column): (edge.subtype, edge.masking)
        for name in ("stg_customers", "customer_value")
        for edge in queries.lineage(desk.session, asset_id("s1", f"shop.{name}"), 1, "up").edges
    }  # dbt says nothing of it; its SQL does
    assert how["stg_customers", "email_key"] == ("TRANSFORMATION", True)
    assert how["stg_customers", "customer_id"] == ("IDENTITY", False)
    assert how["customer_value", "spent"] == ("AGGREGATION", False)


def test_sql_is_read_only_where_an_emitter_leaves_out_what_is_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def note(query: str, dialect: str) -> dict[tuple[str, str, str], tuple[str, bool]]:
        read.append(query)
        return {}

    monkeypatch.setattr(job_sql, "_read", note)
    for run, steps in (("r1", (SUM,)), ("r2", None), ("r3", ())):
        facets = {} if steps is None else {"columnLineage": column_lineage("total", "public.orders", *steps)}
        body = event(run, "COMPLETE", f"1{run[1]}:00:00", inputs=[dataset("public.orders")],
                     outputs=[dataset("mart.totals", **facets)])  # fmt: skip
        desk.tell(body | {"job": {**body["job"], "facets": {"sql": {"query": f"SELECT 1 AS {run}"}}}})
    assert read == ["SELECT 0 AS r3"]


def test_sql_is_kept_without_the_values_in_it_and_says_as_much(desk: Desk) -> None:
    query = "/* for ann */ SELECT md5(amount::text || 'ann@example.org') AS total FROM orders WHERE id = 4711"
    body = event("r1", "COMPLETE", "10:00:00", outputs=[
        dataset("mart.totals", columnLineage=column_lineage("total", "public.orders"), odd=[{"sql": query}]),
    ])  # fmt: skip
    body["job"] = {**body["job"], "facets": {"sql": {"query": query, "_producer": "p"}}}
    (receipt,) = desk.tell(body)
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "TRANSFORMATION", True)}
    kept = desk.session.get_one(LineageEvent, receipt.event_id).body
    masked = " SELECT md5(amount::text || '?') AS total FROM orders WHERE id = 0"
    assert kept["job"]["facets"]["sql"] == {"query": masked, "_producer": "p"}
    assert kept["outputs"][0]["facets"]["odd"] == [{"sql": masked}]
    assert desk.tell(body)[0].known, "the same event is known by what was sent"


def test_sql_that_cannot_be_read_leaves_what_the_emitter_says(desk: Desk) -> None:
    told = column_lineage("total", "public.orders")
    for run, query in (("r1", "SELEC x FROM"), ("r2", ""), ("r3", "x" * 200_000), ("r4", 7)):
        body = event(run, "COMPLETE", f"1{run[1]}:00:00", outputs=[dataset("mart.totals", columnLineage=told)])
        body["job"] = {**body["job"], "facets": {"sql": {"query": query}}}
        desk.tell(body)
        assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "TRANSFORMATION", False)}
    body = event("r5", "COMPLETE", "16:00:00", outputs=[dataset("mart.totals", columnLineage=told)])
    body["job"] = {**body["job"], "facets": {"sql": {"query": "SELECT sha256(amount) AS total FROM orders"}}}
    desk.tell(body)
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "TRANSFORMATION", True)}


def told_of(desk: Desk, name: str) -> AssetView:
    place = locate(desk.session, [Dataset(namespace=SHOP.namespace, name=f"shop.{name}")])
    return queries.get_asset(desk.session, next(iter(place.values())).asset_id)


def schema(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": list(fields)}


AMOUNT = {"name": "amount", "type": "DECIMAL(10,2)", "description": "In euro."}
PLACE = {"name": "place", "type": "struct<city:string>", "fields": [{"name": "city", "type": "string"}]}


def test_a_dataset_that_no_source_holds_is_an_asset_as_it_was_told(desk: Desk) -> None:
    facets = {
        "schema": schema(AMOUNT, PLACE), "documentation": {"description": "What was sold."},
        "ownership": {"owners": [{"name": "team:sales", "type": "MAINTAINER"}], "_producer": "spark"},
        "tags": {"tags": [{"key": "pii", "value": "true", "field": "place.city"}, {"key": "tier", "value": "2"}]},
        "storage": {"storageLayer": "iceberg", "fileFormat": "parquet"},
        "dataSource": {"name": "wh", "uri": "jdbc:postgresql://ann:secret@db:5432/shop?password=secret"},
    }  # fmt: skip
    desk.tell(event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.sold", **facets)]))
    asset = told_of(desk, "mart.sold")
    columns = [(column.name, column.type, column.physical_type, column.comment) for column in asset.column_list]
    assert columns == [
        ("amount", "number", "DECIMAL(10,2)", "In euro."), ("place", "nested", "struct<city:string>", None),
        ("place.city", "string", "string", None),
    ]  # fmt: skip
    assert (asset.source_id, asset.comment, asset.format, asset.version) == (
        "openlineage", "What was sold.", "parquet", 1,
    )  # fmt: skip
    assert (asset.description, asset.owner, asset.owners, asset.tags) == (None, None, (), ()), "no person said that"
    told = {each.facet: each for each in asset.told}
    assert told["ownership"].value == {"owners": [{"name": "team:sales", "type": "MAINTAINER"}]}
    assert (told["ownership"].producer, told["tags"].producer, told["tags"].job) == ("spark", "test", "nightly/totals")
    assert [(tag["name"], tag["field"]) for tag in told["tags"].value["tags"]] == [
        ("pii", "place.city"), ("tier:2", None),
    ]  # fmt: skip
    assert told["dataSource"].value["uri"] == "jdbc:postgresql://db:5432/shop"
    for wanted in ({"tag": "pii"}, {"tag": "tier:2"}, {"owner": "team:sales"}):
        assert [one.id for one in queries.list_assets(desk.session, AssetFilter(**wanted))] == [asset.id]
    assert [one.id for one in queries.search(desk.session, "sold sales")] == [asset.id]


def test_every_change_that_is_told_is_a_version_and_people_and_scans_keep_their_words(desk: Desk) -> None:
    desk.do(AnnotateAsset(asset_id=TOTALS, description="By hand.", tags=("mine",), owner="ann"))
    for run, text in (("r1", "First."), ("r2", "Second.")):
        facets = {"documentation": {"description": text}, "schema": schema(AMOUNT), "tags": {"tags": [{"key": run}]}}
        desk.tell(event(run, "COMPLETE", f"1{run[1]}:00:00", outputs=[dataset("mart.totals", **facets)]))
    asset = queries.get_asset(desk.session, TOTALS)
    assert (asset.description, asset.tags, asset.owner, asset.comment) == ("By hand.", ("mine",), "ann", None)
    assert [(column.name, column.physical_type) for column in asset.column_list] == [("amount", "numeric")]
    assert {each.facet: each.value for each in asset.told}["documentation"]["description"] == "Second."
    newest = queries.changes(desk.session, TOTALS, EVERYBODY)[0]
    assert newest.kind == "machine"
    assert newest.changes["told.documentation"]["before"] == {"description": "First.", "content_type": None}
    before = queries.state(desk.session, TOTALS, EVERYBODY, newest.version - 1)
    assert before.facts["told.documentation"]["description"] == "First."
    desk.do(RestoreAsset(asset_id=TOTALS, to_version=1))
    assert "told.documentation" in queries.state(desk.session, TOTALS, EVERYBODY).facts


def test_facets_are_the_newest_whatever_the_order_and_can_be_taken_back(desk: Desk) -> None:
    def said(run: str, at: str, **facets: Any) -> list[dict[str, Any]]:
        outputs = [dataset("mart.sold", **facets)]
        return [event(run, "START", f"{at}:00:00", outputs=outputs), event(run, "COMPLETE", f"{at}:30:00")]

    bodies = [
        *said("r1", "10", schema=schema(AMOUNT), documentation={"description": "Old."}, tags={"tags": [{"key": "a"}]}),
        *said("r2", "11", schema=schema(AMOUNT, PLACE), tags={"_deleted": True}),
        *said("r3", "12", documentation={"_deleted": True}, ownership={"owners": [{"name": "x"}], "_deleted": False}),
        event("r4", "START", "13:00:00", outputs=[dataset("mart.sold", documentation={"description": "Never."})]),
        event("r4", "FAIL", "13:01:00"),
        event("r5", "START", "14:00:00", inputs=[dataset("mart.sold", schema=schema({"name": "amount"}))]),
    ]
    chance = random.Random(5)
    for _ in range(3):
        chance.shuffle(bodies)
        desk.tell(*bodies)
        asset = told_of(desk, "mart.sold")
        assert {each.facet for each in asset.told} == {"schema", "ownership"}
        assert [column.name for column in asset.column_list] == ["amount", "place", "place.city"]
        assert (asset.comment, asset.column_list[0].physical_type) == (None, "DECIMAL(10,2)")
        desk.session.execute(delete(LineageEvent))
        desk.session.execute(delete(ToldFacet))


def test_columns_that_readers_name_are_joined(desk: Desk) -> None:
    for run, field in (("r1", AMOUNT), ("r2", PLACE)):
        desk.tell(event(run, "START", f"1{run[1]}:00:00", inputs=[dataset("mart.read", schema=schema(field))]))
    assert [column.name for column in told_of(desk, "mart.read").column_list] == ["amount", "place", "place.city"]


def test_what_was_told_of_a_dataset_goes_with_it_into_the_source_that_has_it(desk: Desk) -> None:
    facets = {"schema": schema(PLACE), "documentation": {"description": "Clicks."}}
    read = [dataset("raw.clicks", **facets) | {"inputFacets": quality(8, 1, NOT_NULL)}]
    desk.tell(event("r1", "COMPLETE", "10:00:00", inputs=read, outputs=[dataset("mart.totals")]))
    stranger = told_of(desk, "raw.clicks")
    desk.do(AnnotateAsset(asset_id=stranger.id, description="By hand."))
    desk.inventory("public.orders", "mart.totals", "raw.clicks")
    asset = told_of(desk, "raw.clicks")
    assert (asset.source_id, asset.description, [column.name for column in asset.column_list]) == (
        "s1", "By hand.", ["amount"],
    )  # fmt: skip
    assert {each.facet for each in asset.told} == {"dataQualityMetrics", "documentation", "schema"}
    assert queries.get_asset(desk.session, stranger.id).lifecycle == "tombstoned"
    figures = queries.figures_of(desk.session, EVERYBODY, asset.id, "", "told_rows")
    assert [figure.value for figure in figures] == [8.0], "beside what scans measure"
    (test,) = queries.list_tests(desk.session, EVERYBODY, asset.id)
    assert [one.status for one in queries.results(desk.session, EVERYBODY, test.id)] == ["Failed"]
    (incident,) = queries.incidents(desk.session, EVERYBODY, state="New")
    assert incident.asset_id == asset.id
    well = [read[0] | {"inputFacets": quality(8, 0, NOT_NULL | {"success": True})}]
    desk.tell(event("r2", "COMPLETE", "11:00:00", inputs=well, outputs=[dataset("mart.totals")]))
    assert queries.incidents(desk.session, EVERYBODY)[0].reason == "Recovered", "the same test, of the same job"
    assert desk.edges() == {(asset.id, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}


def lifecycle(state: str, **more: Any) -> dict[str, Any]:
    return {"lifecycleStateChange": {"lifecycleStateChange": state, **more}}


def test_what_was_dropped_is_tombstoned_and_what_is_written_again_is_back(desk: Desk) -> None:
    new = event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.sold", schema=schema(AMOUNT))])
    drop = [event("r2", "START", "11:00:00", outputs=[dataset("mart.sold", **lifecycle("DROP"))]),
            event("r2", "COMPLETE", "11:01:00", outputs=[])]  # fmt: skip
    again = event("r3", "COMPLETE", "12:00:00", outputs=[dataset("mart.sold", **lifecycle("CREATE"))])
    for bodies in ((new, *drop), (drop[1], new, drop[0]), (*drop, new)):
        desk.tell(*bodies)
        asset = told_of(desk, "mart.sold")
        assert (asset.status, asset.lifecycle) == ("gone", "tombstoned")
        desk.session.execute(delete(LineageEvent))
    plain = event("r9", "COMPLETE", "11:30:00", outputs=[dataset("mart.sold")])
    desk.tell(plain, *drop)
    assert told_of(desk, "mart.sold").status == "active", "written since, whatever came when"
    desk.tell(again, *drop)
    asset = told_of(desk, "mart.sold")
    assert (asset.status, asset.lifecycle, len(asset.column_list)) == ("active", "active", 1)
    desk.tell(event("r4", "COMPLETE", "13:00:00", outputs=[dataset("mart.totals", **lifecycle("DROP"))]))
    assert queries.get_asset(desk.session, TOTALS).status == "active", "its source sees it"
    desk.inventory("public.orders")
    desk.tell(event("r5", "COMPLETE", "14:00:00", outputs=[dataset("mart.totals", **lifecycle("DROP"))]))
    assert queries.get_asset(desk.session, TOTALS).lifecycle == "tombstoned"


def test_what_was_renamed_keeps_what_people_and_tools_said_of_it(desk: Desk) -> None:
    facets = {"schema": schema(AMOUNT), "documentation": {"description": "Sold."}}
    sold = event(
        "r1", "COMPLETE", "10:00:00", inputs=[dataset("mart.sold", **facets)], outputs=[dataset("mart.totals")]
    )
    before = {"namespace": SHOP.namespace, "name": "shop.mart.sold"}
    change = lifecycle("RENAME", previousIdentifier=before)
    desk.tell(sold)
    old = told_of(desk, "mart.sold")
    desk.do(AnnotateAsset(asset_id=old.id, description="By hand.", tags=("kept",)))
    rename = event("r2", "COMPLETE", "11:00:00", outputs=[dataset("mart.sales", **change)])
    desk.tell({**rename, "job": {"namespace": "ddl", "name": "rename"}})
    new = told_of(desk, "mart.sales")
    assert (new.description, new.tags, new.comment) == ("By hand.", ("kept",), "Sold.")
    assert [column.name for column in new.column_list] == ["amount"]
    assert queries.get_asset(desk.session, old.id).lifecycle == "tombstoned"
    assert desk.edges() == {(new.id, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}
    late = {"ownership": {"owners": [{"name": "late"}]}}
    desk.tell({**event("r3", "COMPLETE", "10:30:00", outputs=[dataset("mart.sold", **late)]), "job": sold["job"]})
    assert "ownership" in {each.facet for each in told_of(desk, "mart.sales").told}


def test_a_table_and_the_path_that_it_lies_at_are_one_asset(desk: Desk) -> None:
    path, table = {"namespace": "s3a://lake", "name": "/wh/sold"}, {"namespace": "hive://meta:9083", "name": "wh.sold"}
    by_table = {**event("r1", "COMPLETE", "10:00:00", inputs=[{**table, "facets": {"schema": schema(AMOUNT)}}],
                        outputs=[dataset("mart.totals")])}  # fmt: skip
    desk.tell(by_table)
    ((first, *_),) = desk.edges()
    desk.do(AnnotateAsset(asset_id=first, description="By hand."))
    links = {"symlinks": {"identifiers": [{**table, "type": "TABLE"}, {"name": "no namespace", "type": "TABLE"}]}}
    desk.tell({**event("r2", "COMPLETE", "11:00:00", outputs=[{**path, "facets": links}]),
               "job": {"namespace": "spark", "name": "load"}})  # fmt: skip
    ((asset, *_),) = desk.edges()
    view = queries.get_asset(desk.session, asset)
    assert asset != first
    assert (view.path, view.description, view.kind) == ("s3://lake/wh/sold", "By hand.", "table")
    desk.tell({**by_table, "run": {"runId": "r3"}, "eventTime": "2026-03-02T12:00:00Z"})
    assert desk.edges() == {(asset, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}
    assert queries.get_asset(desk.session, first).lifecycle == "tombstoned"


def test_an_emitter_describes_what_it_sees_and_learns_nothing_of_the_rest(desk: Desk) -> None:
    domain = desk.do(RegisterAsset(kind="domain", name="vault"))
    desk.do(RestrictDomain(domain_id=domain.id, members=("boss",)))
    desk.do(AssignDomain(domain_id=domain.id, assets=(TOTALS,)))
    emitter = Caller(principal="spark", permissions=frozenset({"catalog:tell", "catalog:read"}))
    facets = {"documentation": {"description": "Told."}}
    names = ("mart.totals", "mart.nothing", "public.orders")
    body = event("r1", "COMPLETE", "10:00:00", outputs=[dataset(name, **facets) for name in names])
    desk.do(RecordLineageEvent(body=body), emitter)
    assert queries.get_asset(desk.session, TOTALS).told == ()
    assert [each.facet for each in queries.get_asset(desk.session, ORDERS).told] == ["documentation"]
    assert queries.get_asset(desk.session, ORDERS, emitter).told[0].job is None
    with pytest.raises(NotFound):
        told_of(desk, "mart.nothing")
    elsewhere = {"namespace": "s3://lake", "name": "x", "facets": facets}
    desk.do(RecordLineageEvent(body=event("r2", "COMPLETE", "11:00:00", outputs=[elsewhere])), emitter)
    assert queries.get_asset(desk.session, asset_id("s3://lake", "x"), emitter).comment == "Told."


@pytest.mark.parametrize(
    "facets",
    [
        {"schema": {"fields": "all"}}, {"schema": {"fields": [{"name": 7}, 3, {"type": "int"}]}}, {"schema": []},
        {"ownership": {"owners": [{"name": None}, "ann"]}}, {"tags": {"tags": {"key": "a"}}}, {"tags": 7},
        {"documentation": {"description": ["a"]}}, lifecycle("EXPLODE"), lifecycle("RENAME", previousIdentifier="x"),
        {"lifecycleStateChange": None}, {"schema": schema({"name": "c" * 1_500}, {"name": "é'\"; --", "type": "x"})},
    ],
)  # fmt: skip
def test_facets_that_are_none_are_kept_and_say_nothing(desk: Desk, facets: dict[str, Any]) -> None:
    (receipt,) = desk.tell(event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.totals", **facets)]))
    assert desk.session.get_one(LineageEvent, receipt.event_id).body["outputs"][0]["facets"] == facets
    values = [each.value for each in queries.get_asset(desk.session, TOTALS).told]
    assert all(next(iter(value.values())) in ([], {}, "RENAME") or "é'\"; --" in value["fields"] for value in values)


def quality(rows: int, nulls: int, *assertions: dict[str, Any]) -> dict[str, Any]:
    columns = {"amount": {"nullCount": nulls, "distinctCount": 2, "sum": 30.0, "count": 3, "min": 4711, "max": 4712}}
    metrics = {"rowCount": rows, "bytes": 10 * rows, "columnMetrics": columns}
    return {"dataQualityMetrics": metrics, "dataQualityAssertions": {"assertions": list(assertions)}}


NOT_NULL = {"assertion": "not_null", "column": "amount", "success": False, "actual": "4711"}
UNIQUE = {"assertion": "unique", "column": "amount", "success": True, "severity": "warn"}


def test_figures_of_jobs_join_the_history_and_hold_no_value(desk: Desk) -> None:
    def read(name: str) -> list[tuple[str, str, str, float]]:
        found = queries.figures_of(desk.session, EVERYBODY, told_of(desk, name).id, None, None)
        return [(f"{one.at:%H:%M}", one.column, one.metric, one.value) for one in found]

    for run, rows in (("r2", 8), ("r1", 4), ("r2", 8)):
        inputs = [dataset("mart.sold") | {"inputFacets": quality(rows, 1)}, dataset("mart.totals", **quality(rows, 1))]
        size = {"outputFacets": {"outputStatistics": {"rowCount": rows, "size": 80}}}
        outputs = [dataset("public.orders") | size]
        desk.tell(*(event(run, state, f"1{run[1]}:00:{n:02}", inputs=inputs, outputs=outputs)
                    for n, state in enumerate(("COMPLETE", "RUNNING"))))  # fmt: skip
    assert read("mart.sold") == [
        ("12:00", "", "bytes", 80.0), ("12:00", "", "rows", 8.0), ("12:00", "amount", "distinct_share", 0.25),
        ("12:00", "amount", "mean", 10.0), ("12:00", "amount", "null_share", 0.125),
        ("11:00", "", "bytes", 40.0), ("11:00", "", "rows", 4.0), ("11:00", "amount", "distinct_share", 0.5),
        ("11:00", "amount", "mean", 10.0), ("11:00", "amount", "null_share", 0.25),
    ]  # fmt: skip
    assert ("12:00", "", "told_rows", 8.0) in read("mart.totals"), "beside what scans measure"
    assert ("12:00", "", "told_written_rows", 8.0) in read("public.orders")
    asset = told_of(desk, "mart.sold")
    assert (asset.rows, asset.bytes, asset.version) == (8, 80, 1), "sizes move by themselves"
    assert "4711" not in asset.model_dump_json()
    emptied = [dataset("mart.sold", **lifecycle("TRUNCATE"))]
    desk.tell(event("r3", "COMPLETE", "13:00:00", outputs=emptied))
    assert told_of(desk, "mart.sold").rows == 0


def test_tests_of_other_tools_are_results_scores_and_incidents(desk: Desk) -> None:
    told = {"ownership": {"owners": [{"name": "team:sales"}]}}
    failing = [dataset("mart.sold", **told) | {"inputFacets": quality(8, 1, NOT_NULL, UNIQUE)}]
    passing = [dataset("mart.sold") | {"inputFacets": quality(8, 0, NOT_NULL | {"success": True})}]
    early = event("r0", "COMPLETE", "09:00:00", inputs=passing)
    failed = [event("r1", state, f"10:0{n}:00", inputs=failing) for n, state in enumerate(("RUNNING", "FAIL"))]
    desk.tell(*failed, early, *failed)
    asset = told_of(desk, "mart.sold")
    tests = {test.parameters["assertion"]: test for test in queries.list_tests(desk.session, EVERYBODY, asset.id)}
    facts = {name: (test.column, test.dimension, test.severity, test.origin) for name, test in tests.items()}
    assert facts == {
        "not_null": ("amount", "Completeness", 3, "openlineage"), "unique": ("amount", "Uniqueness", 4, "openlineage"),
    }  # fmt: skip
    results = queries.results(desk.session, EVERYBODY, tests["not_null"].id)
    assert [(one.status, one.method, one.observed) for one in results] == [
        ("Failed", "told", None), ("Success", "told", None),
    ]  # fmt: skip
    scores = {one.dimension: one.score for one in queries.scores(desk.session, EVERYBODY, asset.id)}
    assert scores == {"Completeness": 0.0, "Uniqueness": 1.0}
    (incident,) = queries.incidents(desk.session, EVERYBODY, asset_id=asset.id)
    assert (incident.state, incident.occurrences, incident.owner) == ("New", 1, "team:sales")
    desk.tell(event("r2", "COMPLETE", "11:00:00", inputs=passing))
    assert queries.incidents(desk.session, EVERYBODY, asset_id=asset.id)[0].reason == "Recovered"
    with pytest.raises(Conflict):
        desk.do(RunTests(asset_id=asset.id))  # nothing of it is ours to run


def test_expectations_of_great_expectations_are_tests(desk: Desk) -> None:
    expected = [{"expectationType": "expect_table_row_count_to_be_between", "success": True},
                {"expectationType": "expect_column_values_to_not_be_null", "column": "amount", "success": False},
                {"expectationType": 7, "success": True}, {"expectationType": "x", "success": "yes"}]  # fmt: skip
    facets = {"greatExpectations_assertions": {"assertions": expected}, "dataQuality": {"rowCount": 10}}
    inputs = [{"namespace": "sqlite", "name": "transactions", "inputFacets": facets}]
    desk.tell(event("r1", "COMPLETE", "10:00:00", inputs=inputs))
    tests = queries.list_tests(desk.session, EVERYBODY, asset_id("sqlite", "transactions"))
    assert sorted((test.parameters["assertion"], test.column, test.dimension) for test in tests) == [
        ("expect_column_values_to_not_be_null", "amount", "Completeness"),
        ("expect_table_row_count_to_be_between", "", "Completeness"),
    ]  # fmt: skip
    assert queries.get_asset(desk.session, asset_id("sqlite", "transactions")).rows == 10


def test_what_a_run_told_over_several_events_is_one(desk: Desk) -> None:
    told = column_lineage("total", "public.orders", SUM)
    read, plain = [dataset("public.orders")], [dataset("mart.totals")]
    start = event("r1", "START", "10:00:00", inputs=read, outputs=[dataset("mart.totals", columnLineage=told)])
    desk.tell(start, event("r1", "COMPLETE", "10:01:00", inputs=read, outputs=plain))
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "AGGREGATION", False)}, "not as wholes too"
    desk.tell(event("r2", "START", "11:00:00", inputs=read), event("r2", "COMPLETE", "11:01:00", outputs=plain))
    assert desk.edges() == {(ORDERS, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}
    back = [dataset("mart.totals", columnLineage={"_deleted": True})]
    start["run"], start["eventTime"] = {"runId": "r3"}, "2026-03-02T12:00:00Z"
    desk.tell(start, event("r3", "COMPLETE", "12:01:00", outputs=back))
    assert desk.edges() == {(ORDERS, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}


def test_a_job_that_streams_has_lineage_while_it_runs(desk: Desk) -> None:
    """As Flink's integration tells it: datasets and kind at the start, checkpoints without either."""
    job = {"namespace": "flink-jobs", "name": "sums", "facets": {"jobType": {
        "processingType": "STREAMING", "integration": "FLINK", "jobType": "JOB"}}}  # fmt: skip
    topic = {"namespace": "kafka://broker:9092", "name": "orders", "facets": {"schema": schema(AMOUNT)}}
    start = event("r1", "START", "10:00:00", inputs=[topic], outputs=[dataset("mart.totals", **{
        "documentation": {"description": "Streamed."}})])  # fmt: skip
    checkpoint = event("r1", "RUNNING", "10:01:00") | {"job": {"namespace": "flink-jobs", "name": "sums"}}
    desk.tell(checkpoint, {**start, "job": job}, event("r1", "FAIL", "10:02:00") | {"job": checkpoint["job"]})
    stream = asset_id("kafka://broker:9092", "orders")
    assert desk.edges() == {(stream, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False)}
    assert queries.get_asset(desk.session, TOTALS).told[0].value["description"] == "Streamed."
    assert [column.name for column in queries.get_asset(desk.session, stream).column_list] == ["amount"]


def test_names_are_spelled_as_the_specification_does() -> None:
    spelled = {
        ("s3a://bucket", "/a/b"): ("s3://bucket", "a/b"), ("file:///", "/a"): ("file", "/a"),
        ("postgresql://Host", "d.s.t"): ("postgres://host:5432", "d.s.t"), ("file", "/a"): ("file", "/a"),
        ("hive://m:9083/", "d.t"): ("hive://m:9083", "d.t"),
        ("wasbs://c@acc.blob.core.windows.net", "/x"): ("abfss://c@acc.dfs.core.windows.net", "x"),
        ("mysql://h:3307", "d.t"): ("mysql://h:3307", "d.t"), ("file:/tmp/wh", "db.t"): ("file:/tmp/wh", "db.t"),
        ("bigquery", "p.d.t"): ("bigquery", "p.d.t"), ("s3://bucket", "/"): ("s3://bucket", "/"),
    }  # fmt: skip
    for (namespace, name), plain in spelled.items():
        told = Dataset(namespace=namespace, name=name)
        assert (told.namespace, told.name) == plain


def test_jobs_and_runs_are_what_their_events_come_to(desk: Desk) -> None:
    parent = {"run": {"runId": "p1"}, "job": {"namespace": "airflow", "name": "dag.load"},
              "root": {"run": {"runId": "p0"}, "job": {"namespace": "airflow", "name": "dag"}}}  # fmt: skip
    facets = {
        "parent": parent, "processing_engine": {"name": "spark", "version": "3.5.1"},
        "nominalTime": {"nominalStartTime": "2026-03-02T00:00:00Z", "nominalEndTime": "never"},
        "tags": {"tags": [{"key": "env", "value": "prod"}]},
    }  # fmt: skip
    failed = {"errorMessage": {"message": "Key (email)=(ann@example.org) exists in 'people' line 17\nat x", "x": 1}}
    about = {
        "documentation": {"description": "Loads."}, "ownership": {"owners": [{"name": "team:sales"}]},
        "jobType": {"integration": "SPARK", "jobType": "JOB", "processingType": "BATCH"},
        "sourceCodeLocation": {"type": "git", "url": "https://git.example/x"},
        "tags": {"tags": [{"key": "nightly", "value": "true"}]},
    }  # fmt: skip
    bodies = [
        event("r1", "FAIL", "10:05:00")
        | {"run": {"runId": "r1", "facets": failed | {"tags": {"_deleted": True}}}},
        event("r1", "START", "10:00:00")
        | {"run": {"runId": "r1", "facets": facets}}
        | {"job": {"namespace": "nightly", "name": "totals", "facets": about}},
        event("r0", "COMPLETE", "09:00:00"),
    ]  # fmt: skip
    desk.tell(*bodies, *bodies)
    (job,) = queries.jobs(desk.session)
    assert (job.namespace, job.name, job.state, job.run_id) == ("nightly", "totals", "FAIL", "r1")
    job = queries.get_job(desk.session, job.id)
    assert (job.type, job.description, job.owners, job.tags, job.source_code) == (
        "SPARK JOB BATCH", "Loads.", ("team:sales",), ("nightly",), "https://git.example/x",
    )  # fmt: skip
    newest, oldest = queries.runs(desk.session, job.id)
    assert (newest.state, oldest.state, newest.events, newest.engine, newest.tags) == (
        "FAIL", "COMPLETE", 2, "spark 3.5.1", (),
    )  # fmt: skip
    assert newest.parent is not None
    assert newest.root is not None
    assert (newest.parent.name, newest.root.run_id, newest.nominal_end) == ("dag.load", "p0", None)
    assert newest.error == "Key ? exists in ? line ?"
    assert f"{newest.started_at:%H:%M} {newest.ended_at:%H:%M} {newest.nominal_start:%H:%M}" == "10:00 10:05 00:00"
    assert queries.get_run(desk.session, "r1") == newest
    with pytest.raises(NotFound):
        queries.get_run(desk.session, "r2")


def test_a_dataset_may_tell_of_its_lineage_without_a_job(desk: Desk) -> None:
    def said(at: str, **facets: Any) -> dict[str, Any]:
        return {"eventTime": f"2026-03-02T{at}Z", "dataset": dataset("mart.totals", **facets)}

    told = column_lineage("total", "public.orders", SUM)
    bodies = [said("10:00:00", columnLineage=told), said("11:00:00", documentation={"description": "Totals."})]
    for body in reversed(bodies):
        desk.tell(body)
    assert desk.edges() == {(ORDERS, "amount", TOTALS, "total", "DIRECT", "AGGREGATION", False)}
    desk.tell(said("12:00:00", columnLineage={"_deleted": True}))
    assert desk.edges() == set()
    assert queries.jobs(desk.session) == []


def test_an_input_whose_columns_nobody_names_is_no_gap(desk: Desk) -> None:
    told = column_lineage("total", "public.orders", SUM)
    inputs = [dataset("public.orders"), dataset("raw.counted")]
    desk.tell(event("r1", "COMPLETE", "10:00:00", inputs=inputs, outputs=[dataset("mart.totals", columnLineage=told)]))
    counted = asset_id(SHOP.namespace, "shop.raw.counted")
    assert desk.edges() == {
        (ORDERS, "amount", TOTALS, "total", "DIRECT", "AGGREGATION", False),
        (counted, None, TOTALS, None, "DIRECT", "TRANSFORMATION", False),
    }


def test_a_rename_to_itself_and_a_hundred_thousand_new_assets_do_no_harm(desk: Desk) -> None:
    itself = {"namespace": "postgresql://DB.example", "name": "shop.mart.sold"}
    facets = {"schema": schema(AMOUNT), **lifecycle("RENAME", previousIdentifier=itself)}
    desk.tell(event("r1", "COMPLETE", "10:00:00", outputs=[dataset("mart.sold", **facets)]))
    assert told_of(desk, "mart.sold").status == "active"
    became = {f"asset{n}": "found" for n in range(100_000)}
    found_by_source(UnitOfWork(desk.session, EVERYBODY, "catalog", datetime.now(UTC)), became)
