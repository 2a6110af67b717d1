"""What a scan under a budget does to a PostgreSQL that has other work: pgbench beside it, with and without the scan.

    python -m tests.benchmarks.bench_source_load [--pairs N] [--seconds N] [--bytes N] [--queries N] [--tps N]
        [--cpu-share N] [--reading-only]

An embedded PostgreSQL, as durable as its defaults make it, serves pgbench's transactions at a fixed rate (its TPC-B
script; latency counts from the moment a transaction was due). Beside it a scan process plans and reads another, larger
table under the budget, with the code, the detectors and the niceness of a worker; it is stopped and let go on by
signals. Windows with and without it come in pairs in random order, and each transaction belongs to the window in which
it was due; those due in the first half second of a window belong to none. On the same machine the detectors take CPU
time from the database too: with --reading-only they are left out, as if workers were on other machines.

Printed are p50 and p95 of both, their ratio with a 95 % interval from resampling the pairs, and the ratio that the
windows without a scan have among themselves, which tells how far this machine can tell at all. Then what the scan took
against its budget in the fullest tenth of a second and the fullest second, wherever they begin: by the log of the pace,
by the server's own log (statements), and by the kernel's count of received bytes, sampled ten times a second. Exit code
1 if any of them exceeds the budget.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from cluster.runtime.postgres import EmbeddedPostgres
from cluster.runtime.postgres_programs import find_programs
from tests.benchmarks import machine
from tests.benchmarks.source_load import Span, report_latency, report_pace, statements, transactions

GUARD_SECONDS = 0.5
CLIENTS = 4
SCALE = 10  # of pgbench: 1,000,000 accounts, 150 MB
READER = "reader"
_TABLE = """
CREATE TABLE people AS SELECT n AS id, 'person' || n || '@example' || n % 97 || '.org' AS email,
 '+49 30 ' || 1000000 + n % 9000000 AS phone, date '2015-01-01' + (n % 3650)::int AS ordered_on,
 (n * 7919 % 100000) / 100.0 AS amount,
 'order ' || n || ' of ' || n * 31 % 10007 || ' was sent to the address on file' AS note
 FROM generate_series(1, %s::bigint) AS n
"""


@contextmanager
def server(rows: int) -> Iterator[tuple[EmbeddedPostgres, dict[str, str]]]:
    """A PostgreSQL with pgbench's tables and one to scan, and the credential of a role that may read that."""
    with tempfile.TemporaryDirectory(prefix="sextant-load-") as folder:
        os.chmod(folder, 0o755)  # the account that PostgreSQL runs as has to pass
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        credential = {"username": READER, "password": f"{random.getrandbits(96):x}"}
        try:
            postgres.start()
            postgres.ensure_database("load")
            pgbench(postgres, "-i", "-q", "-s", str(SCALE)).wait()
            with psycopg.connect(_address(postgres), autocommit=True) as connection:
                connection.execute(_TABLE.replace("%s", str(rows)).encode())
                connection.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{credential['password']}'".encode())
                connection.execute(f"GRANT SELECT ON people TO {READER}".encode())
                connection.execute(f"ALTER ROLE {READER} SET log_statement = 'all'".encode())
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")
            yield postgres, credential
        finally:
            postgres.stop()


def _address(postgres: EmbeddedPostgres) -> str:
    url = make_url(postgres.url).set(drivername="postgresql", database="load")
    return url.render_as_string(hide_password=False)


def pgbench(postgres: EmbeddedPostgres, *arguments: str, folder: Path | None = None) -> "subprocess.Popen[bytes]":
    """A process of pgbench, of the same PostgreSQL."""
    url = make_url(postgres.url)
    place = ("-h", url.host or "", "-p", str(url.port), "-U", url.username or "")
    return subprocess.Popen(
        [find_programs().folder / "pgbench", *arguments, *place, "load"],
        env={"PGPASSWORD": str(url.password), "PGSSLMODE": "disable", "PATH": os.defpath},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def scanner(
    postgres: EmbeddedPostgres, credential: dict[str, str], pace: dict[str, float], home: Path, *, detect: bool
) -> "subprocess.Popen[str]":
    """The scan process, ready to begin."""
    given = {
        "url": f"postgresql://127.0.0.1:{postgres.port}/load", "port": postgres.port, "credential": credential,
        "path": "public.people", "pace": pace, "detect": detect,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.paced_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=machine.environment() | {"PYTHONPATH": os.getcwd(), "SEXTANT_HOME": str(home)},
        start_new_session=True,  # as Ray's workers, which are in another one than the database
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(given) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    process.send_signal(signal.SIGSTOP)
    return process


def windows(process: "subprocess.Popen[str]", pairs: int, seconds: float) -> list[tuple[Span, Span]]:
    """Lets the scan go on and stops it by turns; each pair is (with, without), by the wall clock."""
    chance, found = random.Random(), []
    for _ in range(pairs):
        spans: dict[bool, Span] = {}
        for scanning in chance.sample((True, False), 2):
            process.send_signal(signal.SIGCONT if scanning else signal.SIGSTOP)
            begun = time.time()
            time.sleep(seconds)
            spans[scanning] = (begun + GUARD_SECONDS, time.time())
        found.append((spans[True], spans[False]))
    process.send_signal(signal.SIGSTOP)
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20, help="pairs of windows")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of a window")
    parser.add_argument("--bytes", type=float, default=4e6, help="bytes a second of the budget")
    parser.add_argument("--queries", type=float, default=20.0, help="queries a second of the budget")
    parser.add_argument("--tps", type=float, default=100.0, help="transactions a second of pgbench")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the table that is scanned")
    parser.add_argument("--cpu-share", type=float, help="share of a CPU that the scan may take, as its budget says")
    parser.add_argument("--reading-only", action="store_true", help="detect nothing, as if workers were elsewhere")
    given = parser.parse_args(arguments)
    pace = {"bytes_per_second": given.bytes, "queries_per_second": given.queries}
    if given.cpu_share:
        pace["cpu_share"] = given.cpu_share
    total = given.pairs * 2 * given.seconds
    with server(given.rows) as (postgres, credential), tempfile.TemporaryDirectory() as folder:
        process = scanner(postgres, credential, pace, Path(folder), detect=not given.reading_only)
        load = pgbench(
            postgres, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-R", str(given.tps), "-l",
            "-T", str(int(total + 5)), folder=Path(folder),
        )  # fmt: skip
        try:
            time.sleep(2)
            spans = windows(process, given.pairs, given.seconds)
            process.send_signal(signal.SIGCONT)
            told = json.loads(process.communicate(timeout=120)[0])
            load.wait(timeout=120)
        finally:
            for one in (process, load):
                one.kill()
                one.wait()
        what = "reading" if given.reading_only else "scan"
        share = f" and {given.cpu_share:.0%} of a CPU" if given.cpu_share else ""
        print(
            f"pgbench at {given.tps:.0f}/s, {what} at {given.bytes:,.0f} bytes/s, {given.queries:.0f} queries/s{share}"
        )
        report_latency(transactions(Path(folder)), spans)
        asked = [entry for entry in statements(folder_of(postgres) / "server.log") if entry[0] >= told["began"]]
        exceeded = report_pace(told, asked, pace)
    if exceeded:
        sys.exit(1)


def folder_of(postgres: EmbeddedPostgres) -> Path:
    """Where the server has its data and its log."""
    with psycopg.connect(_address(postgres)) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return Path(row[0])


if __name__ == "__main__":
    print(machine.describe())
    main()
