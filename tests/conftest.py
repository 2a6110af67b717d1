"""What all tests share: a clean environment, and one real PostgreSQL of which each test gets a database of its own."""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from cluster.runtime.postgres import EmbeddedPostgres

for name in [name for name in os.environ if name.startswith("SEXTANT_")]:
    del os.environ[name]  # the settings of whoever runs the tests must not reach them


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets two processes share the tests (`make test`): a file stays together, and so do all that start Ray.

    There is one Ray cluster at a time on a machine, and those tests, the longest, come first, so that the others fill the
    other process beside them.
    """
    items.sort(key=lambda item: not _starts_ray(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("ray" if _starts_ray(item) else item.path.stem))


def _starts_ray(item: pytest.Item) -> bool:
    return item.path.parent.name in ("e2e", "on_ray")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of the tests' own, so that no key or token of a real installation is touched."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SEXTANT_HOME", str(tmp_path_factory.mktemp("home")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A real server for the whole session; it forgoes what only a power cut would need."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with all tables, to clone."""
    from cluster.store.migrate import upgrade

    upgrade(postgres_server.ensure_database("template_sextant"))
    return "template_sextant"


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """SQLAlchemy's URL of a database with nothing in it."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """SQLAlchemy's URL of a database with all of Sextant's tables and no rows."""
    yield from _database(postgres_server, template)


def _database(server: EmbeddedPostgres, origin: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = make_url(server.url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(origin))
        connection.execute(create)
        yield make_url(server.url).set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
