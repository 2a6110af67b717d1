"""The demo database on a real PostgreSQL: whole or not at all, built once, with its keys, views and grants."""

from typing import Any

import psycopg
import pytest

from cluster.errors import Conflict, SourceUnreachable
from serve.demo import estate, planted
from serve.demo.estate import build_database
from serve.demo.shape import Shape
from serve.demo.views import READER

ROWS = 1_500


@pytest.fixture
def database(empty_database_url: str) -> Any:
    with psycopg.connect(empty_database_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def one(database: Any, query: str, *values: Any) -> Any:
    row = database.execute(query, values).fetchone()
    return row[0] if row else None


def test_the_database_holds_the_estate_with_keys_views_and_grants(empty_database_url: str, database: Any) -> None:
    build_database(empty_database_url, rows=ROWS)
    for table in estate.TABLES:
        assert one(database, f"SELECT count(*) FROM {table.name}") == len(table.frame(Shape(ROWS, 7))), table.name
    for fact in planted.PLANTED:
        if fact.asset.count(".") == 1 and fact.asset.split(".")[0] in estate.SCHEMAS:
            query = f'SELECT count(*) FROM {fact.asset} WHERE "{fact.column}"::text LIKE %s'
            assert one(database, query, f"%{fact.value}%") == 1, fact.key
    for view in planted.LINEAGE:
        assert one(database, f"SELECT count(*) FROM {view}") > 0, view
    keys = "SELECT count(*) FROM pg_constraint WHERE contype = %s AND connamespace::regnamespace::text = ANY(%s)"
    assert one(database, keys, "p", list(estate.SCHEMAS)) >= 20
    assert one(database, keys, "f", list(estate.SCHEMAS)) >= 14
    assert one(database, "SELECT obj_description('hr.employees'::regclass)").startswith("Payroll")
    may = "SELECT has_table_privilege(%s, %s, 'SELECT')"
    assert one(database, may, READER, "hr.sick_leave")
    assert one(database, may, READER, "crm.v_customer_contact")
    assert not one(database, may, READER, "crm.customers")
    assert not one(database, may, READER, "hr.employees")


def test_an_estate_is_built_once_and_replaced_only_by_another(empty_database_url: str, database: Any) -> None:
    build_database(empty_database_url, rows=1_000)
    first = one(database, "SELECT 'crm.customers'::regclass::oid")
    build_database(empty_database_url, rows=1_000)
    assert one(database, "SELECT 'crm.customers'::regclass::oid") == first
    build_database(empty_database_url, rows=1_000, seed=8)
    assert one(database, "SELECT 'crm.customers'::regclass::oid") != first


def test_a_failed_build_leaves_nothing(empty_database_url: str, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*estate.TABLES[:2], estate.Table("sales.broken", "n integer CHECK (n < 0)", lambda _: _one_row())]
    monkeypatch.setattr(estate, "TABLES", tuple(broken))
    with pytest.raises(estate.SourceError):
        build_database(empty_database_url, rows=1_000)
    assert one(database, "SELECT count(*) FROM pg_namespace WHERE nspname = ANY(%s)", list(estate.SCHEMAS)) == 0


def _one_row() -> Any:
    import polars as pl

    return pl.DataFrame({"n": [1]})


def test_a_schema_of_someone_else_is_left_alone(empty_database_url: str, database: Any) -> None:
    database.execute("CREATE SCHEMA crm CREATE TABLE mine (n integer)")
    with pytest.raises(Conflict):
        build_database(empty_database_url, rows=1_000)
    assert one(database, "SELECT 'crm.mine'::regclass::text") == "crm.mine"


def test_a_server_that_is_not_there_is_named_as_that() -> None:
    with pytest.raises(SourceUnreachable) as caught:
        build_database("postgresql://nobody:secret-word@127.0.0.1:1/none", rows=1_000)
    assert "secret-word" not in str(caught.value)
