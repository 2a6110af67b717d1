"""Quality: every definition by reading, profiles that decide, suggestions, scores, learned bounds, contracts."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from catalog_site import SHOP, Site, ident, table
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from actors.catalog import odcs, queries
from actors.catalog.contract import (
    CheckContract,
    CheckOutcome,
    DefineTest,
    ImportContract,
    RecordInventory,
    RecordOutcomes,
    RecordProfiles,
    RemoveContract,
    RunTests,
    SuggestTests,
    TestOrder,
)
from actors.catalog.metrics import Point, expected
from actors.catalog.quality_definitions import DEFINITIONS, checked
from actors.catalog.quality_queries import counting, difference, queried, single
from actors.catalog.quality_reading import evaluated
from cluster.context import system
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.kernels.report import AssetEvidence, ColumnEvidence, ColumnProfile
from cluster.store.engine import make_engine

ALL = system("catalog")
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
NOW = datetime.now(UTC)
FRAME = pl.DataFrame({
    "id": [1, 2, 3, 4, 4], "code": ["AB-1", "CD-2", None, "", "zz"], "price": [1.0, 2.0, 3.0, 4.0, None],
    "town": ["Berlin", "Paris", "Berlin", "Rome", None], "lat": [52.52, 48.85, 10.0, 41.9, 1.0],
    "lon": [13.40, 2.35, 10.0, 12.5, 1.0], "at": [NOW, NOW - timedelta(hours=5), NOW - timedelta(days=3)] + [None] * 2,
})  # fmt: skip
PLACES = {"Berlin": [52.52, 13.405], "Paris": [48.8566, 2.3522]}

# definition, column, parameters, (status, failed rows or what was observed)
CASES = [
    ("tableRowCountToBeBetween", "", {"minValue": 5, "maxValue": 6}, ("Success", 5.0)),
    ("tableRowCountToEqual", "", {"value": 4}, ("Failed", 5.0)),
    ("tableRowInsertedCountToBeBetween", "", {"min": 2, "max": 2, "columnName": "at", "rangeType": "DAY",
                                              "rangeInterval": 1}, ("Success", 2.0)),
    ("columnValuesToBeNotNull", "code", {}, ("Failed", 1)),
    ("columnValuesToBeUnique", "id", {}, ("Failed", 1)),
    ("columnValuesToBeUnique", "code", {}, ("Success", 0)),
    ("columnValuesToBeBetween", "price", {"minValue": 2}, ("Failed", 1)),
    ("columnValuesToBeBetween", "price", {"minValue": 1, "maxValue": 4}, ("Success", 0)),
    ("columnValuesToBeBetween", "at", {"maxValue": "2999-01-01T00:00:00+00:00"}, ("Success", 0)),
    ("columnValuesToBeInSet", "town", {"allowedValues": ["Berlin", "Paris"]}, ("Failed", 1)),
    ("columnValuesToBeInSet", "price", {"allowedValues": [1, 2, 3, 4]}, ("Success", 0)),
    ("columnValuesToBeInSet", "id", {"allowedValues": [1, 2, 3]}, ("Failed", 2)),
    ("columnValuesToBeNotInSet", "town", {"forbiddenValues": ["Rome"]}, ("Failed", 1)),
    ("columnValuesToMatchRegex", "code", {"regex": "^[A-Z]{2}-[0-9]$"}, ("Failed", 2)),
    ("columnValuesToNotMatchRegex", "code", {"forbiddenRegex": "^z"}, ("Failed", 1)),
    ("columnValueLengthsToBeBetween", "code", {"minLength": 1, "maxLength": 4}, ("Failed", 1)),
    ("columnValueLengthsToBeBetween", "code", {"maxLength": 3}, ("Failed", 2)),
    ("columnValueMinToBeBetween", "price", {"minValueForMinInCol": 1, "maxValueForMinInCol": 1}, ("Success", 1.0)),
    ("columnValueMaxToBeBetween", "price", {"maxValueForMaxInCol": 3}, ("Failed", 4.0)),
    ("columnValueMeanToBeBetween", "price", {"minValueForMeanInCol": 2.5, "maxValueForMeanInCol": 2.5},
     ("Success", 2.5)),
    ("columnValueMedianToBeBetween", "price", {"minValueForMedianInCol": 2.5}, ("Success", 2.5)),
    ("columnValueStdDevToBeBetween", "price", {"minValueForStdDevInCol": 1.29, "maxValueForStdDevInCol": 1.3},
     ("Success", pytest.approx(1.2909944))),
    ("columnValuesSumToBeBetween", "price", {"minValueForColSum": 10, "maxValueForColSum": 10}, ("Success", 10.0)),
    ("columnValuesMissingCount", "code", {"missingCountValue": 3, "missingValueMatch": ["zz"]}, ("Success", 3.0)),
    ("columnValuesMissingCount", "code", {"missingCountValue": 0}, ("Failed", 2.0)),
    ("columnValuesMissingCount", "code", {"missingCountValue": 0, "maxFailedRows": 2}, ("Success", 2.0)),
    ("columnValuesToBeNotNull", "code", {"maxFailedRows": 1}, ("Success", 1)),
    ("columnValuesToBeNotNull", "code", {"maxFailedPercent": 19.9}, ("Failed", 1)),
    ("columnValuesToBeUnique", "id", {"maxFailedPercent": 20}, ("Success", 1)),
    ("columnValuesToBeAtExpectedLocation", "town", {"latitudeColumnName": "lat", "longitudeColumnName": "lon",
                                                    "radius": 5_000, "places": PLACES}, ("Failed", 2)),
]  # fmt: skip


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


def order(definition: str, column: str = "", **parameters: Any) -> TestOrder:
    told = checked(definition, column, parameters)
    return TestOrder.model_validate({"id": "t", "definition": definition, "column": column, "parameters": told})


@pytest.mark.parametrize(("definition", "column", "parameters", "wanted"), CASES)
@pytest.mark.parametrize("size", [5, 2])
def test_a_definition_is_decided_by_reading(
    definition: str, column: str, parameters: dict[str, Any], wanted: tuple[str, float], size: int
) -> None:
    batches = [FRAME[start : start + size] for start in range(0, FRAME.height, size)]
    (outcome,) = evaluated([order(definition, column, **parameters)], batches)
    figure = outcome.observed if outcome.observed is not None else outcome.failed_rows
    assert (outcome.status, figure) == wanted


def test_every_definition_that_reads_has_a_case() -> None:
    of_columns = {name for name in DEFINITIONS if DEFINITIONS[name].metric in {"columns", "named"}}
    assert {case[0] for case in CASES} | of_columns | {"tableCustomSQLQuery", "tableDiff"} == set(DEFINITIONS)


def test_what_cannot_be_looked_at_is_aborted_and_says_why() -> None:
    for test in (order("columnValueMeanToBeBetween", "code", minValueForMeanInCol=1),
                 order("columnValuesToBeNotNull", "nope")):  # fmt: skip
        (outcome,) = evaluated([test], [FRAME])
        assert outcome.status == "Aborted"
        assert outcome.reason
        assert "AB-1" not in outcome.reason


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), cuts=st.integers(1, 7))
def test_figures_do_not_depend_on_how_rows_are_cut(values: list[float], cuts: int) -> None:
    frame = pl.DataFrame({"x": values})
    tests = [
        order("columnValueMeanToBeBetween", "x", minValueForMeanInCol=-1e9),
        order("columnValueStdDevToBeBetween", "x", minValueForStdDevInCol=-1e9),
        order("columnValuesSumToBeBetween", "x", minValueForColSum=-1e12),
        order("columnValueMedianToBeBetween", "x", minValueForMedianInCol=-1e9),
    ]
    parts = evaluated(tests, [frame[start : start + cuts] for start in range(0, len(values), cuts)])
    for test, one, whole in zip(tests, parts, evaluated(tests, [frame]), strict=True):
        assert one.observed == pytest.approx(whole.observed, rel=1e-6, abs=1e-6), test.definition


@pytest.mark.parametrize(
    ("definition", "column", "parameters"),
    [("columnValuesToBeBetween", "x", {}), ("columnValuesToBeBetween", "", {"minValue": 1}),
     ("tableRowCountToEqual", "x", {"value": 1}), ("columnValuesToMatchRegex", "x", {"regex": "("}),
     ("columnValuesToBeInSet", "x", {"allowedValues": []}), ("tableRowCountToBeBetween", "", {"minValue": "many"}),
     ("columnValuesToBeBetween", "x", {"minValue": 3, "maxValue": 1}), ("columnValuesToBeNotNull", "x", {"a": 1}),
     ("columnValuesToMatchRegex", "x", {"regex": "(?=a)b"}), ("columnValuesToMatchRegex", "x", {"regex": r"(a)\1"}),
     ("columnValuesToBeNotNull", "x", {"maxFailedRows": -1}), ("tableRowCountToEqual", "", {"maxFailedRows": 1})],
)  # fmt: skip
def test_parameters_that_are_none_are_refused(definition: str, column: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        checked(definition, column, parameters)


def test_custom_sql_is_one_query_and_gives_a_number() -> None:
    assert counting("SELECT * FROM a WHERE x < 0;", "postgresql").startswith("SELECT count(*) AS rows FROM (")
    deep = f"SELECT {'IF[' * 60}a{']' * 60}"
    for wrong in ("DELETE FROM a", "SELECT 1; SELECT 2", "SELECT * INTO b FROM a", "SELECT FROM WHERE", "", deep,
                  "WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", "SELECT * FROM a FOR UPDATE"):  # fmt: skip
        with pytest.raises(InvalidInput):
            counting(wrong, "postgresql")
    with pytest.raises(InvalidInput):
        counting("SELECT 1", "files")
    bad = order("tableCustomSQLQuery", sqlExpression="SELECT * FROM a WHERE x < 0")
    assert single("SELECT x FROM a ;", "sqlite") == "SELECT * FROM (SELECT x FROM a) AS asked LIMIT 1"
    assert queried(bad, lambda text: 0.0, "postgresql").status == "Success"
    assert queried(bad, lambda text: 3.0, "postgresql").failed_rows == 3
    counts = order(
        "tableCustomSQLQuery", sqlExpression="SELECT sum(x) FROM a", strategy="COUNT", minValue=5, maxValue=9
    )
    assert [queried(counts, lambda text, n=n: n, "sqlite").status for n in (4.0, 5.0, 9.0, None)] == [
        "Failed", "Success", "Success", "Aborted"]  # fmt: skip


def test_two_tables_are_compared_by_their_keys() -> None:
    one = pl.DataFrame({"id": [1, 2, 3], "x": ["a", "b", "c"]})
    other = pl.DataFrame({"id": [3, 2, 4], "x": ["c", "B", "d"]})
    test = order("tableDiff", table2="public.b", keyColumns=["id"])
    assert difference(test, [one], [one[2:], one[:2]]).status == "Success"
    outcome = difference(test, [one], [other])
    assert (outcome.status, outcome.observed) == ("Failed", 3.0)
    assert outcome.reason == "2 rows in one table only, 1 that differ, 0 keys repeated."
    assert difference(order("tableDiff", table2="b", keyColumns=["no"]), [one], [other]).status == "Aborted"
    nested = one.with_columns(l=pl.Series([["a"], None, []]), s=pl.Series([{"k": 1}] * 3), b=pl.Series([b"\xff"] * 3))
    assert difference(test, [nested], [nested[1:], nested[:1]]).status == "Success"
    assert difference(test, [nested], [nested.with_columns(l=pl.Series([["b"], None, []]))]).observed == 1


def census(site: Site, name: str, rows: int = 100, at: datetime | None = None, **columns: dict[str, Any]) -> None:
    told = {"rows": rows, "nulls": 0, "empties": 0, "unreadable": 0, "distinct": rows, "distinct_exact": True}
    evidence = AssetEvidence(
        asset=f"public.{name}", method="census", partitions=1, partitions_read=1, rows=rows, bytes=1, rules_digest="r",
        columns=tuple(ColumnEvidence(column=column, type="string", profile=ColumnProfile(**told | figures))
                      for column, figures in columns.items()),
    )  # fmt: skip
    site.do(RecordProfiles(source_id="s1", evidence=(evidence,)), at=at)


@pytest.fixture
def orders(site: Site) -> Site:
    facts = table("orders", "id", "code", fingerprint="f1", rows_estimate=100)
    site.do(RecordInventory(source=SHOP, assets=(facts,), complete=True))
    return site


def test_profiles_suggest_tests_that_they_pass(orders: Site) -> None:
    assert orders.do(SuggestTests(asset_id=ident("orders"))).entries == 1  # without a census: the columns alone
    census(orders, "orders", id={"min": "1", "max": "100"},
           code={"length_min": 7, "length_max": 7, "shapes": (("AA-dddd", 100),), "distinct": 60})  # fmt: skip
    receipt = orders.do(SuggestTests(asset_id=ident("orders")))
    made = {(each.definition, each.column) for each in queries.list_tests(orders.session, ALL, ident("orders"))}
    assert made == {
        ("tableColumnToMatchSet", ""), ("tableRowCountToBeBetween", ""), ("columnValuesToBeNotNull", "id"),
        ("columnValuesToBeUnique", "id"), ("columnValuesToBeBetween", "id"), ("columnValuesToBeNotNull", "code"),
        ("columnValueLengthsToBeBetween", "code"), ("columnValuesToMatchRegex", "code"),
    }  # fmt: skip
    assert (receipt.entries, orders.do(SuggestTests(asset_id=ident("orders"))).changed) == (8, 0)
    pattern = next(each for each in queries.list_tests(orders.session, ALL) if "Regex" in each.definition)
    told = order(pattern.definition, "code", **pattern.parameters)
    (outcome,) = evaluated([told], [pl.DataFrame({"code": ["AB-1234", "AB-12345", "A1-1234", "AB-123"]})])
    assert outcome.failed_rows == 2


def test_a_run_is_decided_by_profiles_and_the_rest_by_a_worker(orders: Site) -> None:
    with pytest.raises(Conflict):
        orders.do(RunTests(asset_id=ident("orders")))
    census(orders, "orders", id={"min": "1", "max": "100"}, code={"nulls": 3, "distinct": 60})
    for definition, column, parameters in (
        ("columnValuesToBeNotNull", "code", {}), ("columnValuesToBeUnique", "id", {}),
        ("columnValuesToMatchRegex", "code", {"regex": "^A"}),
    ):  # fmt: skip
        orders.do(DefineTest(asset_id=ident("orders"), definition=definition, column=column, parameters=parameters))
    run = orders.do(RunTests(asset_id=ident("orders")))
    assert run.state == "pending"
    assert {each.status for each in run.results} == {"Success", "Failed"}
    assert next(each for each in run.results if each.status == "Failed").failed_rows == 3
    assert orders.do(RunTests(asset_id=ident("orders"))).id == run.id
    (waiting,) = queries.pending_runs(orders.session)
    assert [test.definition for test in waiting.tests] == ["columnValuesToMatchRegex"]
    outcome = CheckOutcome(test_id=waiting.tests[0].id, status="Success", passed_rows=100, failed_rows=0)
    done = orders.do(RecordOutcomes(run_id=run.id, outcomes=(outcome,)))
    assert (done.state, len(done.results)) == ("succeeded", 3)
    told = {score.dimension: score.score for score in queries.scores(orders.session, ALL, ident("orders"))}
    assert told == {"Completeness": 0.0, "Uniqueness": 1.0, "Validity": 1.0}
    orders.do(RecordOutcomes(run_id=run.id, problem="late"))
    assert queries.run_view(orders.session, run.id, ALL).state == "succeeded"


def test_a_source_that_cannot_be_read_fails_the_run_and_says_why(orders: Site) -> None:
    orders.do(DefineTest(asset_id=ident("orders"), definition="columnValuesToBeUnique", column="id"))
    run = orders.do(RunTests(asset_id=ident("orders")))
    done = orders.do(RecordOutcomes(run_id=run.id, problem="The source does not answer."))
    assert (done.state, done.problem) == ("failed", "The source does not answer.")


def test_bounds_follow_the_days_of_the_week() -> None:
    days = [START + timedelta(days=day) for day in range(70)]
    history = [Point(at, (100 if at.weekday() < 5 else 20) + at.day % 3) for at in days]
    monday, saturday = START + timedelta(days=70), START + timedelta(days=75)
    low, high, seasonal = expected(history, monday) or (0, 0, False)
    assert seasonal
    assert low < 101 < high < 120
    low, high, _ = expected(history, saturday) or (0, 0, False)
    assert low < 21 < high < 60
    steady = [Point(at, 50.0) for at in days]
    low, high, seasonal = expected(steady, monday) or (0, 0, True)
    assert (low, high, seasonal) == (49.0, 51.0, False)
    assert expected(history[:5], monday) is None
    outlier = [*history[:-3], Point(days[-3], 9_999.0), *history[-2:]]
    assert (expected(outlier, monday) or (0, 0))[1] < 130


CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders-contract
version: 1.2.0
status: active
schema:
  - name: orders
    physicalType: table
    quality:
      - {type: library, metric: rowCount, mustBeGreaterOrEqualTo: 10}
      - {type: text, description: Orders are orders.}
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - name: code
        logicalType: integer
        required: true
        quality:
          - {type: library, metric: invalidValues, mustBe: 0, arguments: {pattern: "^A"}}
          - {type: custom, engine: soda, implementation: x}
      - {name: lost, logicalType: string}
slaProperties:
  - {property: frequency, value: 2, unit: d}
  - {property: availability, value: 99}
"""


