"""The door that finds the lineage of a SQL text."""

from typing import Any

import httpx

SCRIPT = {
    "sql": "CREATE TEMP TABLE t AS SELECT id, amount FROM orders; INSERT INTO sales SELECT * FROM t; SELEC x",
    "dialect": "postgres",
    "schema": {"orders": {"id": "int", "amount": "numeric"}, "sales": {"order_id": "int", "total": "numeric"}},
    "default_db": "shop",
    "default_schema": "public",
}


def test_a_script_gives_its_tables_its_pairs_of_columns_and_the_place_of_what_is_wrong(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/lineage/extract", json=SCRIPT)
    found = answer.json()
    assert answer.status_code == 200
    assert (found["tables_in"], found["tables_out"]) == (["shop.public.orders"], ["shop.public.sales"])
    pairs = [["shop.public.orders.id", "shop.public.sales.order_id"]]
    pairs += [["shop.public.orders.amount", "shop.public.sales.total"]]
    assert found["column_edges"] == pairs
    assert {edge["subtype"] for edge in found["edges"]} == {"IDENTITY"}
    assert [(error["line"], error["column"]) for error in found["errors"]] == [(1, 90)]


def test_a_bare_query_writes_the_table_named_query(admin: httpx.Client) -> None:
    found = admin.post("/api/v1/lineage/extract", json={"sql": "select a from t", "dialect": None}).json()
    assert (found["column_edges"], found["tables_out"]) == ([["t.a", "<query>.a"]], ["<query>"])


def test_a_dialect_that_nobody_knows_is_refused(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/lineage/extract", json={"sql": "select 1", "dialect": "klingon"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_who_has_no_token_is_refused(instance: Any) -> None:
    assert httpx.post(f"{instance.url}/api/v1/lineage/extract", json=SCRIPT).status_code == 401
