"""What the facets of other tools say of datasets: assets, versions, names, lifecycle, quality."""

import random
from typing import Any

import pytest
from emitted import (
    AMOUNT,
    ORDERS,
    SHOP,
    TOTALS,
    Desk,
    dataset,
    desk,
    event,
    lifecycle,
    schema,
    told_of,
)
from sqlalchemy import delete

from actors.catalog import queries
from actors.catalog.assets import EVERYBODY, AssetFilter
from actors.catalog.contract import (
    AnnotateAsset,
    AssignDomain,
    RecordLineageEvent,
    RegisterAsset,
    RestoreAsset,
    RestrictDomain,
    RunTests,
)
from actors.catalog.tables import LineageEvent
from actors.catalog.told_tables import ToldFacet
from cluster.context import Caller
from cluster.errors import Conflict, NotFound
from cluster.naming import asset_id

__all__ = ["desk"]


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
