"""A real instance under test: its command line, its API, its store, and its processes."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.catalog import queries as catalog
from actors.classification import queries as classification
from actors.compliance import queries as compliance
from actors.scans import queries as scans
from actors.scans.evidence import unpacked
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.ray_head import processes
from cluster.store.engine import make_engine
from serve.client import Sextant

PATIENCE = 180.0
Finished = subprocess.CompletedProcess[str]


def until(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `holds` returned once it was true."""
    deadline = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        time.sleep(0.1)
    return found


@dataclass
class Instance:
    """One instance in a home of its own.

    `outputs` keeps all that its command line ever printed; `prefix` is put before each command.
    """

    home: Path
    more: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    prefix: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SEXTANT_", "RAY_"))}
        own = {"SEXTANT_HOME": str(self.home), "SEXTANT_HTTP_PORT": "0", "SEXTANT_DASHBOARD_PORT": "0"}
        return inherited | own | self.more

    @property
    def mark(self) -> str:
        """What its processes carry in their environment."""
        return hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]

    def start(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """A command of `sextant` under way."""
        command = [*self.prefix, sys.executable, "-m", "serve.cli", *arguments]
        given = self.environment | {"COLUMNS": "200"} | (environment or {})
        return subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ended(self, command: subprocess.Popen[str], timeout: float = PATIENCE) -> Finished:
        """How a command ended."""
        try:
            printed, complained = command.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            command.kill()
            printed, complained = command.communicate()
            raise AssertionError(f"{command.args} did not end: {printed}\n{complained}") from None
        self.outputs += [printed, complained]
        return Finished(command.args, command.returncode, printed, complained)

    def cli(self, *arguments: str, check: bool = True, environment: dict[str, str] | None = None) -> Finished:
        """Runs a command of `sextant`; with `check` it has to succeed."""
        done = self.ended(self.start(*arguments, environment=environment))
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Its living processes of Ray whose command line holds the word."""
        found = []
        for process in processes(self.mark):
            try:
                if process.status() != psutil.STATUS_ZOMBIE and word in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home / "postgres")

    @property
    def token(self) -> str:
        return (self.home / "run" / "token").read_text().strip()

    @property
    def ports(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.home / "run" / "instance.json").read_text())["ports"]
        return found

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    def client(self) -> Sextant:
        return Sextant(self.url, self.token, patience=60)

    def http(self, method: str, path: str, *, token: str | None = "", **more: Any) -> httpx.Response:
        """One request under /api/v1, as the administrator unless another token is given."""
        secret = self.token if token == "" else token
        headers = ({"Authorization": f"Bearer {secret}"} if secret else {}) | more.pop("headers", {})
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **more)

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """Rows of its store."""
        conninfo = make_url(self.server.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    @contextmanager
    def session(self) -> Iterator[Session]:
        engine = make_engine(self.server.url)
        try:
            with Session(engine) as session:
                yield session
        finally:
            engine.dispose()

    def source_id(self, name: str) -> str:
        """The source in service that has this name."""
        with self.client() as sextant:
            return next(found.id for found in sextant.sources() if found.name == name and found.state != "retired")

    def workflows(self, name: str) -> list[Any]:
        """The workflows of the source of this name, the newest last."""
        source_id = self.source_id(name)
        found = self.http("GET", f"/workflows?source_id={source_id}&limit=100").json()["items"]
        return sorted(found, key=lambda one: one["requested_at"])

    def scan(self, workflow_id: str, phase: str = "scan") -> str:
        """The id of the scan that a phase of a workflow made."""
        with self.session() as session:
            found = scans.find_by_key(session, f"{workflow_id}:{phase}")
        assert found, f"the phase '{phase}' has not scanned"
        return found

    def digests(self, name: str) -> dict[str, str]:
        """What each group holds of a source, without ids and times."""
        source_id, workflow = self.source_id(name), self.workflows(name)[-1]["id"]
        scan_id = self.scan(workflow)
        with self.session() as session:
            return {
                "scan": scans.content_digest(session, scan_id),
                "classification": classification.digest(session, source_id),
                "catalog": catalog.digest(session, source_id),
                "compliance": compliance.digest(session, source_id),
            }

    def read(self, workflow_id: str) -> list[tuple[str, int]]:
        """(path, number) of the partitions that the workflow read, in either of its scans."""
        return self.rows(
            "SELECT a.path, p.number FROM scans.partition p JOIN scans.asset a USING (run_id, asset_id) "
            "JOIN scans.run r ON r.id = p.run_id "
            "WHERE split_part(r.key, ':', 1) = %s AND p.state IN ('done', 'failed')",
            workflow_id,
        )

    def peaks(self, name: str) -> list[float]:
        """The most memory, in MB, of each worker that read a part of a source."""
        source_id = self.source_id(name)
        statement = "SELECT content FROM scans.report JOIN sources.inventory i USING (asset_id) WHERE i.source_id = %s"
        return [unpacked(content).peak_rss_mb for (content,) in self.rows(statement, source_id)]
