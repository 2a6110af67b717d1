"""One real instance for all end-to-end tests: `sextant up` in a folder of its own, ports of its own, and an estate."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sextant_estate import PASSWORD, ROWS, SETTINGS, Estate
from sextant_instance import Instance

from cluster.runtime.postgres import EmbeddedPostgres
from serve.demo.estate import build_database, build_files


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    made = Instance(tmp_path_factory.mktemp("home"), dict(SETTINGS))
    try:
        made.cli("up")
        yield made
    finally:
        made.cli("down")


@pytest.fixture(scope="session")
def estate(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The demo estate, small, on a server of its own, so that Sextant's own can be killed."""
    # Its URL as a person would write it, without what only the embedded server adds.
    owner = postgres_server.ensure_database("estate").replace("+psycopg", "").partition("?")[0]
    build_database(owner, rows=ROWS)
    files = tmp_path_factory.mktemp("estate")
    build_files(files, rows=ROWS)
    with psycopg.connect(owner, autocommit=True) as connection:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier("steward_reader"), PASSWORD)
        connection.execute(create)
        connection.execute("GRANT pg_read_all_data TO steward_reader")
    return Estate(owner, f"postgresql://127.0.0.1:{postgres_server.port}/estate", files)


@pytest.fixture(scope="session")
def governed(instance: Instance, estate: Estate) -> dict[str, tuple[str, ...]]:
    """Database (`shop`) and files (`files`) governed once; what the command line printed for each."""
    shop = estate.govern(instance)
    files = instance.cli("govern", str(estate.files), "--name", "files").stdout.splitlines()
    return {"shop": shop, "files": tuple(files)}
