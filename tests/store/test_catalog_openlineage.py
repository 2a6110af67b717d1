"""Lineage that other tools tell of: events become the edges of their job, in whatever order they come."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from emitted import (
    AMOUNT,
    DBT,
    HASHED,
    ORDERS,
    SHOP,
    SUM,
    TOTALS,
    Desk,
    column_lineage,
    dataset,
    desk,
    event,
    lifecycle,
    schema,
    told_of,
)
from sqlalchemy import func, select

from actors.catalog import job_sql, queries, run_events
from actors.catalog.assets import EVERYBODY
from actors.catalog.moving import found_by_source
from actors.catalog.openlineage import Dataset
from actors.catalog.tables import LineageEvent
from actors.scans.contract.definitions import Definition, Trigger
from actors.scans.firing import _written
from cluster.errors import InvalidInput, NotFound
from cluster.naming import asset_id
from cluster.runtime.commands import UnitOfWork

__all__ = ["desk"]


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
