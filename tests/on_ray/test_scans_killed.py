"""Scans on a real cluster: whatever is killed on the way, the result is that of an undisturbed run.

`make test` kills each kind of process once, LONG_TESTS=1 kills at fifty random moments more. How long it took until the
run went on is printed.
"""

import asyncio
import os
import random
import signal
import statistics
import time
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from actors.scans.contract import Budget, CancelScan, ClearBudget, PauseScan, ScanRules, SetBudget, StartScan
from actors.scans.dispatch import PAUSE_SECONDS, TRIP
from actors.scans.service import service
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import Endpoint
from cluster.context import new_id, system
from cluster.errors import Conflict, SourceUnreachable
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.tasks import run_task
from cluster.runtime.writer import GroupWriter
from tests.on_ray.gate import Gate
from tests.on_ray.replicated import Pair, replicated
from tests.on_ray.scan_site import ROWS, Site, among_the_sources, keep, table, until

pytestmark = pytest.mark.ray

VICTIMS, KILLS = (("worker", "actor", "raylet"), 50) if os.environ.get("LONG_TESTS") else (("raylet",), 1)
RATE = 300_000.0  # bytes a second of the scan that keeps to a budget


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


def kill(site: Site, victim: str) -> None:
    if victim == "raylet":
        site.kill_raylet()
    elif victim == "actor":
        os.kill(site.describe()["pid"], signal.SIGKILL)
    else:
        for process in psutil.Process().children(recursive=True):
            if "scan_partition" in " ".join(process.cmdline()):
                process.kill()


def test_kills_at_random_moments_change_nothing(site: Site, undisturbed: list[str]) -> None:
    chance = random.Random(20)
    waits: dict[str, list[float]] = {victim: [] for victim in VICTIMS}
    total = sum(sum(site.view(scan).partitions.values()) for scan in site.ended(site.start()))
    for number in range(KILLS):
        victim = VICTIMS[number % len(VICTIMS)]
        site.forget_reports()
        scans = site.start()
        moment = chance.randrange(total - 2)
        until(lambda: site.done(scans) >= moment or site.over(scans))  # noqa: B023 - called before the next round
        time.sleep(chance.random() / 10)
        done, at = site.done(scans), time.monotonic()
        kill(site, victim)
        until(lambda: site.done(scans) > done or site.over(scans))  # noqa: B023
        waits[victim].append(time.monotonic() - at)
        ended = site.ended(scans)
        assert [(scan.state, scan.rows, scan.problems) for scan in ended] == [("succeeded", ROWS, ())] * 2, victim
        assert site.digests(scans) == undisturbed, victim
    for victim, seconds in waits.items():
        print(f"{victim}: went on after {statistics.median(seconds):.1f} s (median of {len(seconds)} kills)")


def test_a_paced_scan_brings_the_same_and_takes_its_time_whatever_dies(site: Site, undisturbed: list[str]) -> None:
    site.forget_reports()
    access, _ = site.sources["files"]
    site.send(SetBudget(source_id=access.source_id, content=Budget(bytes_per_second=RATE)))
    began = time.monotonic()
    (scan,) = site.start("files")
    until(lambda: site.done([scan]) >= 2)
    os.kill(site.describe()["pid"], signal.SIGKILL)
    (ended,) = site.ended([scan])
    took = time.monotonic() - began
    assert (ended.state, ended.rows, ended.problems) == ("succeeded", ROWS, ())
    assert site.digests([ended]) == [undisturbed[list(site.sources).index("files")]]
    assert took >= ended.bytes / 2 / RATE, "Arrow holds less than twice what the file does"
    site.send(ClearBudget(source_id=access.source_id))


def test_the_write_of_a_stale_twin_is_refused(site: Site, undisturbed: list[str]) -> None:
    (scan,) = site.start("table")
    before = site.describe()["epoch"]

    async def twin() -> str:
        writer = GroupWriter(service, site.engine)
        await writer.open()  # the actor finds itself replaced, ends, and its successor replaces this writer
        await asyncio.to_thread(until, lambda: site.epoch() > writer.epoch)
        running = asyncio.create_task(writer.run())
        outcome = await writer.execute(PauseScan(scan_id=scan.id), system("scans"))
        await running
        return outcome.error.code if outcome.error else ""

    assert asyncio.run(twin()) == "stale-epoch"
    (ended,) = site.ended([scan])
    assert (ended.state, ended.rows) == ("succeeded", ROWS)
    assert site.describe()["epoch"] > before + 1


