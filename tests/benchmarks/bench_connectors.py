"""Reading speed of connectors beside the tools people would read with, in one run on one machine.

    python -m tests.benchmarks.bench_connectors [--rows N] [--repeat N] [--objects N]

1. PostgreSQL into Arrow record batches: Sextant beside ADBC, and ConnectorX where it is installed, on one table of ten
   columns. Each reads every value of it in a process of its own with one thread; the server is another process.
   Sextant's partitions have been planned before.
2. A bucket of an S3 emulator (Moto): what Sextant's scans read by, beside `polars.scan_parquet`, on one object.
3. Discovering that many objects in 2,000 prefixes of a bucket, and the memory by which the process grew meanwhile; and
   listing them alone by the same client, which is what the emulator itself takes.

The methods take turns; of `--repeat` runs the median wall time is printed, with ratios. Nothing is asserted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cluster.runtime.postgres import EmbeddedPostgres
from tests.benchmarks import machine
from tests.benchmarks.s3_server import Server, serving

ROOT = Path(__file__).resolve().parents[2]
_TABLE = """
CREATE TABLE t AS SELECT n AS id, (n * 7919 % 100000)::int AS small, (n * 1.25)::numeric(14,2) AS ratio,
  (n % 1000) / 7.0::float8 AS f,
  'customer number ' || n AS name, md5(n::text) AS hash, DATE '2020-01-01' + (n % 1000)::int AS day,
  TIMESTAMP '2020-01-01' + n * INTERVAL '1 second' AS at, n % 2 = 0 AS even,
  CASE WHEN n % 3 = 0 THEN NULL ELSE repeat('note ', 4) END AS note
FROM generate_series(1::bigint, {rows}) n
"""


def timed(kind: str, *given: str) -> dict[str, Any] | None:
    """What a process of its own says of one reading; None where its tool is not installed."""
    command = [sys.executable, "-m", "tests.benchmarks.connector_worker", kind, *given]
    environment = machine.environment()
    paths = filter(None, (environment["PYTHONPATH"], os.environ.get("PYTHONPATH")))  # where ConnectorX may be
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    if done.returncode == 3:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout))


def compared(title: str, kinds: tuple[str, ...], given: tuple[str, ...], repeat: int) -> None:
    """Prints the median of each kind, and how fast Sextant, the first of them, is beside it."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(repeat):
        for kind in kinds:
            result = timed(kind, *given)
            if result is not None:
                found[kind].append(result)
    print(f"\n{title}")
    own = statistics.median(result["wall"] for result in found[kinds[0]])
    for kind, results in found.items():
        if not results:
            print(f"  {kind:<22} not installed")
            continue
        wall = statistics.median(result["wall"] for result in results)
        cpu = statistics.median(result["cpu"] for result in results)
        rows, peak = results[0]["rows"], max(result["rss_mb"] for result in results)
        print(
            f"  {kind:<22} {wall:6.2f} s wall {cpu:6.2f} s cpu {rows / wall / 1e6:5.2f} M rows/s {peak:5.0f} MB"
            f"   Sextant's speed beside it {wall / own:4.2f}"
        )


def postgres(rows: int, repeat: int) -> None:
    import psycopg

    with tempfile.TemporaryDirectory(prefix="bench-connectors-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            url = server.ensure_database("bench").replace("postgresql+psycopg://", "postgresql://")
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_TABLE.format(rows=int(rows)).encode())
                connection.execute("VACUUM ANALYZE t")
            kinds = ("postgres.sextant", "postgres.adbc", "postgres.connectorx")
            compared(f"PostgreSQL into Arrow, {rows:,} rows x 10 columns", kinds, (url,), repeat)
        finally:
            server.stop()


def stores(server: Server, rows: int, repeat: int) -> None:
    server.fill_parquet("bench", "t.parquet", rows)
    kinds = ("s3.sextant", "s3.polars")
    compared(f"Parquet in S3 (emulated), {rows:,} rows", kinds, (server.endpoint, "bench", "t.parquet"), repeat)


def listing(server: Server, objects: int) -> None:
    bare, found = (timed(kind, server.endpoint, "many") for kind in ("s3.bare", "s3.listing"))
    assert found is not None
    assert bare is not None
    print(
        f"\nDiscovery of {objects:,} objects in 2,000 prefixes: {found['wall']:.1f} s wall, {found['cpu']:.1f} s cpu,"
        f" {found['rows']:,} assets, grown by {found['grown_mb']:.0f} MB"
        f"\n  of which the bare list of the emulator takes {bare['wall']:.1f} s wall, {bare['cpu']:.1f} s cpu here"
    )


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--only", choices=("postgres", "stores", "listing"))
    options = parser.parse_args(given)
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    print(machine.describe())
    if options.only in (None, "postgres"):
        postgres(options.rows, options.repeat)
    if options.only == "postgres":
        return
    with serving(options.objects if options.only != "stores" else 0) as server:
        if options.only in (None, "stores"):
            stores(server, options.rows, options.repeat)
        if options.only in (None, "listing"):
            listing(server, options.objects)


if __name__ == "__main__":
    main()
