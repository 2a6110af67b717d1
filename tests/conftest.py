"""What all tests share: a clean environment, and one real PostgreSQL of which each test gets a database of its own."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from xdist.scheduler import LoadFileScheduling

from cluster.runtime.postgres import EmbeddedPostgres

MEMORY = Path("/dev/shm")
ROOM = 6 << 30

for name in [name for name in os.environ if name.startswith("SEXTANT_")]:
    del os.environ[name]  # the settings of whoever runs the tests must not reach them


class FilesAndRay(LoadFileScheduling):
    """Shares the tests between processes (`make test`): a file stays together, and so do all that start Ray."""

    def _split_scope(self, nodeid: str) -> str:
        return "ray" if _starts_ray(nodeid) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndRay:
    return FilesAndRay(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those that start Ray first: one process does them, the longest, and the other all else meanwhile."""
    items.sort(key=lambda item: not _starts_ray(item.nodeid))


def _starts_ray(nodeid: str) -> bool:
    return nodeid.startswith(("tests/e2e/", "tests/on_ray/"))


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of the tests' own, so that no key or token of a real installation is touched."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SEXTANT_HOME", str(tmp_path_factory.mktemp("home")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A real server for the whole session; it forgoes what only a power cut would need.

    It lies in memory where there is room: hundreds of databases come and go, of a thousand files each, and on a disk
    the file system would take as long as the tests.
    """
    with tempfile.TemporaryDirectory(prefix="sextant-tests-", dir=MEMORY if _roomy() else None) as folder:
        os.chmod(folder, 0o755)  # the account that PostgreSQL runs as has to pass
        server = EmbeddedPostgres(Path(folder) / "pg", durable=False)
        server.start()
        yield server
        server.stop()


def _roomy() -> bool:
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM


@pytest.fixture(scope="session")
def template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with all tables, to clone."""
    from cluster.store.migrate import upgrade

    upgrade(postgres_server.ensure_database("template_sextant"))
    return "template_sextant"


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """SQLAlchemy's URL of a database with nothing in it."""
    yield from new_database(postgres_server, "template1")


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """SQLAlchemy's URL of a database with all of Sextant's tables and no rows."""
    yield from new_database(postgres_server, template)


def new_database(server: EmbeddedPostgres, origin: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = make_url(server.url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(origin)
        )
        connection.execute(create)
        yield make_url(server.url).set(database=name).render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