def test_a_replica_killed_in_mid_scan_changes_nothing(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    with replicated(tmp_path_factory.mktemp("pair")) as pair:
        access, credential = table(pair.primary.ensure_database("people"))
        pair.caught_up("people")
        replica = split_url(pair.url(pair.replica, "people"))
        access = access.model_copy(update={"endpoints": (Endpoint(url=replica.url, options=replica.options),)})
        with among_the_sources(site, "replicated", access, credential):
            before = [pair.sessions(server, "people") for server in (pair.primary, pair.replica)]
            (whole,) = site.ended(site.start("replicated"))
            undisturbed = site.digests([whole])
            read = [pair.sessions(server, "people") for server in (pair.primary, pair.replica)]
            assert read[1] - before[1] > read[0] - before[0], "replicas are read first"
            site.forget_reports()
            scans = site.start("replicated")
            until(lambda: site.done(scans) >= 2 or site.over(scans))
            pair.kill_replica()
            (ended,) = site.ended(scans)
            assert pair.sessions(pair.primary, "people") > read[0] + 2, "the rest was read from the primary"
            assert [(scan.state, scan.rows, scan.problems) for scan in (whole, ended)] == [("succeeded", ROWS, ())] * 2
            assert site.digests([ended]) == undisturbed


def test_a_source_that_is_away_for_a_while_is_waited_for(site: Site, postgres_server: EmbeddedPostgres) -> None:
    access, credential = table(postgres_server.ensure_database(f"people_{new_id()[:8]}"))
    parts = urlsplit(access.url)
    gate = Gate(str(parts.hostname), parts.port or 5432)
    with gate.serving():
        access = access.model_copy(update={"url": access.url.replace(f":{parts.port}/", f":{gate.port}/")})
        with among_the_sources(site, "away", access, credential):
            (whole,) = site.ended(site.start("away"))
            undisturbed, made = site.digests([whole]), gate.connections
            assert made < sum(whole.partitions.values()), "a session serves several partitions"
            site.forget_reports()
            scans = site.start("away")
            until(lambda: site.done(scans) >= 1 or site.over(scans))
            gate.shut()
            until(lambda: site.describe()["waited_for"] == [access.source_id] or site.over(scans))
            time.sleep(PAUSE_SECONDS)  # so that a trial fails, which nobody is charged for
            gate.lift()
            (ended,) = site.ended(scans)
    assert max(site.attempts(scans)) > 1, "no partition failed: the test shows nothing"
    # TRIP - 1 failures at most are charged, however many read (see `dispatch`), and the last attempt succeeds.
    assert max(site.attempts(scans)) <= TRIP
    assert [(scan.state, scan.rows, scan.problems) for scan in (whole, ended)] == [("succeeded", ROWS, ())] * 2
    assert site.digests([ended]) == undisturbed


def test_a_credential_rotated_in_mid_scan_changes_nothing(site: Site, postgres_server: EmbeddedPostgres) -> None:
    database = f"people_{new_id()[:8]}"
    access, owner = table(postgres_server.ensure_database(database))
    given = {"username": "rotating", "password": "first"}
    with psycopg.connect(Pair.url(postgres_server, database), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS rotating")
        connection.execute("CREATE ROLE rotating LOGIN PASSWORD 'first'")
        connection.execute("GRANT SELECT ON people TO rotating")
        with among_the_sources(site, "rotating", access, owner):
            keep(site, access.source_id, given)
            (whole,) = site.ended(site.start("rotating"))
            undisturbed = site.digests([whole])
            site.forget_reports()
            scans = site.start("rotating")
            until(lambda: site.done(scans) >= 1 or site.over(scans))
            connection.execute("ALTER ROLE rotating PASSWORD 'second'")
            # Sessions are kept between partitions, and a new password does not end those that are there.
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'")
            until(lambda: max(site.attempts(scans)) > 1 or site.over(scans))
            keep(site, access.source_id, given | {"password": "second"})
            (ended,) = site.ended(scans)
        assert max(site.attempts(scans)) > 1, "no partition was refused: the test shows nothing"
        assert [(scan.state, scan.rows, scan.problems) for scan in (whole, ended)] == [("succeeded", ROWS, ())] * 2
        assert site.digests([ended]) == undisturbed
        connection.execute("DROP OWNED BY rotating")
        connection.execute("DROP ROLE rotating")


def test_work_of_a_placed_source_runs_on_its_nodes_only(site: Site) -> None:
    async def where() -> str | None:
        return await run_task(os.getenv, "RAY_RAYLET_PID", cpus=0, labels={"zone": "dmz"})

    with pytest.raises(SourceUnreachable, match="zone=dmz"):
        asyncio.run(where())
    with site.labelled({"zone": "dmz"}) as raylet:
        assert {asyncio.run(where()) for _ in range(3)} == {raylet}
