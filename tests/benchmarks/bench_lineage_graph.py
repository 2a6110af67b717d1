"""Lineage in PostgreSQL at size: neighbourhoods of depth 5 over a million edges, and an event of a thousand edges.

python -m tests.benchmarks.bench_lineage_graph [--edges 1000000] [--queries 200]

The graph: tables of ten columns, each made from two random tables among the thousand made before it (the first
thousand from nobody), a column from a column of each, so 20 edges into each table. It is walked by a caller who sees
everything and by one from whom a tenth of the tables are hidden. The server is the benchmark's own.
"""

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from actors.catalog.contract import RecordLineageEvent
from actors.catalog.queries import lineage
from actors.catalog.service import service
from cluster.context import Caller, system
from cluster.naming import asset_id
from cluster.runtime.commands import UnitOfWork
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade
from tests.benchmarks import machine

COLUMNS = 10
EDGE = (
    "source_id, from_asset, from_name, from_column, to_asset, to_name, to_column, transformation, subtype, masking, "
    "confidence, origin, valid_from"
)
ASSET = """
INSERT INTO catalog.asset (id, source_id, source_name, source_kind, namespace, path, name, kind, status, foreign_keys,
  grants, coverage, version, schema_version, first_seen, last_seen, updated_at, lifecycle, lifecycle_at, popularity,
  dataset)
SELECT id, 's1', 'lake', 'postgresql', 'postgres://lake:5432', 'public.' || id, id, 'table', 'active', '[]', '[]',
  'none', 1, 1, now(), now(), now(), 'active', now(), 0, 'lake.public.' || id FROM unnest(cast(:ids AS text[])) AS id
"""


def fill(session: Session, edges: int, chance: random.Random) -> list[str]:
    count = edges // (2 * COLUMNS) + 1000
    ids = [asset_id("s1", f"public.t{number}") for number in range(count)]
    session.execute(text(ASSET), {"ids": ids})
    raw = session.connection().connection.cursor()
    with raw.copy(f"COPY catalog.edge ({EDGE}) FROM STDIN") as copy:
        now = datetime.now(UTC)
        for number in range(1000, count):
            for origin in chance.sample(range(max(0, number - 1000), number), 2):
                for column in range(COLUMNS):
                    start = (ids[origin], ids[origin], f"c{chance.randrange(COLUMNS)}")
                    end = (ids[number], ids[number], f"c{column}")
                    copy.write_row(("s1", *start, *end, "DIRECT", "TRANSFORMATION", False, 1.0, "view", now))
    hidden = "INSERT INTO ground.concealed (asset_id, compartment) SELECT unnest(cast(:ids AS text[])), 'closed'"
    session.execute(text(hidden), {"ids": ids[::10]})
    session.commit()
    session.execute(text("ANALYZE catalog.edge, ground.concealed"))
    session.commit()
    return ids


def event(number: int) -> dict[str, object]:
    fields = {
        f"c{column}": {"inputFields": [{"namespace": "s3://lake", "name": f"in{number}", "field": f"c{column}",
                       "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}]}
        for column in range(1000)
    }  # fmt: skip
    job, facets = {"namespace": "bench", "name": f"job{number}"}, {"columnLineage": {"fields": fields}}
    return {
        "eventType": "COMPLETE", "eventTime": datetime.now(UTC).isoformat(),
        "run": {"runId": f"0193a1c2-7b1e-7000-8000-{number:012d}"}, "job": job,
        "inputs": [{"namespace": "s3://lake", "name": f"in{number}"}],
        "outputs": [{"namespace": "s3://lake", "name": f"out{number}", "facets": facets}],
    }  # fmt: skip


def timed(session: Session, ids: list[str], queries: int, chance: random.Random, caller: Caller) -> None:
    spent, sizes = [], []
    seen = [asset for place, asset in enumerate(ids) if place % 10]
    for asset in chance.sample(seen, queries):
        began = time.perf_counter()
        found = lineage(session, asset, 5, caller=caller)
        spent.append(time.perf_counter() - began)
        sizes.append(len(found.edges))
    spent.sort()
    middle, most = statistics.median(spent) * 1000, spent[int(len(spent) * 0.95)] * 1000
    print(
        f"depth 5, {caller.principal}: p50 {middle:.0f} ms, p95 {most:.0f} ms, max {spent[-1] * 1000:.0f} ms", end="; "
    )
    print(f"median {statistics.median(sizes):.0f} edges, max {max(sizes)}")


def events(session: Session) -> None:
    spent = []
    for number in range(5):
        began = time.perf_counter()
        work = UnitOfWork(session, system("catalog"), "catalog", datetime.now(UTC))
        receipt = service.carry_out(work, RecordLineageEvent(body=event(number)))
        session.commit()
        spent.append(time.perf_counter() - began)
    print(f"event of {receipt.begun} edges: median {statistics.median(spent):.2f} s, max {max(spent):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    chance = random.Random(7)
    print(machine.describe() + "\n")
    with tempfile.TemporaryDirectory(prefix="sextant-lineage-") as folder:
        Path(folder).chmod(0o755)  # the server gives up root
        server = EmbeddedPostgres(Path(folder) / "pg")
        server.start()
        try:
            url = server.ensure_database("bench")
            upgrade(url)
            engine = make_engine(url)
            with Session(engine) as session:
                ids = fill(session, given.edges, chance)
                count = session.execute(text("SELECT count(*) FROM catalog.edge")).scalar()
                print(f"{count:,} edges, {len(ids):,} assets")
                for caller in (system("all seen"), Caller(principal="a tenth hidden")):
                    timed(session, ids, given.queries, chance, caller)
                events(session)
            engine.dispose()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