def test_a_contract_becomes_tests_and_is_checked(orders: Site) -> None:
    view = orders.do(ImportContract(asset_id=ident("orders"), text=CONTRACT))
    assert (view.version, view.status, view.tests) == ("1.2.0", "active", 5)
    assert view.unsupported == ("schema: text", "code: custom", "SLA: availability")
    result = orders.do(CheckContract(contract_id=view.id)).result
    assert (result.missing_fields, result.type_mismatches, result.schema_met) == (("lost",), ("code",), False)
    assert (len(result.undecided_tests), result.failed_tests, result.quality_met) == (5, (), False)
    assert result.sla_met
    late = orders.do(CheckContract(contract_id=view.id), at=datetime.now(UTC) + timedelta(days=3)).result
    assert not late.sla_met
    assert queries.contract_document(orders.session, view.id, ALL)["slaProperties"][1]["value"] == 99
    assert orders.do(ImportContract(asset_id=ident("orders"), text=json.dumps(odcs.parsed(CONTRACT)))).id == view.id
    orders.do(RemoveContract(contract_id=view.id))
    assert queries.list_tests(orders.session, ALL, ident("orders")) == []
    with pytest.raises(NotFound):
        queries.get_contract(orders.session, view.id, ALL)


# A rule of ODCS, the column that has it, and the test that means the same; None where there is none.
RULES = [
    ("", {"metric": "rowCount", "mustBeGreaterThan": 10}, {"minValue": 11}),
    ("", {"metric": "rowCount", "mustBeBetween": [5, 9]}, {"minValue": 5, "maxValue": 9}),
    ("", {"metric": "rowCount", "mustNotBe": 5}, None),
    ("", {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["a", "b"]}}, None),
    ("x", {"metric": "nullValues", "mustBe": 0}, {}),
    ("x", {"metric": "nullValues", "mustBeLessThan": 100}, {"maxFailedRows": 99}),
    ("x", {"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent"}, {"maxFailedPercent": 5}),
    ("x", {"metric": "nullValues", "mustBeGreaterThan": 5}, None),
    ("x", {"metric": "nullValues"}, None),
    ("x", {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a", None]}},
     {"allowedValues": ["a"]}),
    ("x", {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [None, "", "N/A"]}},
     {"missingCountValue": 0, "missingValueMatch": ["N/A"]}),
    ("x", {"type": "sql", "query": "SELECT avg({property}) FROM ${object}", "mustBeGreaterOrEqualTo": 0.5},
     {"sqlExpression": 'SELECT avg("x") FROM "public"."orders"', "strategy": "COUNT", "minValue": 0.5}),
    ("", {"type": "sql", "query": "SELECT 1", "mustNotBe": 3},
     {"sqlExpression": "SELECT 1", "strategy": "COUNT", "operator": "!=", "threshold": 3}),
    ("", {"type": "sql", "query": "SELECT 1"}, None),
    ("", {"type": "sql", "query": "SELECT 1", "mustNotBeBetween": [1, 2]}, None),
    ("", {"type": "sql", "query": "SELECT count(*) FROM ${TABLE_NAME}", "mustBe": 0}, None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "told", "wanted"), RULES)
