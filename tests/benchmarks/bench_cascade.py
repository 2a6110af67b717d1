"""CPU seconds of the cascade and its cache against a naive full pass, over what a user does, with equal labels.

    python -m tests.benchmarks.bench_cascade [--rows N]

The demo estate's files are scanned four times: for the first time; unchanged; with one file changed; with one rule
more. Sextant goes the way of its scans (plan, leases, worker, reports in a real PostgreSQL, whose CPU seconds count as
Sextant's). The other side reads the same batches and runs every detector on every value each time (`naive`), one rule
after the other as polars expressions. Both run in this process by turns, with one thread. After each step all evidence
and all labels of both are compared; exit code 1 if they differ.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from sqlalchemy.orm import Session

from actors.classification.verdict import Label, verdict
from actors.scans import queries, worker
from actors.scans.contract import CommitReport, FinishScan, LeasePartitions, RecordPlan, ScanRules, StartScan
from actors.scans.service import service
from cluster.connectors import open_connector
from cluster.connectors.interface import SourceAccess
from cluster.context import new_id, system
from cluster.detectors.compile import CompiledRules, compile, load_detector_packs, load_rule_set
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels.report import AssetEvidence
from cluster.kernels.sketch import Hashing
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.security.secrets import derived
from cluster.settings import settings
from cluster.store.engine import make_engine
from cluster.store.migrate import upgrade
from tests.benchmarks import corpus, machine, naive

LATER = "network.ipv4"  # the rule that is added in the last step
Labels = dict[tuple[str, str], tuple[Label, ...]]


class Cascade:
    """Scans a folder as the loops of the scans group do, in this process."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._access = SourceAccess(source_id=new_id(), url=folder.resolve().as_uri())

    def scan(self, rules: CompiledRules) -> tuple[str, int]:
        """The id of a census by these rules, and how many partitions it read."""
        connector = open_connector(self._access, {})
        assets = connector.enumerate().assets
        connector.close()
        given = ScanRules(name="default", version=1, digest=rules.digest, spec=rules.spec)
        scan = self._do(StartScan(key=new_id(), access=self._access, assets=assets, rules=given))
        for asset, plan in zip(assets, worker.plan_assets(self._access, list(assets), _target()), strict=True):
            identifier = asset_id(self._access.source_id, asset.path)
            self._do(RecordPlan(scan_id=scan.id, asset_id=identifier, partitions=plan.partitions, problem=plan.problem))
        read = 0
        while leases := self._do(LeasePartitions(limit=100, seconds=600, slots=100)).leases:
            for lease in leases:
                report = worker.scan_partition(self._access, lease.partition, given, None, lease.only)
                name = {"scan_id": scan.id, "asset_id": lease.asset_id, "number": lease.partition.number}
                self._do(CommitReport(**name, fence=lease.fence, report=report))
                read += 1
        ended = self._do(FinishScan(scan_id=scan.id))
        if ended.state != "succeeded":
            raise SystemExit(f"the scan ended as {ended.state}")
        self._session.commit()
        return scan.id, read

    def evidence(self, scan_id: str) -> dict[str, AssetEvidence]:
        """What the scan found, by asset."""
        return {found.asset: found for found in queries.evidence(self._session, scan_id)}

    def _do(self, command: Command[Any]) -> Any:
        result = service.carry_out(UnitOfWork(self._session, system("scans"), "scans", datetime.now(UTC)), command)
        self._session.flush()
        return result


def _target() -> int:
    return settings().partition_bytes


def passed(folder: Path, rules: CompiledRules) -> dict[str, naive.Found]:
    """What the naive full pass finds, by asset."""
    connector = open_connector(SourceAccess(source_id="naive", url=folder.resolve().as_uri()), {})
    hashing, found = Hashing(derived("value-salt")), dict[str, naive.Found]()
    for asset in connector.enumerate().assets:
        for part in connector.plan(asset, _target()):
            batches = connector.read(part, settings().batch_rows, settings().batch_bytes)
            naive.full_pass(batches, rules, hashing, found.setdefault(asset.path, {}))
    connector.close()
    return found


def replaced(evidence: AssetEvidence, found: naive.Found) -> AssetEvidence:
    """The evidence with the naive pass's counts in the place of its own; profiles, which that does not make, stay."""
    columns = []
    for column in evidence.columns:
        before = {item.detector: item for item in column.classes}
        looked_at = next((item.scanned for item in column.classes), 0)
        classes = [
            naive.class_evidence(name, counts, looked_at, column.profile.distinct, before.get(name))
            for name, counts in sorted(found.get(column.column, {}).items())
        ]
        columns.append(column.model_copy(update={"classes": tuple(classes)}))
    return evidence.model_copy(update={"columns": tuple(columns)})


