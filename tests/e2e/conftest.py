"""One real instance for all end-to-end tests: `sextant up` in a folder of its own, ports of its own, and the demo estate."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from cluster.runtime.postgres import EmbeddedPostgres
from serve.client import Client
from serve.demo.estate import build_database, build_files

ROWS = 60_000


@dataclass(frozen=True)
class Instance:
    """A running Sextant: how to call its command line, its API and its store."""

    home: Path
    environment: dict[str, str]
    store_url: str
    estate_url: str
    files: Path

    def cli(self, *arguments: str, check: bool = True, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serve.cli", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=timeout)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def client(self) -> Client:
        record = json.loads((self.home / "run" / "instance.json").read_text())
        token = (self.home / "run" / "token").read_text().strip()
        return Client(f"http://127.0.0.1:{record['ports']['http']}", token)

    def query(self, statement: str, *parameters: Any) -> list[Any]:
        conninfo = make_url(self.store_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            return connection.execute(statement, parameters or None).fetchall()  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    home = tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SEXTANT_", "RAY_"))}
    environment |= {
        "SEXTANT_HOME": str(home),
        "SEXTANT_HTTP_PORT": "0",
        "SEXTANT_DASHBOARD_PORT": "0",
        "SEXTANT_PARTITION_BYTES": str(1 << 20),
        "SEXTANT_LEASE_SECONDS": "6",
    }
    subprocess.run([sys.executable, "-m", "serve.cli", "up"], env=environment, check=True, timeout=240)
    try:
        server = EmbeddedPostgres(home / "postgres")
        estate = server.ensure_database("estate")
        build_database(estate, rows=ROWS)
        files = tmp_path_factory.mktemp("estate")
        build_files(files)
        yield Instance(home, environment, server.url, estate.replace("postgresql+psycopg", "postgresql"), files)
    finally:
        subprocess.run([sys.executable, "-m", "serve.cli", "down"], env=environment, check=True, timeout=120)
