"""A source that tells of the statements that it ran, read from a real pg_stat_statements on each workflow."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from catalog_site import Site
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.catalog.contract import RecordInventory, SourceRef
from actors.orchestrator.handoffs_queries import CLOSED, HISTORY
from actors.orchestrator.steps import Settled, Way
from actors.scans.contract import Budget, SetBudget, Window
from actors.scans.service import service as scans_service
from actors.sources import queries as sources
from actors.sources.contract import RegisterSource
from actors.sources.service import service as sources_service
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.connectors.postgres.connector import PostgresConnector
from cluster.context import system
from cluster.naming import asset_id
from cluster.runtime.commands import UnitOfWork
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.postgres_programs import Programs
from cluster.security.secrets import unseal
from cluster.store.engine import make_engine

LIBRARIES = sorted(Path("/usr/lib/postgresql").glob("*/lib/pg_stat_statements.so"))
KEEPS = "shared_preload_libraries = 'pg_stat_statements'\n"
STATEMENTS = (
    "CREATE TABLE orders (id int, amount int, day date)", "CREATE TABLE sales (order_id int, total int)",
    "/* nightly */ INSERT INTO sales SELECT id, amount * 2 FROM orders WHERE amount > 100",
    "SELECT count(*) FROM orders", "CREATE EXTENSION pg_stat_statements", "CREATE ROLE reads LOGIN PASSWORD 'pw'",
    "GRANT pg_read_all_data TO reads",
)  # fmt: skip


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that keeps its history, and has run some statements."""
    if not LIBRARIES:
        pytest.skip("needs a PostgreSQL with its contrib modules: Debian's `postgresql`")
    folder = LIBRARIES[-1].parents[1]
    server = EmbeddedPostgres(tmp_path_factory.mktemp("keeping"), durable=False, configuration=KEEPS)
    server.__dict__["_programs"] = Programs(folder / "bin", int(folder.name))  # the wheel's has no contrib modules
    server.start()
    try:
        url = server.ensure_database("shop").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in STATEMENTS:
                connection.execute(statement.encode())
        yield url
    finally:
        server.stop()


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


async def at_once(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    """Does in this process what a worker would."""
    return function(*arguments)


def governed(site: Site, url: str, user: str, password: str, **options: str) -> tuple[str, Settled | None]:
    """The step of a workflow over the source; its id, and how the step ended."""
    where = make_url(url).set(username=user, password=password, query={"sslmode": "disable"})
    command = RegisterSource(url=SecretStr(where.render_as_string(hide_password=False)), options=options)
    work = UnitOfWork(site.session, system("sources"), "sources", datetime.now(UTC))
    source = sources_service.carry_out(work, command)
    site.session.commit()
    access = sources.access(site.session, source.id)
    connector = open_connector(access, unseal(access.sealed, source.id))
    assets = tuple(connector.enumerate().assets)
    connector.close()
    reference = SourceRef(id=source.id, name=source.name, kind="postgresql", namespace="postgres://shop:5432")
    site.do(RecordInventory(source=reference, assets=assets, complete=True))
    way, results = Way("w", source.id, "default", "enrich"), []
    for asked in HISTORY.commands(site.session, way):
        assert HISTORY.inquiry is not None
        found = asyncio.run(HISTORY.inquiry.work(HISTORY.inquiry.given(site.session, asked), at_once))
        told, figures = HISTORY.inquiry.applied(asked, found)
        results += [figures, site.do(told)]
    return source.id, HISTORY.settled(site.session, way, results)


def filled(site: Site, source: str) -> set[tuple[str | None, str | None, str, str]]:
    edges = catalog.lineage(site.session, asset_id(source, "public.sales"), direction="up").edges
    return {(edge.from_column, edge.to_column, edge.subtype, edge.origin) for edge in edges}


def test_a_source_that_allows_it_tells_what_it_ran(site: Site, keeping: str) -> None:
    owner = make_url(keeping)
    source, settled = governed(site, keeping, str(owner.username), str(owner.password), query_history="true")
    assert settled is not None
    assert (settled.state, settled.counters["query_edges"], settled.problem) == ("succeeded", 3, None)
    assert filled(site, source) == {
        ("id", "order_id", "IDENTITY", "query"), ("amount", "total", "TRANSFORMATION", "query"),
        ("amount", None, "FILTER", "query"),
    }  # fmt: skip
    tomorrow = (datetime.now(UTC).weekday() + 2) % 7
    closed = Budget(windows=(Window(days=(tomorrow,), start=time(0), end=time(0)),))
    work = UnitOfWork(site.session, system("scans"), "scans", datetime.now(UTC))
    scans_service.carry_out(work, SetBudget(source_id=source, content=closed))
    way = Way("w", source, "default", "enrich")
    assert list(HISTORY.commands(site.session, way)) == [], "nothing is read while the budget allows none"
    assert HISTORY.settled(site.session, way, []) == Settled("partial", problem=CLOSED)


def test_what_fills_no_table_stays_where_it_is_with_its_passwords(keeping: str) -> None:
    owner = make_url(keeping)
    where = f"postgresql://{owner.host}:{owner.port}/{owner.database}"
    access = SourceAccess(source_id="s", url=where, options={"sslmode": "disable"})
    connector = open_connector(access, {"username": str(owner.username), "password": str(owner.password)})
    with closing(connector):
        assert isinstance(connector, PostgresConnector)
        ran = connector.history().queries
    assert any("INSERT INTO sales" in statement for statement in ran)
    assert any(statement.startswith("CREATE TABLE orders") for statement in ran)
    assert not any("ROLE" in statement or "EXTENSION" in statement for statement in ran)


def test_a_source_that_does_not_allow_it_is_not_asked(site: Site, keeping: str) -> None:
    owner = make_url(keeping)
    source, settled = governed(site, keeping, str(owner.username), str(owner.password))
    assert settled == Settled()
    assert filled(site, source) == set()


def test_who_may_not_read_it_is_told_what_to_grant(site: Site, keeping: str) -> None:
    source, settled = governed(site, keeping, "reads", "pw", query_history="true")
    assert settled is not None
    assert settled.state == "partial"
    assert settled.problem is not None
    assert "pg_read_all_stats" in settled.problem
    assert filled(site, source) == set()


def test_a_database_that_keeps_none_is_named(site: Site, empty_database_url: str) -> None:
    plain = make_url(empty_database_url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("CREATE TABLE sales (order_id int)")
    url = plain.render_as_string(hide_password=False)
    _, settled = governed(site, url, str(plain.username), str(plain.password), query_history="true")
    assert settled is not None
    assert settled.state == "partial"
    assert settled.problem is not None
    assert settled.problem.startswith("The database keeps no query history")
