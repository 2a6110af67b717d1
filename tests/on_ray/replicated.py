"""A real PostgreSQL with a real streaming replica, for tests of endpoints."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from sqlalchemy.engine import make_url

from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.postgres_programs import find_programs
from cluster.runtime.unprivileged import account

_SERVED = "wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\n"


class Pair:
    """The two servers. Their one user and password are the same."""

    def __init__(self, folder: Path) -> None:
        self.primary = EmbeddedPostgres(folder / "primary", durable=False, configuration=_SERVED)
        self.primary.start()
        parts = make_url(self.primary.url)
        data = folder / "replica" / "data"
        data.parent.mkdir(mode=0o700)
        subprocess.run(
            [
                find_programs(None).folder / "pg_basebackup", "-h", "127.0.0.1", "-p", str(parts.port), "-U",
                str(parts.username), "-D", str(data), "-X", "stream", "-c", "fast",
            ],
            env={**os.environ, "PGPASSWORD": str(parts.password)}, check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        (data / "standby.signal").touch()
        (data / "postmaster.pid").unlink(missing_ok=True)
        shutil.copy(folder / "primary" / "password", folder / "replica" / "password")
        data.chmod(0o700)
        if os.geteuid() == 0:
            for path in (data, *data.rglob("*")):
                os.chown(path, *account("nobody"))
        origin = f"host=127.0.0.1 port={parts.port} user={parts.username} password={parts.password}"
        self.replica = EmbeddedPostgres(
            folder / "replica", durable=False, configuration=f"{_SERVED}primary_conninfo = '{origin}'\n"
        )
        self.replica.start()

    def kill_replica(self) -> None:
        """Kills every process of the replica at once, as a lost machine would."""
        pid = self.replica.pid()
        assert pid is not None
        server = psutil.Process(pid)
        for process in (server, *server.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def caught_up(self, database: str) -> None:
        """Waits until the replica has replayed all that the primary has written."""
        with psycopg.connect(self.url(self.primary, database), autocommit=True) as connection:
            row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(psycopg.Error), psycopg.connect(self.url(self.replica, database)) as connection:
                done = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone()
                if done and done[0]:
                    return
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.05)

    def sessions(self, server: EmbeddedPostgres, database: str) -> int:
        """How many sessions this database of a server has had."""
        with psycopg.connect(self.url(server, "postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", [database]).fetchone()
        return int(row[0]) if row else 0

    @staticmethod
    def url(server: EmbeddedPostgres, database: str) -> str:
        """The URL of a database, with user and password."""
        parts = make_url(server.url).set(drivername="postgresql", database=database)
        return parts.render_as_string(hide_password=False)


@contextmanager
def replicated(folder: Path) -> Iterator[Pair]:
    """A running pair; nothing of it is left afterwards."""
    pair = Pair(folder)
    try:
        yield pair
    finally:
        pair.replica.stop()
        pair.primary.stop()
