"""An incremental scan finds what a scan from scratch finds, and reads what had to be read.

Random edits of files and rules, with a real folder, database and kernel. `make test` takes six scripts of edits,
LONG_TESTS=1 two hundred.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy.orm import Session

from actors.scans import queries, worker
from actors.scans.contract import (
    CommitReport,
    FinishScan,
    LeasePartitions,
    RecordPlan,
    ScanRules,
    StartScan,
)
from actors.scans.service import service
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import SourceAccess
from cluster.context import new_id, system
from cluster.detectors import compile as compiling
from cluster.detectors.compile import RuleParts, RuleSetSpec, compile, load_detector_packs
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SCRIPTS = 200 if os.environ.get("LONG_TESTS") else 6
EDITS = 4
PARTITION_BYTES = 1 << 13
DETECTORS = ("contact.*", "network.*", "payment.*", "government.*", "person.*")


class Scanner:
    """Scans a folder as the loops of the group do, in this process. Each has its own source, and so its own reports."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session, self.folder = session, folder
        self.access = SourceAccess(source_id=new_id(), url=split_url(folder.as_uri()).url)

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system("scans"), "scans", datetime.now(UTC))
        result = service.carry_out(work, command)
        self.session.flush()
        return result

    def scan(self, spec: RuleSetSpec) -> "Outcome":
        compiled = compile(spec, load_detector_packs())
        rules = ScanRules(name="default", version=1, digest=compiled.digest, spec=spec)
        connector = open_connector(self.access, {})
        assets = connector.enumerate().assets
        connector.close()
        scan = self.do(StartScan(key=new_id(), access=self.access, assets=assets, rules=rules))
        plans = worker.plan_assets(self.access, list(assets), PARTITION_BYTES)
        wanted = set()
        for asset, plan in zip(assets, plans, strict=True):
            identifier = asset_id(self.access.source_id, asset.path)
            self.do(RecordPlan(scan_id=scan.id, asset_id=identifier, partitions=plan.partitions, problem=plan.problem))
            wanted |= {(p.kind, p.fingerprint, p.columns) for p in plan.partitions}
        ran: list[tuple[str, ...]] = []
        while leases := self.do(LeasePartitions(limit=100, seconds=60, slots=100)).leases:
            for lease in leases:
                report = worker.scan_partition(self.access, lease.partition, rules, None, lease.only)
                name = {"scan_id": scan.id, "asset_id": lease.asset_id, "number": lease.partition.number}
                self.do(CommitReport(**name, fence=lease.fence, report=report))
                ran.append(lease.only)
        ended = self.do(FinishScan(scan_id=scan.id))
        assert ended.state == "succeeded", ended.problems
        return Outcome(queries.content_digest(self.session, scan.id), ran, wanted, compiled.parts)


class Outcome:
    """What a scan found, which detectors it ran on each partition that it read, and what it had to cover."""

    def __init__(self, digest: str, ran: list[tuple[str, ...]], wanted: set[Any], rules: RuleParts) -> None:
        self.digest, self.ran, self.wanted, self.rules = digest, ran, wanted, rules

    def dirty_since(self, before: "Outcome | None") -> int:
        """Partitions that cannot be answered from what the scan before has read."""
        if before is None or before.rules.basis != self.rules.basis:
            return len(self.wanted)
        if any(before.rules.detectors.get(name) != digest for name, digest in self.rules.detectors.items()):
            return len(self.wanted)
        return len(self.wanted - before.wanted)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def rows_of(chance: random.Random, count: int) -> pl.DataFrame:
    numbers = [chance.randrange(10**6) for _ in range(count)]
    return pl.DataFrame(
        {
            "id": numbers,
            "email": [f"p{number}@example{number % 7}.org" for number in numbers],
            "address": [f"10.0.{number % 256}.{number % 250}" for number in numbers],
            "note": [f"call +49 30 {1_000_000 + number} or write" if number % 3 else "" for number in numbers],
        }
    )


