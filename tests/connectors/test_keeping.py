"""Sessions that are kept between partitions: used again while they are well, and by nobody who should not."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from counting_proxy import CountingProxy
from source_targets import Bucket, Database

from cluster.connectors import keeping, network, split_url
from cluster.connectors.interface import Connector, SourceAccess
from cluster.connectors.keeping import sessions
from cluster.connectors.opening import opened
from cluster.connectors.pace import Pace, Pacer
from cluster.errors import SourceUnreadable
from cluster.security.secrets import seal


@pytest.fixture(autouse=True)
def _none_kept() -> Iterator[None]:
    sessions().close()
    yield
    sessions().close()


@pytest.fixture
def access(database: Database) -> SourceAccess:
    parts = split_url(database.url)
    return SourceAccess(source_id="s", url=parts.url, sealed=seal(parts.credential, "s"), keep=True)


def backend(access: SourceAccess, pacer: Pacer | None = None) -> int:
    """The server's process that serves the session."""
    with opened(access, pacer, "scan") as connector:
        return _backend(connector)


def _backend(connector: Connector) -> int:
    return int(connector._session.rows("SELECT pg_backend_pid() AS pid", [], "x")[0]["pid"])  # type: ignore[attr-defined]


def open_sessions(database: Database) -> set[int]:
    with psycopg.connect(database.url) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'sextant'").fetchall()
    return {pid for (pid,) in found}


def ended(database: Database, pid: int) -> bool:
    """Whether the server has ended the session: in its own time, but sooner than one that is idle is closed."""
    deadline = time.monotonic() + keeping.IDLE_SECONDS / 2
    while pid in open_sessions(database):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_session_serves_one_partition_after_the_other_and_one_reader_at_a_time(access: SourceAccess) -> None:
    first = backend(access)
    assert backend(access.model_copy(update={"fetch_rows": 7})) == first
    with opened(access, None, "scan") as one, opened(access, None, "scan") as two:
        assert _backend(one) == first
        assert _backend(two) != first


def test_none_is_kept_of_a_source_with_limits(access: SourceAccess, database: Database) -> None:
    assert ended(database, backend(access.model_copy(update={"keep": False})))
    assert ended(database, backend(access, Pacer(Pace(queries_per_second=1000))))


def test_one_is_closed_after_an_error(access: SourceAccess, database: Database) -> None:
    first = backend(access)

    def fail() -> None:
        with opened(access, None, "scan") as connector:
            assert _backend(connector) == first
            raise SourceUnreadable("x")

    with pytest.raises(SourceUnreadable):
        fail()
    assert ended(database, first)
    assert backend(access) != first


def test_another_credential_closes_what_the_one_before_opened(access: SourceAccess, database: Database) -> None:
    database.run("DROP ROLE IF EXISTS keeper", "CREATE ROLE keeper LOGIN PASSWORD 'k'")
    first = backend(access)
    rotated = access.model_copy(update={"sealed": seal({"username": "keeper", "password": "k"}, "s")})
    assert backend(rotated) != first
    assert ended(database, first)
    database.run("DROP ROLE keeper")


def test_another_source_has_a_session_of_its_own(access: SourceAccess, database: Database) -> None:
    first = backend(access)
    sealed = seal(split_url(database.url).credential, "another")
    assert backend(access.model_copy(update={"source_id": "another", "sealed": sealed})) != first
    assert backend(access) == first


def test_one_that_the_server_has_ended_or_that_is_old_is_not_used(
    access: SourceAccess, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend(access)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [first])
    second = backend(access)
    assert second != first
    monkeypatch.setattr(keeping, "OLDEST_SECONDS", 0.0)
    assert backend(access) != second
    assert ended(database, second)


@pytest.mark.parametrize("kind", ["database", "my_database"])
def test_one_whose_server_stands_still_is_not_waited_for(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "ANSWER_SECONDS", 0.2)
    server = urlsplit(request.getfixturevalue(kind).url)
    proxy = CountingProxy("127.0.0.1", server.port or 0, postgresql=kind == "database")
    with proxy.serving() as port:
        parts = split_url(server._replace(netloc=f"{server.netloc.rpartition(':')[0]}:{port}").geturl())
        access = SourceAccess(
            source_id="s", url=parts.url, options=parts.options | {"sslmode": "disable"},
            sealed=seal(parts.credential, "s"), keep=True,
        )  # fmt: skip
        with opened(access, None, "scan") as connector:
            assert connector.enumerate().complete
        assert sessions().take(access) is not None
        sessions().give(access, sessions().lend(access, connector))
        proxy.silent = True
        assert sessions().take(access) is None


def test_an_idle_one_is_closed(access: SourceAccess, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "IDLE_SECONDS", 0.2)
    first = backend(access)
    deadline = time.monotonic() + 20
    while first in open_sessions(database):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_is_opened_anew_and_a_store_is_kept(bucket: Bucket, tmp_path: object) -> None:
    parts = split_url(bucket.url())
    store = SourceAccess(
        source_id="b", url=parts.url, options=parts.options, sealed=seal(parts.credential, "b"), keep=True
    )
    folder = SourceAccess(source_id="f", url=f"file://{tmp_path}", keep=True)
    for access, same in ((store, True), (folder, False)):
        with opened(access, None, "scan") as one:
            pass
        with opened(access, None, "scan") as two:
            assert (one is two) is same