def test_a_rule_of_a_contract_is_the_test_that_means_the_same_or_none(
    orders: Site, column: str, told: dict[str, Any], wanted: dict[str, Any] | None
) -> None:
    holder = {"quality": [told]} if not column else {"properties": [{"name": column, "quality": [told]}]}
    body = odcs.parsed(CONTRACT) | {"schema": [{"name": "orders", **holder}], "slaProperties": []}
    view = orders.do(ImportContract(asset_id=ident("orders"), text=json.dumps(body)))
    tests = queries.list_tests(orders.session, ALL, ident("orders"))
    assert [test.parameters for test in tests] == ([] if wanted is None else [wanted])
    assert len(view.unsupported) == (wanted is None)


def test_a_strict_bound_of_a_fraction_is_not_moved_by_one() -> None:
    strict = {"type": "sql", "query": "SELECT 1", "mustBeGreaterThan": 0.95}
    (rule,) = odcs.rules("", strict)
    test = order(rule.definition, **rule.parameters)
    assert [queried(test, lambda text, n=n: n, "sqlite").status for n in (0.95, 0.96)] == ["Failed", "Success"]


def test_what_a_contract_says_of_types_and_keys_is_checked_or_named() -> None:
    body = odcs.parsed("""
apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
status: pending
schema:
  - name: t
    relationships: [{type: foreignKey, from: [t.a], to: [u.a]}]
    properties:
      - {name: a, primaryKey: true, logicalType: integer, logicalTypeOptions: {minimum: 18, exclusiveMaximum: 100}}
      - {name: b, primaryKey: true, logicalType: string, logicalTypeOptions: {minLength: 3, pattern: "^A", format: x}}
      - {name: c, logicalType: array, logicalTypeOptions: {maxItems: 3}, items: {logicalType: string}}
      - {name: d, logicalType: string, enum: [{value: x}, {value: y}]}
""")
    held = odcs.terms(body)
    assert {(rule.definition, rule.column): rule.parameters for rule in held.rules} == {
        ("columnValuesToBeBetween", "a"): {"minValue": 18, "maxValue": 99},
        ("columnValueLengthsToBeBetween", "b"): {"minLength": 3},
        ("columnValuesToMatchRegex", "b"): {"regex": "^A"},
        ("columnValuesToBeInSet", "d"): {"allowedValues": ["x", "y"]},
    }
    assert held.unsupported == (
        "schema: relationships", "c: maxItems", "c: items", "schema: primary key of several columns")  # fmt: skip
    assert [(field.required, field.unique) for field in held.fields[:2]] == [(True, False), (True, False)]