def write(path: Path, frame: pl.DataFrame) -> None:
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, row_group_size=100)


def edit(chance: random.Random, folder: Path, spec: RuleSetSpec) -> RuleSetSpec:
    """One change: rows appended, changed or deleted; a file more, less or renamed; a rule more or less."""
    files = sorted(folder.iterdir())
    kind = chance.choice(("append", "change", "delete", "add", "remove", "rename", "rules", "rules", "nothing"))
    if kind == "rules":
        return RuleSetSpec(exclude=tuple(chance.sample(DETECTORS, chance.randrange(3))))
    if kind == "add" or not files:
        write(folder / f"f{chance.randrange(10**6)}.{chance.choice(('csv', 'parquet'))}", rows_of(chance, 300))
        return spec
    path = chance.choice(files)
    if kind == "remove" and len(files) > 1:
        path.unlink()
    elif kind == "rename":
        path.rename(folder / f"r{chance.randrange(10**6)}{path.suffix}")
    elif kind in {"append", "change", "delete"}:
        frame = (
            pl.read_csv(path, schema_overrides={"note": pl.String}) if path.suffix == ".csv" else pl.read_parquet(path)
        )
        if kind == "append":
            frame = pl.concat([frame, rows_of(chance, 50)])
        elif kind == "delete":
            frame = frame.head(max(1, len(frame) - 30))
        else:
            frame = frame.with_columns(email=pl.col("email").str.replace("p", chance.choice("abc")))
        write(path, frame)
    return spec


@pytest.mark.parametrize("seed", range(SCRIPTS))
def test_incremental_equals_full_and_reads_what_is_dirty(session: Session, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(3):
        write(tmp_path / f"start{number}.{('csv', 'parquet')[number % 2]}", rows_of(chance, 300))
    scanner, spec, before = Scanner(session, tmp_path), RuleSetSpec(), None
    for _ in range(EDITS):
        found = scanner.scan(spec)
        assert found.digest == Scanner(session, tmp_path).scan(spec).digest
        assert len(found.ran) <= found.dirty_since(before) * 1.1
        before = found
        spec = edit(chance, tmp_path, spec)


def test_a_rule_more_runs_that_rule_and_a_rule_less_reads_nothing(session: Session, tmp_path: Path) -> None:
    write(tmp_path / "people.parquet", rows_of(random.Random(1), 250))
    scanner = Scanner(session, tmp_path)
    without, whole = RuleSetSpec(exclude=("network.ipv4",)), RuleSetSpec()
    assert scanner.scan(without).ran == [()] * 2
    more = scanner.scan(whole)
    assert more.ran == [("network.ipv4",)] * 2
    assert more.digest == Scanner(session, tmp_path).scan(whole).digest
    fewer = RuleSetSpec(exclude=("contact.phone", "network.*"))
    less = scanner.scan(fewer)
    assert less.ran == []
    assert less.digest != more.digest
    assert less.digest == Scanner(session, tmp_path).scan(fewer).digest


def test_a_changed_rule_runs_again(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "people.csv", rows_of(random.Random(2), 100))
    scanner = Scanner(session, tmp_path)
    assert set(scanner.scan(RuleSetSpec()).ran) == {()}

    def changed() -> Any:
        packs = []
        for pack in load_detector_packs():
            detectors = tuple(
                d.model_copy(update={"chance": d.chance / 2}) if d.id == "network.ipv4" else d
                for d in pack.value.detectors
            )
            packs.append(replace(pack, value=pack.value.model_copy(update={"detectors": detectors})))
        return tuple(packs)

    packs = changed()
    monkeypatch.setattr(compiling, "load_detector_packs", lambda: packs)
    monkeypatch.setitem(globals(), "load_detector_packs", lambda: packs)
    compiling.rule_parts.cache_clear()
    second = scanner.scan(RuleSetSpec())
    compiling.rule_parts.cache_clear()
    assert set(second.ran) == {("network.ipv4",)}