def labels_of(evidence: dict[str, AssetEvidence], rules: CompiledRules) -> Labels:
    """The machine's labels of every column."""
    found: Labels = {}
    for path, asset in evidence.items():
        names = tuple(column.column for column in asset.columns)
        for column in asset.columns:
            others = tuple(name for name in names if name != column.column)
            found[path, column.column] = verdict(column, path, others, load_taxonomy().value, rules)
    return found


def spent(server: psutil.Process) -> float:
    """CPU seconds of this process and of the database so far."""
    of_server = [server.cpu_times(), *(child.cpu_times() for child in server.children())]
    return time.process_time() + sum(times.user + times.system for times in of_server)


def changed(folder: Path) -> None:
    """Changes one value of one file."""
    path = folder / "events" / "events.csv"
    frame = pl.read_csv(path, infer_schema=False)
    last = frame.tail(1).with_columns(pl.col(frame.columns[0]) + "0")
    pl.concat([frame.head(-1), last]).write_csv(path)


@contextmanager
def store() -> Iterator[tuple[Session, psutil.Process]]:
    """A session of a new database with all tables, and the process of its server."""
    with tempfile.TemporaryDirectory(prefix="sextant-cascade-") as home:
        os.chmod(home, 0o755)  # the account that PostgreSQL runs as has to pass
        os.environ["SEXTANT_HOME"] = home
        settings.cache_clear()
        postgres = EmbeddedPostgres(Path(home) / "pg")
        try:
            postgres.start()
            upgrade(postgres.url)
            engine, pid = make_engine(postgres.url), postgres.pid()
            with Session(engine) as session:
                yield session, psutil.Process(pid)
            engine.dispose()
        finally:
            postgres.stop()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the event table")
    given = parser.parse_args(arguments)
    every = load_rule_set().value
    fewer = every.model_copy(update={"exclude": (*every.exclude, LATER)})
    before, after = compile(fewer, load_detector_packs()), compile(every, load_detector_packs())
    with tempfile.TemporaryDirectory(prefix="sextant-bench-") as place, store() as (session, server):
        files = corpus.build(Path(place) / "files", given.rows)
        print(f"corpus   {len(files.files)} files, {files.bytes / 1e6:.0f} MB on disk, {given.rows:,} event rows\n")
        steps = (("first scan", before), ("unchanged", before), ("one file changed", before), ("one rule more", after))
        cascade, sums, equal = Cascade(session, files.folder), [0.0, 0.0], True
        for name, rules in steps:
            if name == "one file changed":
                changed(files.folder)
            started = spent(server)
            scan_id, read = cascade.scan(rules)
            ours = spent(server) - started
            started = time.process_time()
            found = passed(files.folder, rules)
            theirs = time.process_time() - started
            sums = [sums[0] + ours, sums[1] + theirs]
            equal &= compared(name, cascade.evidence(scan_id), found, rules, (ours, theirs, read))
    print(f"{'all together':18}{sums[0]:8.2f} s{sums[1]:11.2f} s{sums[0] / sums[1]:9.1%}")
    if not equal:
        sys.exit(1)


def compared(
    name: str,
    evidence: dict[str, AssetEvidence],
    found: dict[str, naive.Found],
    rules: CompiledRules,
    took: tuple[float, float, int],
) -> bool:
    """Prints the line of a step; whether evidence and labels of both sides are equal."""
    theirs = {path: replaced(asset, found.get(path, {})) for path, asset in evidence.items()}
    ours, others = labels_of(evidence, rules), labels_of(theirs, rules)
    wrong = sorted(path for path in evidence if evidence[path] != theirs[path])
    labels = sum(map(len, ours.values()))
    same = "labels equal" if ours == others else "LABELS DIFFER"
    same += ", evidence equal" if not wrong else f", EVIDENCE DIFFERS in {', '.join(wrong)}"
    print(
        f"{name:18}{took[0]:8.2f} s{took[1]:11.2f} s{took[0] / took[1]:9.1%}   {took[2]} partitions read;"
        f" {labels} labels: {same}"
    )
    return ours == others and not wrong


if __name__ == "__main__":
    print(machine.describe())
    main()
