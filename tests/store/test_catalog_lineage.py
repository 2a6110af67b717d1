"""Lineage in the catalog: views of a real database, edges with a time of validity, and the walk along them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.contract import DeriveLineage, LineageView, RecordInventory, SourceRef
from actors.catalog.queries import lineage
from actors.catalog.service import service
from actors.catalog.tables import Edge
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.context import system
from cluster.errors import NotFound
from cluster.events.feed import EventDraft
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SHOP = SourceRef(id="s1", name="shop", kind="postgresql", namespace="postgres://db.example:5432")
ESTATE = """
CREATE TABLE customers (id int PRIMARY KEY, email text, ssn text);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, amount numeric);
CREATE SCHEMA mart;
CREATE VIEW mart.safe AS SELECT id, md5(email) AS email_hash, left(ssn, 3) || '***' AS ssn FROM customers;
CREATE VIEW mart.spend AS SELECT c.email, sum(o.amount) AS total FROM customers c
  JOIN orders o ON o.customer_id = c.id WHERE o.amount > 0 GROUP BY c.email;
CREATE VIEW mart.top AS SELECT * FROM mart.spend ORDER BY total DESC LIMIT 10;
CREATE MATERIALIZED VIEW mart.both AS SELECT email FROM mart.top UNION ALL SELECT email_hash FROM mart.safe;
"""


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def carried_out(session: Session, command: Command[Any]) -> tuple[Any, list[EventDraft]]:
    work = UnitOfWork(session, system("catalog"), "catalog", datetime.now(UTC))
    result = service.carry_out(work, command)
    session.commit()
    return result, work.events


def view(path: str, definition: str | None, *names: str) -> AssetInfo:
    columns = tuple(ColumnInfo(name=n, ordinal=i, type="string", physical_type="text") for i, n in enumerate(names))
    return AssetInfo(path=path, kind="view" if definition else "table", columns=columns, definition=definition)


def inventory(session: Session, *assets: AssetInfo) -> None:
    carried_out(session, RecordInventory(source=SHOP, assets=assets, complete=True))


def estate(url: str) -> list[AssetInfo]:
    """Tables and views as PostgreSQL itself prints them."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(ESTATE)
        rows = connection.execute(
            "SELECT n.nspname || '.' || c.relname, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, "
            "array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE n.nspname IN ('public', 'mart') "
            "AND c.relkind IN ('r', 'v', 'm') GROUP BY 1, 2"
        ).fetchall()
    return [view(path, definition, *names) for path, definition, names in rows]


def arrows(found: LineageView) -> set[str]:
    return {
        f"{found.assets[e.from_asset]}.{e.from_column or '*'} > {found.assets[e.to_asset]}.{e.to_column or '*'} "
        f"{e.subtype}{' masked' if e.masking else ''}"
        for e in found.edges
    }


def test_views_of_a_real_database_give_all_their_columns(session: Session, empty_database_url: str) -> None:
    inventory(session, *estate(empty_database_url))
    receipt, events = carried_out(session, DeriveLineage(source_id="s1"))
    assert receipt.entries == 4
    assert [event.kind for event in events] == ["catalog.lineage_derived"]
    assert arrows(lineage(session, asset_id("s1", "mart.safe"), direction="up")) == {
        "public.customers.id > mart.safe.id IDENTITY",
        "public.customers.email > mart.safe.email_hash TRANSFORMATION masked",
        "public.customers.ssn > mart.safe.ssn TRANSFORMATION masked",
    }
    assert arrows(lineage(session, asset_id("s1", "mart.spend"), direction="up")) == {
        "public.customers.email > mart.spend.email IDENTITY",
        "public.orders.amount > mart.spend.total AGGREGATION",
        "public.orders.customer_id > mart.spend.* JOIN",
        "public.customers.id > mart.spend.* JOIN",
        "public.orders.amount > mart.spend.* FILTER",
        "public.customers.email > mart.spend.* GROUP_BY",
    }
    assert arrows(lineage(session, asset_id("s1", "mart.both"), 1, "up")) == {
        "mart.top.email > mart.both.email IDENTITY",
        "mart.safe.email_hash > mart.both.email IDENTITY",
    }
    assert all(edge.confidence == 1 for edge in lineage(session, asset_id("s1", "mart.both"), 9, "up").edges)


