"""A MariaDB server of the tests' own, started from the distribution's packages, and databases in it.

Without them what needs it is skipped, saying so; where REQUIRE_SERVICES is set, as in .ci/run, it fails instead.
"""

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

ABSENT = "mariadbd is not on this machine: install the package mariadb-server to run what needs it"
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@dataclass
class MariaDb:
    """A running server; `root` may do anything."""

    port: int

    def run(self, *statements: str, database: str | None = None) -> list[Any]:
        """Runs statements as root, and gives the rows of the last."""
        with closing(
            pymysql.connect(
                host="127.0.0.1", port=self.port, user="root", password="root", database=database, charset="utf8mb4"
            )
        ) as connection:
            connection.autocommit(True)
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())


@dataclass
class MyDatabase:
    """A database of the test's own, and an account that may read it."""

    server: MariaDb
    name: str
    options: str = ""

    @property
    def url(self) -> str:
        return self.as_user("reader", "re@d")

    def as_user(self, user: str, password: str, **changed: Any) -> str:
        port, name = changed.get("port", self.server.port), changed.get("name", self.name)
        return f"mariadb://{user}:{password}@127.0.0.1:{port}/{name}"

    def run(self, *statements: str) -> list[Any]:
        return self.server.run(*statements, database=self.name)

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        with closing(
            pymysql.connect(
                host="127.0.0.1", port=self.server.port, user="root", password="root", database=self.name,
                charset="utf8mb4", autocommit=False,
            )
        ) as connection:  # fmt: skip
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
            connection.commit()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    server, install = (shutil.which(name, path=PLACES) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or install is None:
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    place = tmp_path_factory.mktemp("mariadb")
    yield from _running(server, install, place)


def _running(server: str, install: str, place: Path) -> Iterator[MariaDb]:
    data, user = place / "data", []
    if os.geteuid() == 0:  # mariadbd refuses to be root without being told
        user = ["--user=root"]
    made = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *user]
    subprocess.run([*made, "--skip-test-db"], check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={place}/s",
        f"--pid-file={place}/pid", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
        "--skip-log-bin", "--performance-schema=OFF", "--skip-name-resolve",
    ]  # fmt: skip
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([server, "--no-defaults", *options, *user], stdout=log, stderr=log)
    try:
        _await(process, place / "s", place / "log")
        _set_up(place / "s")
        yield MariaDb(port)
    finally:
        process.terminate()
        process.wait(30)


def _await(process: "subprocess.Popen[bytes]", place: Path, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            pymysql.connect(unix_socket=str(place), user="root").close()
        except pymysql.MySQLError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"MariaDB did not start: {log.read_text(errors='replace')[-2000:]}")


def _set_up(place: Path) -> None:
    with (
        closing(pymysql.connect(unix_socket=str(place), user="root", autocommit=True)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY 'root'")
        cursor.execute("GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION")
        cursor.execute("CREATE USER reader IDENTIFIED BY 're@d'")


@pytest.fixture
def my_database(mariadb: MariaDb) -> Iterator[MyDatabase]:
    yield from new_my_database(mariadb)


def new_my_database(mariadb: MariaDb) -> Iterator[MyDatabase]:
    """A database that is dropped afterwards."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    mariadb.run(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"GRANT SELECT, SHOW VIEW ON {name}.* TO reader",
    )
    yield MyDatabase(mariadb, name)
    mariadb.run(f"DROP DATABASE {name}", f"REVOKE SELECT, SHOW VIEW ON {name}.* FROM reader")
