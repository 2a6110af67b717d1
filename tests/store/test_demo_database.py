"""The demo database on a real PostgreSQL: whole or not at all, built once, with its keys, views and grants."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from catalog_site import Site
from openlineage.client.serde import Serde
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.catalog.contract import DeriveLineage, RecordInventory, RecordLineageEvent, RecordQueries, SourceRef
from cluster.connectors import namespace, source_kind
from cluster.connectors.interface import SourceAccess
from cluster.connectors.opening import opened
from cluster.errors import Conflict, SourceUnreachable
from cluster.naming import asset_id
from cluster.security.secrets import seal
from cluster.store.engine import make_engine
from serve.demo import estate, planted
from serve.demo.estate import build_database
from serve.demo.nightly import EXPORT, run_events, run_nightly
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


def test_what_runs_at_night_leaves_a_query_log_and_a_run(
    empty_database_url: str, database: Any, database_url: str, tmp_path: Path
) -> None:
    build_database(empty_database_url, rows=1_000)
    for _ in range(2):  # the second night is as the first
        ran = run_nightly(empty_database_url, tmp_path)
    assert [statement.split()[2] for statement in ran] == ["mart.customer_value", "mart.newsletter"]
    assert one(database, "SELECT count(*) FROM mart.customer_value") > 0
    assert (tmp_path / EXPORT).read_text().startswith("country,orders,revenue\n")
    place = make_url(empty_database_url)
    shop = f"postgresql://{place.host}:{place.port}/{place.database}"
    engine = make_engine(database_url)
    with Session(engine) as session:
        site = Site(session)
        for name, url, sealed in (
            ("shop", shop, seal({"username": str(place.username), "password": str(place.password)}, "shop")),
            ("files", tmp_path.as_uri(), None),
        ):
            with opened(SourceAccess(source_id=name, url=url, sealed=sealed)) as connector:
                assets = tuple(connector.enumerate().assets)
            reference = SourceRef(id=name, name=name, kind=source_kind(url), namespace=namespace(url), url=url)
            site.do(RecordInventory(source=reference, assets=assets, complete=True))
        site.do(DeriveLineage(source_id="shop"))
        site.do(RecordQueries(source_id="shop", queries=tuple(ran)))
        for event in run_events(shop, tmp_path.as_uri()):
            site.do(RecordLineageEvent(body=Serde.to_dict(event)))
        file = catalog.lineage(session, asset_id("files", EXPORT), 9, "up", column="revenue")
        told = {(file.assets[e.from_asset], e.from_column, e.to_column, e.origin) for e in file.edges}
        assert ("sales.v_revenue_by_country", "revenue", "revenue", "openlineage") in told
        assert ("sales.order_lines", "unit_price", "value", "view") in told
        value = catalog.lineage(session, asset_id("shop", "mart.customer_value"), 1, "up")
        found = {(value.assets[e.from_asset], e.from_column, e.to_column, e.subtype, e.origin) for e in value.edges}
        assert ("crm.customers", "email", "contact", "IDENTITY", "query") in found
        assert ("sales.v_order_value", "value", "spent", "AGGREGATION", "query") in found
        news = catalog.lineage(session, asset_id("shop", "mart.newsletter"), 1, "up", column="reader_key")
        assert [e.masking for e in news.edges if e.transformation == "DIRECT"] == [True]
    engine.dispose()


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