def test_the_walk_goes_up_or_down_as_deep_as_asked(session: Session) -> None:
    inventory(
        session,
        view("public.a", None, "x"),
        *(view(f"public.{name}", f"SELECT x FROM {origin}", "x") for origin, name in ("ab", "bc", "cd", "ae")),
    )
    carried_out(session, DeriveLineage(source_id="s1"))

    def met(start: str, way: Any, depth: int) -> set[str]:
        return {name[-1] for name in lineage(session, asset_id("s1", f"public.{start}"), depth, way).assets.values()}

    assert met("a", "down", 1) == {"a", "b", "e"}
    assert met("a", "down", 2) == {"a", "b", "c", "e"}
    assert met("a", "down", 20) == met("a", "both", 99) == set("abcde")
    assert met("a", "up", 5) == {"a"}
    assert met("d", "up", 2) == {"b", "c", "d"}
    assert met("b", "both", 5) == {"a", "b", "c", "d"}  # e has the same origin, but is neither above nor below
    with pytest.raises(NotFound):
        lineage(session, "nope")


def test_views_that_read_each_other_end_the_walk(session: Session) -> None:
    inventory(session, view("public.a", "SELECT x FROM b", "x"), view("public.b", "SELECT x FROM a", "x"))
    carried_out(session, DeriveLineage(source_id="s1"))
    assert len(lineage(session, asset_id("s1", "public.a"), 20).edges) == 2


def test_what_changed_is_written_and_the_past_is_kept(session: Session) -> None:
    base = view("public.t", None, "x", "y")
    inventory(session, base, view("public.v", "SELECT x AS c FROM t", "c"))
    carried_out(session, DeriveLineage(source_id="s1"))
    before = queries.digest(session, "s1")
    receipt, events = carried_out(session, DeriveLineage(source_id="s1"))
    assert (receipt.changed, events, queries.digest(session, "s1")) == (0, [], before)

    inventory(session, base, view("public.v", "SELECT y AS c FROM t", "c"))
    receipt, events = carried_out(session, DeriveLineage(source_id="s1"))
    assert (receipt.changed, len(events)) == (2, 1)
    assert arrows(lineage(session, asset_id("s1", "public.v"))) == {"public.t.y > public.v.c IDENTITY"}
    assert session.execute(select(func.count()).select_from(Edge)).scalar_one() == 2
    assert queries.digest(session, "s1") != before
    inventory(session, base)  # the view is gone, and its edges with it
    receipt, _ = carried_out(session, DeriveLineage(source_id="s1"))
    assert (receipt.changed, lineage(session, asset_id("s1", "public.t")).edges) == (1, ())


def test_what_cannot_be_resolved_is_an_edge_that_says_so(session: Session) -> None:
    inventory(
        session, view("public.v", "SELECT f.x FROM elsewhere.facts f", "x"), view("public.w", "SELEC ] FROM v", "x")
    )
    receipt, _ = carried_out(session, DeriveLineage(source_id="s1"))
    assert receipt.entries == 2
    found = lineage(session, asset_id("s1", "public.w"), 5, "up")
    assert sorted(found.assets.values()) == ["elsewhere.facts", "public.v", "public.w"]
    assert sorted(edge.confidence for edge in found.edges) == [0.3, 0.9]


def test_a_deep_walk_meets_its_neighbourhood_and_nothing_else(session: Session) -> None:
    inventory(session, view("public.t", None, "x"))
    root = asset_id("s1", "public.t")
    session.execute(
        text(
            "INSERT INTO catalog.edge (source_id, from_asset, from_name, from_column, to_asset, to_name, to_column, "
            "transformation, subtype, masking, confidence, origin, valid_from) SELECT 's2', 'n' || i, 'n' || i, 'c', "
            "CASE i / 3 WHEN 40 THEN :root ELSE 'n' || (i / 3) END, 'n' || (i / 3), 'c', 'DIRECT', 'IDENTITY', false, "
            "1, 'view', now() FROM generate_series(1, 50000) i"
        ),
        {"root": root},
    )
    assert len(lineage(session, root, 5, "up").edges) == 3 + 9 + 27 + 81 + 243
