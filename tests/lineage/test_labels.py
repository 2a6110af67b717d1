"""Labels along lineage: what SQL does to a value decides whether its class goes on. No case may give a wrong label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.lineage.extract import extract
from cluster.lineage.labels import Carried, Flow, Label, carry

SCHEMA = {
    "people": {"id": "int", "email": "text", "phone": "text", "ssn": "text", "salary": "int"},
    "orders": {"id": "int", "person_id": "int", "amount": "int"},
}
OWN = [
    Label("people", "email", "contact.email", "confidential", 1.0),
    Label("people", "phone", "contact.phone", "confidential", 1.0),
    Label("people", "ssn", "id.us_ssn", "restricted", 1.0),
]
# What a statement into the table t makes of the labels of people: column and class.
CASES = {
    "a copy keeps the class": ("SELECT email AS a FROM people", {("a", "contact.email")}),
    "a rename over a view keeps it": (
        "SELECT b AS a FROM (SELECT email AS b FROM people) v", {("a", "contact.email")}),
    "a change of case keeps it": ("SELECT lower(email) AS a FROM people", {("a", "contact.email")}),
    "a choice keeps both": (
        "SELECT coalesce(email, phone) AS a FROM people", {("a", "contact.email"), ("a", "contact.phone")}),
    "a union keeps what either has": (
        "SELECT email AS a FROM people UNION ALL SELECT md5(email) FROM people", {("a", "contact.email")}),
    "a hash stops it": ("SELECT md5(email) AS a, encode(sha256(ssn::bytea), 'hex') AS b FROM people", set()),
    "a part of it stops it": ("SELECT left(ssn, 3) AS a, substring(ssn FROM 8) AS b FROM people", set()),
    "a join key is no way": ("SELECT o.amount AS a FROM orders o JOIN people p ON p.email = o.id::text", set()),
    "a filter is no way": ("SELECT id AS a FROM people WHERE email LIKE '%x'", set()),
    "a count stops it": ("SELECT count(email) AS a, count(DISTINCT ssn) AS b FROM people", set()),
    "a sum stops it": ("SELECT sum(salary) AS a, max(email) AS b FROM people", set()),
    "a condition is no way": ("SELECT CASE WHEN email IS NULL THEN 0 ELSE 1 END AS a FROM people", set()),
    "a comparison stops it": ("SELECT email = phone AS a, email IN ('x') AS b, email LIKE 'x' AS c FROM people", set()),
    "a length stops it": ("SELECT length(email) AS a FROM people", set()),
    "a window's order is no way": ("SELECT rank() OVER (ORDER BY email) AS a FROM people", set()),
    "a guess is no way": ("SELECT email AS a FROM unknown1, unknown2", set()),
    "a group key keeps it": (
        "SELECT email AS a, count(*) AS n FROM people GROUP BY email", {("a", "contact.email")}),
}  # fmt: skip


def flows(sql: str) -> list[Flow]:
    return [
        Flow(".".join(e.from_table), e.from_column, ".".join(e.to_table), e.to_column, e.transformation, e.subtype,
             e.masking, e.confidence)
        for e in extract(f"INSERT INTO t {sql}", "postgres", SCHEMA).edges
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_sql_does_to_a_value_decides_whether_its_class_goes_on(case: str) -> None:
    sql, wanted = CASES[case]
    assert {(column, of) for _, column, of in carry(OWN, flows(sql))} == wanted


def flow(start: str, end: str, subtype: str = "IDENTITY", masking: bool = False) -> Flow:
    return Flow(start, "c", end, "c", "DIRECT", subtype, masking, 1.0)


A = [Label("a", "c", "contact.email", "confidential", 1.0)]


def reached(*given: Flow) -> set[str]:
    return {asset for asset, _, _ in carry(A, given)}


def test_several_ways_keep_a_class_until_the_last_is_gone() -> None:
    ways = [flow("a", "b"), flow("b", "d"), flow("a", "e"), flow("e", "d")]
    assert reached(*ways) == {"b", "d", "e"}
    assert reached(*ways[1:]) == {"d", "e"}
    assert reached(*ways[1:3]) == {"e"}


def test_a_masked_way_beside_an_open_one_takes_nothing_away() -> None:
    assert reached(flow("a", "b", masking=True), flow("a", "b")) == {"b"}


def test_a_cycle_ends_and_does_not_hold_itself_up() -> None:
    cycle = [flow("b", "d"), flow("d", "e"), flow("e", "b")]
    assert reached(flow("a", "b"), *cycle) == {"b", "d", "e"}
    assert reached(*cycle) == set()
    assert reached(flow("a", "b"), flow("b", "a")) == {"b"}


def test_what_a_scan_refutes_goes_no_further() -> None:
    found = carry(A, [flow("a", "b"), flow("b", "d")], lambda place: place[0] == "b")
    assert {asset for asset, _, _ in found} == {"b"}


def test_what_is_carried_from_outside_goes_on_with_its_roots() -> None:
    given = {("b", "c", "contact.email"): Carried("confidential", 0.9, frozenset({("a", "c")}))}
    found = carry([], [flow("b", "d", "TRANSFORMATION")], given=given)
    assert found == {("d", "c", "contact.email"): Carried("confidential", 0.81, frozenset({("a", "c")}))}


@given(st.sets(st.tuples(st.sampled_from("abdefg"), st.sampled_from("abdefg")), max_size=14))
def test_a_class_is_where_a_way_of_copies_leads_and_nowhere_else(pairs: set[tuple[str, str]]) -> None:
    seen, work = set(), ["a"]
    while work:
        at = work.pop()
        for start, end in pairs:
            if start == at and end not in seen:
                seen.add(end)
                work.append(end)
    assert reached(*(flow(start, end) for start, end in pairs)) == seen - {"a"}
