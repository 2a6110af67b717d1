"""The embedded server: private, bound to nobody's life but its own, and repaired by `start` whatever was killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from cluster.errors import ConfigurationError, Unavailable
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.postgres_programs import Programs, find_programs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """One data folder for all tests; each finds its server running."""
    made = EmbeddedPostgres(folder, durable=False)
    made.start()
    yield made
    made.stop()


def ask(server: EmbeddedPostgres, statement: str, **more: Any) -> Any:
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True, **more) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def of_its_folder(folder: Path) -> set[int]:
    """The processes that work in the data folder."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder / "data") and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def test_starting_again_finds_the_same_server(server: EmbeddedPostgres, folder: Path) -> None:
    pid, url = server.pid(), server.url
    again = EmbeddedPostgres(folder, durable=False)
    again.start()
    assert (again.pid(), again.url) == (pid, url)


def test_it_listens_on_the_loopback_alone_and_asks_for_the_password(server: EmbeddedPostgres, folder: Path) -> None:
    pid = server.pid()
    assert pid
    addresses = {c.laddr for c in psutil.Process(pid).net_connections("all") if c.status == psutil.CONN_LISTEN}
    assert addresses == {("127.0.0.1", server.port)}
    with pytest.raises(psycopg.OperationalError):
        ask(server, "SELECT 1", password="another")
    with pytest.raises(psycopg.OperationalError):
        ask(server, "SELECT 1", password="")
    assert (folder / "password").stat().st_mode & 0o077 == 0
    assert ask(server, "SELECT 1", user="sextant") == (1,)


def test_it_does_not_run_as_root_and_changes_no_folder_but_its_own(server: EmbeddedPostgres, folder: Path) -> None:
    pid = server.pid()
    assert pid
    assert 0 not in psutil.Process(pid).uids()
    for above in (folder, folder.parent, folder.parent.parent):
        assert above.stat().st_uid == os.geteuid()
        assert above.stat().st_mode & 0o077 == 0


def test_it_survives_who_started_it_and_inherits_none_of_its_files(server: EmbeddedPostgres, folder: Path) -> None:
    server.stop()
    secret = folder.parent / "of_the_starter"
    program = (
        "import os, signal, sys; from pathlib import Path; from cluster.runtime.postgres import EmbeddedPostgres\n"
        "os.set_inheritable(os.open(sys.argv[2], os.O_RDWR | os.O_CREAT), True)\n"
        "EmbeddedPostgres(Path(sys.argv[1]), durable=False).start(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # Its output is read to the end, which would not come if the server held it open.
    command = [sys.executable, "-c", program, str(folder), str(secret)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = server.pid()
    assert pid
    assert str(secret) not in {os.path.realpath(fd) for fd in Path(f"/proc/{pid}/fd").glob("*")}
    assert ask(server, "SELECT 1") == (1,)


def test_what_was_committed_survives_the_kill_of_a_server_at_work(server: EmbeddedPostgres, folder: Path) -> None:
    """A backend that computes does not notice that its server is gone, and keeps a new one from starting."""
    ask(server, "CREATE TABLE IF NOT EXISTS kept (n int)")
    ask(server, "INSERT INTO kept VALUES (7)")

    def compute() -> None:
        with pytest.raises(psycopg.OperationalError):
            ask(server, "SELECT max(length(repeat(n::text, 9))) FROM generate_series(1, 4000000000) n")

    client = threading.Thread(target=compute)
    client.start()
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series%'"
    while ask(server, busy)[0] < 2:  # this question is one of them
        pass
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while server.running():
        pass
    assert of_its_folder(folder)
    server.start()
    assert ask(server, "SELECT n FROM kept") == (7,)
    client.join()


def test_a_stale_number_of_another_program_is_not_taken_for_the_server(server: EmbeddedPostgres, folder: Path) -> None:
    """As after a restart of a container, where numbers come again."""
    notes = (folder / "data" / "postmaster.pid").read_text().splitlines()
    server.stop()
    (folder / "data" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *notes[1:]]))
    assert not server.running()
    server.stop()
    server.start()
    assert ask(server, "SELECT 1") == (1,)


def test_stop_leaves_no_process_and_can_be_repeated(server: EmbeddedPostgres, folder: Path) -> None:
    assert of_its_folder(folder)
    EmbeddedPostgres(folder).stop()
    assert not of_its_folder(folder)
    assert not server.running()
    server.stop()


def test_another_port_is_taken_if_its_own_is_in_use(server: EmbeddedPostgres) -> None:
    earlier = server.port
    server.stop()
    with socket.create_server(("127.0.0.1", earlier)):
        server.start()
    assert server.port != earlier
    assert ask(server, "SELECT 1") == (1,)


def test_a_port_that_was_asked_for_is_not_replaced(server: EmbeddedPostgres, folder: Path) -> None:
    server.stop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"{taken} is in use.*SEXTANT_POSTGRES_PORT"):
            EmbeddedPostgres(folder, taken, durable=False).start()
    assert not server.running()


def test_a_demand_for_tls_in_the_environment_is_not_meant_for_it(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    assert ask(server, "SELECT 1") == (1,)
    assert server.ensure_database("more").endswith("/more?sslmode=disable")


def test_its_log_shows_no_value(server: EmbeddedPostgres, folder: Path) -> None:
    ask(server, "CREATE TABLE IF NOT EXISTS unique_ones (value text PRIMARY KEY)")
    for _ in range(2):
        try:
            ask(server, "INSERT INTO unique_ones VALUES ('a-secret-value')")
        except psycopg.errors.UniqueViolation:
            break
    log = (folder / "data" / "server.log").read_text()
    assert "duplicate key value" in log
    assert "a-secret-value" not in log


def test_an_interrupted_set_up_is_made_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    draft = tmp_path / "data.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    (tmp_path / "password.new").write_text("")
    try:
        server.start()
        assert ask(server, "SELECT 1") == (1,)
    finally:
        server.stop()


def test_data_stays_with_the_version_that_made_it(tmp_path: Path) -> None:
    """The wheel holds the programs of an older version too."""
    older = find_programs(16)
    first = EmbeddedPostgres(tmp_path, durable=False)
    first.__dict__["_programs"] = older
    second = EmbeddedPostgres(tmp_path, durable=False)
    try:
        first.start()
        first.stop()
        second.start()
        assert ask(second, "SHOW server_version")[0].startswith("16.")
        assert find_programs().major > 16
    finally:
        second.stop()


def test_programs_that_are_not_there_are_named() -> None:
    with pytest.raises(ConfigurationError, match="version 9, which made the data folder"):
        find_programs(9)


def test_a_folder_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    assert not server.running()
    server.stop()
    with pytest.raises(Unavailable, match="sextant up"):
        _ = server.url


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hide folders from the user that it becomes")
def test_programs_where_only_root_may_look_are_run_all_the_same(tmp_path: Path) -> None:
    programs = find_programs()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    package = programs.folder.parent.parent
    (hidden / package.name).mkdir()
    for copied in (programs.folder.parent, package.with_name(f"{package.name}.libs")):
        if copied.exists():
            shutil.copytree(copied, hidden / copied.relative_to(package.parent), symlinks=True)
    server = EmbeddedPostgres(hidden / "home", durable=False)
    folder = hidden / programs.folder.relative_to(package.parent)
    server.__dict__["_programs"] = Programs(folder, programs.major)
    try:
        server.start()
        assert ask(server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == (True,)
    finally:
        server.stop()
    assert hidden.stat().st_mode & 0o777 == 0o700
