"""How long verdicts take: a whole evaluation under all frameworks, and from one changed label to its verdicts.

    python -m tests.benchmarks.bench_compliance [--assets N] [--changes N]

An estate of one source is made in a PostgreSQL of its own: of every ten assets three hold personal data, one of them
special categories or card numbers as well; each has eight columns, one of ten is only sampled, one of twenty unread.
Half of the personal ones are in the register. Facts are recorded and evaluated by the group's own commands, each in a
transaction, as the actor does it; then single labels are changed, and timed from the command with the new label to the
commit of the verdicts. Wall times are worth something only
where little else runs; CPU seconds are those of this process without the database. Nothing is asserted.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from actors.compliance import queries
from actors.compliance.contract import (
    Activity,
    AdviseSource,
    EvaluateAssets,
    EvaluateSource,
    FactDraft,
    KeepRecord,
    RecordFacts,
    Selector,
)
from actors.compliance.service import service
from cluster.context import system
from cluster.runtime.commands import Command, UnitOfWork
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.engine import make_engine, reading
from cluster.store.migrate import upgrade
from tests.benchmarks import machine

SOURCE = "bench"
KINDS = ("source", "asset", "labels", "coverage", "profile", "flows")
TAGS = [
    ("contact.email", ["personal", "direct_identifier"], "Confidential"),
    ("person.birth_date", ["personal", "quasi_identifier"], "Confidential"),
    ("health.diagnosis", ["personal", "phi", "gdpr.special_category"], "Restricted"),
    ("payment.card_number", ["personal", "pci.pan", "financial"], "Restricted"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=20)
    asked = parser.parse_args()
    print(machine.describe())
    with tempfile.TemporaryDirectory(prefix="bench_compliance_") as folder:
        server = EmbeddedPostgres(Path(folder) / "pg")
        server.start()
        try:
            _measure(server.ensure_database("bench"), asked.assets, asked.changes)
        finally:
            server.stop()


def _measure(url: str, assets: int, changes: int) -> None:
    upgrade(url)
    desk = Desk(url)
    dice = random.Random(1)
    desk.do(KeepRecord(body=Activity(name="Half", targets=Selector(domains=("half",)), purposes=("billing",))))
    drafts = [_source(), *(draft for number in range(assets) for draft in _asset(number, dice))]
    desk.timed("facts recorded", RecordFacts(source_id=SOURCE, facts=tuple(drafts), complete=KINDS))
    desk.timed("evaluated, first time", EvaluateSource(source_id=SOURCE))
    desk.timed("evaluated, nothing changed", EvaluateSource(source_id=SOURCE))
    desk.timed("advised", AdviseSource(source_id=SOURCE))
    with reading(desk.engine) as session:
        told = queries.verdicts(session, SOURCE)
    print(f"{assets:,} assets, {sum(told.values()):,} verdicts: {told}")
    times: list[float] = []
    used = time.process_time()
    for _ in range(changes):
        number = dice.randrange(assets)
        value = {"columns": {"c0": [_label(*dice.choice(TAGS))]}}
        begun = time.perf_counter()
        desk.do(RecordFacts(source_id=SOURCE, facts=(FactDraft(kind="labels", subject=f"a{number}", value=value),)))
        desk.do(EvaluateAssets(source_id=SOURCE, assets=(f"a{number}",)))
        times.append(time.perf_counter() - begun)
    cpu = (time.process_time() - used) / changes
    print(f"one label to its verdicts: median {statistics.median(times):.3f} s, worst of {changes} {max(times):.3f} s")
    print(f"                           of which {cpu:.3f} s CPU of this process")


class Desk:
    """Carries commands out, each in a transaction of its own."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)

    def do(self, command: Command[Any]) -> Any:
        from datetime import UTC, datetime

        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            work = UnitOfWork(session, system("compliance"), "compliance", datetime.now(UTC))
            return service.carry_out(work, command)

    def timed(self, what: str, command: Command[Any]) -> None:
        begun, used = time.perf_counter(), time.process_time()
        self.do(command)
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
        print(f"{what}: {wall:.1f} s, of which {cpu:.1f} s CPU of this process", flush=True)


def _source() -> FactDraft:
    told = {"kind": "postgresql", "name": "bench", "tls": True, "encrypted_at_rest": True, "public_access": False}
    more = {
        "authenticated": True,
        "superuser": False,
        "audit_logging": None,
        "region": "de",
        "environment": "production",
    }
    return FactDraft(kind="source", subject=SOURCE, value=told | more)


def _asset(number: int, dice: random.Random) -> list[FactDraft]:
    subject, columns = f"a{number}", [f"c{place}" for place in range(8)]
    labels: dict[str, list[dict[str, Any]]] = {}
    if number % 10 < 3:
        labels["c0"] = [_label(*TAGS[0])]
        labels["c1"] = [_label(*TAGS[1])]
    if number % 10 == 0:
        labels["c2"] = [_label(*TAGS[2 + number // 10 % 2])]
    method = "none" if number % 20 == 7 else "sample" if number % 10 == 5 else "census"
    grants = [{"grantee": f"role{one}", "privilege": "SELECT", "public": False} for one in range(dice.randrange(1, 12))]
    tags = ["domain:half", "retention:365d"] if number % 2 else ["domain:other"]
    asset = {
        "path": f"s{number % 50}.table_{number}", "kind": "table", "status": "present", "owner": None,
        "has_owner": number % 3 == 0, "tags": tags, "grants": grants, "columns": columns, "problem": None,
        "foreign_keys": [], "db_owner": "role0",
    }  # fmt: skip
    profile = {
        name: {"rows": 1000, "nulls": 0, "distinct": 900, "min": "2024-01", "max": "2026-01"} for name in columns
    }
    found = [
        FactDraft(kind="asset", subject=subject, value=asset),
        FactDraft(
            kind="coverage",
            subject=subject,
            value={"method": method, "partitions": 4, "partitions_read": 4, "rows": 1000},
        ),
        FactDraft(kind="profile", subject=subject, value={"columns": profile}),
    ]
    return found if method == "none" else [*found, FactDraft(kind="labels", subject=subject, value={"columns": labels})]


def _label(data_class: str, tags: list[str], sensitivity: str) -> dict[str, Any]:
    return {
        "data_class": data_class, "sensitivity": sensitivity, "tags": tags, "matched": 990, "scanned": 1000,
        "prevalence": 0.99, "state": "automatic", "origin": "machine", "whole_column": True,
    }  # fmt: skip


if __name__ == "__main__":
    main()