@pytest.mark.parametrize(("told", "where"), [
    ({"quality": 5}, "schema[0].quality is no list"), ({"properties": "x"}, "schema[0].properties is no list"),
    ({"properties": [{"logicalType": "string"}]}, "schema[0].properties[0] has no name"),
    ({"properties": [{"name": "x", "quality": [1]}]}, "schema[0].properties[0].quality is no list"),
    ({"quality": [{"metric": "rowCount", "mustBe": 10**400}]}, "a number out of range"),
])  # fmt: skip
def test_a_part_of_a_contract_that_is_none_is_located(told: dict[str, Any], where: str) -> None:
    body = odcs.parsed(CONTRACT) | {"schema": [{"name": "orders", **told}]}
    with pytest.raises(InvalidInput, match=re.escape(where)):
        odcs.parsed(json.dumps(body))


@pytest.mark.parametrize("wrong", [
    "", "[]", "kind: DataContract", CONTRACT.replace("v3.1.0", "v9"), CONTRACT.replace("active", "[]"),
    CONTRACT.replace("id: orders-contract", "id: 3"), "a: &x 1\nb: *x", CONTRACT.replace("schema:", "scheme:"),
    CONTRACT.replace("value: 2", "value: .nan"), "{" * 500, CONTRACT.replace('"^A"', '"("'),
])  # fmt: skip
def test_what_is_no_contract_is_refused_whole(orders: Site, wrong: str) -> None:
    with pytest.raises((InvalidInput, ValueError)):
        orders.do(ImportContract(asset_id=ident("orders"), text=wrong))
    assert queries.contracts(orders.session, ALL) == []
    assert queries.list_tests(orders.session, ALL) == []


def test_a_drafted_contract_is_one_that_can_be_imported(orders: Site) -> None:
    orders.describe("orders", description="All orders.", owner="sales")
    orders.do(DefineTest(asset_id=ident("orders"), definition="columnValuesToBeUnique", column="id"))
    bounds = {"minValue": 10, "maxValue": 20}
    orders.do(DefineTest(asset_id=ident("orders"), definition="tableRowCountToBeBetween", parameters=bounds))
    draft = queries.contract_draft(orders.session, ident("orders"), ALL)
    assert (draft["apiVersion"], draft["description"]["purpose"]) == ("v3.1.0", "All orders.")
    assert draft["schema"][0]["quality"] == [{"type": "library", "metric": "rowCount", "mustBeBetween": [10, 20]}]
    held = odcs.terms(odcs.parsed(json.dumps(draft)))
    assert [(rule.definition, rule.column) for rule in held.rules] == [
        ("tableRowCountToBeBetween", ""), ("columnValuesToBeUnique", "id")]  # fmt: skip
    assert odcs.schema_result(held, {"id": "string", "code": "string"}) == ([], [], [])
