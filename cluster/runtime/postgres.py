"""A real PostgreSQL that belongs to the instance: made with initdb, run with pg_ctl, all of it in one data folder.

The server listens on 127.0.0.1 only, asks for a password (SCRAM), and outlives the process that started it. A server
is known by its data folder alone: whatever was killed, `start` repairs it and `stop` leaves no process.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from zlib import crc32

import psutil
import psycopg
from psycopg import sql

from cluster.errors import ConfigurationError, Unavailable
from cluster.runtime.ports import choose, is_free
from cluster.runtime.postgres_programs import Programs, find_programs
from cluster.runtime.unprivileged import account, dropping_root

USER = "sextant"
# Small, since it shares two cores and 4 GB with Ray. The log shows no statement, parameter or detail: they hold values.
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 120
shared_buffers = 48MB
max_wal_size = 512MB
min_wal_size = 64MB
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
jit = off
max_worker_processes = 4
max_parallel_workers_per_gather = 1
autovacuum_max_workers = 2
tcp_keepalives_idle = 10
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
"""


class EmbeddedPostgres:
    """One server with its data folder. `port` 0 means a free one, which is then kept beside the data.

    `user` is whom it runs as when root starts it. Without `durable` it forgoes what only a power cut would need.
    `configuration` are more lines of its settings.
    """

    def __init__(
        self, folder: Path, port: int = 0, user: str = "nobody", *, durable: bool = True, configuration: str = ""
    ) -> None:
        self._folder, self._wanted_port, self._user, self._durable = folder, port, user, durable
        self._more = configuration
        self._data = folder / "data"

    @property
    def port(self) -> int:
        """The port it was started on last. Raises Unavailable if it never was."""
        try:
            return int((self._folder / "port").read_text())
        except (OSError, ValueError):
            raise Unavailable(f"No PostgreSQL was started in {self._folder}.", "Run `sextant up`.") from None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the database `sextant`."""
        return self._url(USER)

    def start(self) -> None:
        """Makes and starts the server, or finds it running. Raises ConfigurationError or Unavailable saying why not."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._data / "PG_VERSION").exists():
            self._create()
        if not self.running():
            self._clear()
            self._launch()
        self.ensure_database(USER)

    def stop(self) -> None:
        """Stops the server and waits for it; does nothing if it does not run."""
        if self.running():
            self._control("stop", "-m", "fast", "-w", "-t", "60")
        self._clear()

    def running(self) -> bool:
        """Whether the server of this data folder lives."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """The process number of the server, None if it does not run.

        After a restart of the machine the number in its file may be another program's, so the process is looked at.
        """
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if self._owns(pid) else None

    def ensure_database(self, name: str) -> str:
        """Makes the database if it is not there and returns its URL."""
        conninfo = self._url("postgres").replace("+psycopg", "")
        try:
            with psycopg.connect(conninfo, connect_timeout=10, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.Error as error:
            raise Unavailable(
                f"The embedded PostgreSQL does not answer ({type(error).__name__}).", self._log_hint()
            ) from None
        return self._url(name)

    @cached_property
    def _programs(self) -> Programs:
        try:
            made_by = int((self._data / "PG_VERSION").read_text())
        except (OSError, ValueError):
            made_by = None
        return find_programs(made_by)

    @cached_property
    def _account(self) -> tuple[int, int] | None:
        return account(self._user) if os.geteuid() == 0 else None

    def _create(self) -> None:
        """Makes the data folder under another name first: what initdb has not finished must not look finished."""
        draft, password = self._folder / "data.new", self._folder / "initdb.pw"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _write(password, self._password())  # of its own, since initdb runs as another user and has to read it
        try:
            for path in (draft, password) if self._account else ():
                os.chown(path, *(self._account or ()))
            options = ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", f"--pwfile={password}", "--locale=C"]
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self._programs.major >= 17 else []
            options += [] if self._durable else ["--no-sync"]
            done = self._run("initdb", "-D", str(draft), *options)
        finally:
            password.unlink(missing_ok=True)
        if done.returncode:
            raise ConfigurationError(
                f"PostgreSQL could not be set up: {_last_line(done)}", "Check the folder and its disk."
            )
        draft.rename(self._data)

    def _launch(self) -> None:
        for _ in range(3):
            port = self._configure()
            done = self._run("pg_ctl", "start", "-D", str(self._data), "-w", "-t", "60", "-l", self._log())
            if done.returncode == 0:
                return
            if is_free(port):  # otherwise somebody was faster, and another port is tried
                break
        raise Unavailable(f"PostgreSQL did not start: {_last_line(done)}", self._log_hint())

    def _configure(self) -> int:
        try:
            kept = {"postgres": self.port}
        except Unavailable:
            kept = {}
        port = choose({"postgres": self._wanted_port}, kept, crc32(str(self._folder).encode()))["postgres"]
        lines = f"{_CONFIGURATION}port = {port}\n"
        lines += "" if self._durable else "fsync = off\nfull_page_writes = off\n"
        lines += self._more
        lines += "io_method = sync\n" if self._programs.major >= 18 else ""  # three processes less
        _write(self._data / "postgresql.auto.conf", lines)
        _write(self._folder / "port", str(port))
        return port

    def _control(self, action: str, *options: str) -> None:
        done = self._run("pg_ctl", action, "-D", str(self._data), *options)
        if done.returncode:
            raise Unavailable(f"PostgreSQL did not {action}: {_last_line(done)}", self._log_hint())

    def _clear(self) -> None:
        """Ends what a killed server left behind, which would keep a new one from starting."""
        left = [process for process in psutil.process_iter() if self._owns(process.pid)]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _owns(self, pid: int) -> bool:
        """Whether the process works in the data folder, as all processes of its server do and no other."""
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self._data.resolve())
        except psutil.Error:
            return False

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        needed = [self._programs.folder / "postgres", self._folder / "data"]
        try:
            return subprocess.run(
                [str(self._programs.folder / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                preexec_fn=dropping_root(*self._account, needed) if self._account else None,
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            raise ConfigurationError(
                f"PostgreSQL's '{program}' cannot be run as the user '{self._user}'.",
                "Set SEXTANT_HOME to a folder that this user can enter, or SEXTANT_POSTGRES_USER to another user.",
            ) from None

    def _password(self) -> str:
        """The password of the server's one role, made on first use."""
        path = self._folder / "password"
        if not path.exists():
            draft = self._folder / "password.new"
            _write(draft, secrets.token_urlsafe(24))
            draft.rename(path)
        return path.read_text().strip()

    def _url(self, database: str) -> str:
        # Over the loopback there is no TLS, whatever PGSSLMODE in the environment asks of other servers.
        return f"postgresql+psycopg://{USER}:{self._password()}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def _log(self) -> str:
        return str(self._data / "server.log")

    def _log_hint(self) -> str:
        return f"See {self._log()}."


def _write(path: Path, text: str) -> None:
    """Writes a file that only its owner reads; never through a link, which the server's user could have laid."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"
