"""A cluster with two sources to scan, and what tests want to know of the scans on it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import ray
from ray.cluster_utils import Cluster
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import ScanRules, ScanView, StartScan
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import SourceAccess
from cluster.context import new_id, system
from cluster.detectors.compile import RuleSetSpec, compile, load_detector_packs
from cluster.runtime.commands import Command
from cluster.runtime.doors import NAMESPACE, send
from cluster.security import credentials
from cluster.security.keyring import ring
from cluster.security.secrets import seal
from cluster.settings import settings
from cluster.store.engine import make_engine

ROWS = 12_000
PATIENCE = 120.0


class Site:
    """The running cluster with its store, and two sources of the same shape."""

    def __init__(
        self, store_url: str, sources: dict[str, tuple[SourceAccess, dict[str, str]]], cluster: Cluster
    ) -> None:
        self.engine, self.sources = make_engine(store_url), sources
        self._cluster = cluster
        self.rules = compile(RuleSetSpec(), load_detector_packs())

    def add_node(self) -> None:
        """A second node; the head's raylet cannot be killed without the driver that runs on it."""
        self._node = self._cluster.add_node(num_cpus=1, object_store_memory=100 << 20)

    def kill_raylet(self) -> None:
        """Kills the raylet of the second node, and with it all that runs there; another node takes its place."""
        self._cluster.remove_node(self._node, allow_graceful=False)
        self.add_node()

    @contextmanager
    def labelled(self, labels: dict[str, str]) -> Iterator[str]:
        """One more node for a while, with these labels; the process id of its raylet."""
        node = self._cluster.add_node(num_cpus=1, object_store_memory=100 << 20, labels=labels)
        try:
            yield str(node.all_processes["raylet"][0].process.pid)
        finally:
            self._cluster.remove_node(node)

    def send(self, command: Command[Any]) -> Any:
        return asyncio.run(send(command, system("test")))

    def start(self, *names: str) -> list[ScanView]:
        return [self._start(name) for name in names or self.sources]

    def _start(self, name: str) -> ScanView:
        access, credential = self.sources[name]
        connector = open_connector(access, credential)
        assets = connector.enumerate().assets
        connector.close()
        rules = ScanRules(name="default", version=1, digest=self.rules.digest, spec=self.rules.spec)
        view: ScanView = self.send(StartScan(key=new_id(), access=access, assets=assets, rules=rules))
        return view

    def view(self, scan: ScanView) -> ScanView:
        with Session(self.engine) as session:
            return queries.get_scan(session, scan.id)

    def done(self, scans: list[ScanView]) -> int:
        return sum(self.view(scan).partitions.get("done", 0) for scan in scans)

    def over(self, scans: list[ScanView]) -> bool:
        return all(self.view(scan).finished_at for scan in scans)

    def digests(self, scans: list[ScanView]) -> list[str]:
        with Session(self.engine) as session:
            return [queries.content_digest(session, scan.id) for scan in scans]

    def validated(self, scan: ScanView) -> dict[str, int]:
        """How many values each detector validated, as the folded evidence says, which the costs must repeat."""
        found: dict[str, int] = {}
        with Session(self.engine) as session:
            for asset in queries.evidence(session, scan.id):
                for evidence in (item for column in asset.columns for item in column.classes):
                    found[evidence.detector] = found.get(evidence.detector, 0) + evidence.validated
            costs = queries.costs(session, scan.id)
        assert found.items() <= {name: cost[2] for name, cost in costs.items()}.items()
        return found

    def attempts(self, scans: list[ScanView]) -> list[int]:
        with Session(self.engine) as session:
            return [part.attempts for scan in scans for part in queries.partitions(session, scan.id, limit=10_000)]

    def ended(self, scans: list[ScanView]) -> list[ScanView]:
        until(lambda: self.over(scans))
        return [self.view(scan) for scan in scans]

    def forget_reports(self) -> None:
        with Session(self.engine) as session, session.begin():
            session.execute(text("DELETE FROM scans.report"))

    def epoch(self) -> int:
        """The incarnation that the store knows, without asking the actor, which may be between two lives."""
        with Session(self.engine) as session:
            found = session.execute(text("SELECT epoch FROM ground.group_epoch WHERE \"group\" = 'scans'"))
            return int(found.scalar_one())

    def describe(self) -> dict[str, Any]:
        found: dict[str, Any] = ray.get(ray.get_actor("scans", NAMESPACE).describe.remote(), timeout=60)
        return found


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def line(number: int) -> tuple[int, str, str, str]:
    words = " ".join(f"{number * step % 9973:04d}" for step in (3, 7, 11, 13, 17))
    return number, f"person{number}@example.org", f"+49 30 {1_000_000 + number}", words


def folder(path: Path) -> SourceAccess:
    for part in range(2):
        rows = (",".join(map(str, line(number))) for number in range(part * ROWS // 2, (part + 1) * ROWS // 2))
        (path / f"people_{part}.csv").write_text("id,email,phone,note\n" + "\n".join(rows) + "\n")
    return SourceAccess(source_id=new_id(), url=split_url(str(path)).url)


def table(url: str) -> tuple[SourceAccess, dict[str, str]]:
    parts = make_url(url)
    with psycopg.connect(parts.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE TABLE people (id int PRIMARY KEY, email text, phone text, note text)")
        with connection.cursor().copy("COPY people FROM STDIN") as copy:
            for number in range(ROWS):
                copy.write_row(line(number))
        connection.commit()
    split = split_url(parts.set(drivername="postgresql").render_as_string(hide_password=False))
    source_id = new_id()
    sealed = seal(split.credential, source_id)
    access = SourceAccess(source_id=source_id, url=split.url, options=split.options, sealed=sealed)
    return access, split.credential


def forget() -> None:
    """Makes this process read its settings and its key anew: the workers do so, and must find the same."""
    settings.cache_clear()
    ring.cache_clear()


@contextmanager
def among_the_sources(site: Site, name: str, access: SourceAccess, credential: dict[str, str]) -> Iterator[None]:
    site.sources[name] = (access, credential)
    try:
        yield
    finally:
        del site.sources[name]


def keep(site: Site, source_id: str, credential: dict[str, str]) -> None:
    """As the sources group does when it is given a credential."""
    with Session(site.engine) as session, session.begin():
        credentials.put(session, source_id, credential, datetime.now(UTC))
