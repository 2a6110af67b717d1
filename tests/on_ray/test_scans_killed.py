"""Scans on a real cluster: whatever is killed on the way, the result is that of an undisturbed run."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import ray
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.actor import ScansActor
from actors.scans.contract import CancelScan, ScanRules, ScanView, StartScan
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import SourceAccess
from cluster.context import new_id, system
from cluster.detectors.compile import RuleSetSpec, compile, load_detector_packs
from cluster.errors import Conflict
from cluster.runtime.commands import Command
from cluster.runtime.doors import NAMESPACE, ensure_actor, send
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.security.secrets import master_key, seal
from cluster.settings import settings
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade

pytestmark = pytest.mark.ray

ROWS = 12_000
PATIENCE = 120.0


class Site:
    """The running cluster with its store, and two sources of the same shape."""

    def __init__(self, store_url: str, sources: dict[str, tuple[SourceAccess, dict[str, str]]]) -> None:
        self.engine, self.sources = make_engine(store_url), sources
        self.rules = compile(RuleSetSpec(), load_detector_packs())

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
    master_key.cache_clear()


@pytest.fixture(scope="module")
def site(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    store_url = postgres_server.ensure_database(f"scans_{new_id()[:8]}")
    upgrade(store_url)
    home = tmp_path_factory.mktemp("site")
    short = Path(tempfile.mkdtemp(prefix="sxt"))  # Ray's sockets lie here, and their paths may not be long
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_AUTH_MODE", raising=False)  # Ray chooses tokens for a new cluster, and says so here
        environment = {
            "SEXTANT_HOME": home, "SEXTANT_STORE_URL": store_url, "SEXTANT_PARTITION_BYTES": 1 << 16,
            "SEXTANT_LEASE_SECONDS": 20, "POLARS_MAX_THREADS": 1, "RAY_AUTH_TOKEN_PATH": short / "token",
        }  # fmt: skip
        for name, value in environment.items():
            patch.setenv(name, str(value))
        forget()
        (short / "token").write_text(new_id() * 2)
        (home / "files").mkdir()
        ray.init(
            num_cpus=2, include_dashboard=False, _temp_dir=str(short), object_store_memory=100 << 20,
            namespace=NAMESPACE, log_to_driver=False,
        )  # fmt: skip
        try:
            ensure_actor(ScansActor)
            people = postgres_server.ensure_database(f"people_{new_id()[:8]}")
            yield Site(store_url, {"files": (folder(home / "files"), {}), "table": table(people)})
        finally:
            ray.shutdown()
            shutil.rmtree(short, ignore_errors=True)
    forget()


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> list[str]:
    scans = site.ended(site.start())
    assert [(scan.state, scan.rows, scan.problems) for scan in scans] == [("succeeded", ROWS, ())] * 2
    assert set(site.attempts(scans)) == {1}
    for scan in scans:
        assert site.validated(scan)["contact.email"] == ROWS
    return site.digests(scans)


def test_a_second_scan_of_the_same_data_reads_nothing(site: Site, undisturbed: list[str]) -> None:
    scans = site.ended(site.start())
    assert all(set(scan.partitions) == {"cached"} for scan in scans)
    assert site.digests(scans) == undisturbed


def test_a_killed_worker_changes_nothing(site: Site, undisturbed: list[str]) -> None:
    site.forget_reports()
    scans = site.start()
    until(lambda: site.done(scans) >= 2 or site.over(scans))
    killed = 0
    while not killed:
        for process in psutil.Process().children(recursive=True):
            if "scan_partition" in " ".join(process.cmdline()):
                process.kill()
                killed += 1
    ended = site.ended(scans)
    assert [(scan.state, scan.rows, scan.problems) for scan in ended] == [("succeeded", ROWS, ())] * 2
    assert max(site.attempts(scans)) > 1
    assert site.digests(scans) == undisturbed


def test_a_killed_actor_changes_nothing(site: Site, undisturbed: list[str]) -> None:
    site.forget_reports()
    scans = site.start()
    until(lambda: site.done(scans) >= 2 or site.over(scans))
    before = site.describe()
    os.kill(before["pid"], signal.SIGKILL)
    ended = site.ended(scans)
    assert site.describe()["epoch"] > before["epoch"]
    assert [(scan.state, scan.rows, scan.problems) for scan in ended] == [("succeeded", ROWS, ())] * 2
    assert site.digests(scans) == undisturbed


def test_a_cancelled_scan_stops_its_tasks(site: Site, undisturbed: list[str]) -> None:
    site.forget_reports()
    (scan,) = site.start("table")
    until(lambda: site.done([scan]) >= 1 or site.over([scan]))
    cancelled = site.send(CancelScan(scan_id=scan.id))
    assert cancelled.partitions["cancelled"] > 0
    until(lambda: site.describe()["reading"] == 0)
    assert site.view(scan).partitions == cancelled.partitions


def test_what_is_gone_when_it_is_read_spoils_nothing_else(site: Site, undisturbed: list[str]) -> None:
    access, _ = site.sources["files"]
    site.forget_reports()
    connector = open_connector(access, {})
    listed = connector.enumerate().assets[:1]
    connector.close()
    missing = listed[0].model_copy(update={"path": "people_9.csv"})
    rules = ScanRules(name="default", version=1, digest=site.rules.digest, spec=site.rules.spec)
    scan = site.send(StartScan(key=new_id(), access=access, assets=(*listed, missing), rules=rules))
    (ended,) = site.ended([scan])
    assert (ended.state, ended.rows) == ("partial", ROWS // 2)
    assert [problem.path for problem in ended.problems] == ["people_9.csv"]
    with pytest.raises(Conflict):
        site.send(CancelScan(scan_id=scan.id))
