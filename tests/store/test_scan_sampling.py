"""How much of an asset each method reads, and when an adaptive scan has read enough."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import CommitReport, FinishScan, LeasePartitions, RecordPlan, Sampling, ScanRules, StartScan
from actors.scans.planner import FIRST, by_chance, first_states, share_of
from actors.scans.service import service
from cluster.connectors.interface import AssetInfo, Partition, SourceAccess
from cluster.context import new_id, system
from cluster.detectors.compile import RuleSetSpec, rule_parts
from cluster.kernels.report import ColumnReport, DetectorCounts, PartitionReport
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SOURCE = "s" * 32
PARTS = 200
VALUES = 100


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def do(session: Session, command: Command[Any]) -> Any:
    work = UnitOfWork(session, system("scans"), "scans", datetime.now(UTC))
    result = service.carry_out(work, command)
    session.flush()
    return result


def report(lease: Any, digest: str, hits: int) -> PartitionReport:
    counts = DetectorCounts(
        scanned=VALUES, matched=hits, whole=hits, validated=hits, distinct_matched="", distinct_validated=""
    )
    column = ColumnReport(
        name="x", type="string", rows=VALUES, nulls=0, empties=0, distinct="",
        detectors={"contact.email": counts} if hits else {},
    )  # fmt: skip
    return PartitionReport(
        asset="a", partition=lease.partition.number, fingerprint=lease.partition.fingerprint, rules_digest=digest,
        rows=VALUES, bytes=1, columns=(column,),
    )  # fmt: skip


def read_by(session: Session, name: str, sampling: Sampling, hits_of: Any) -> list[int]:
    """The partitions that a scan reads, in the order in which it reads them."""
    spec = RuleSetSpec()
    digest = rule_parts(spec).digest
    access = SourceAccess(source_id=SOURCE, url="postgresql://h/db")
    rules = ScanRules(name="default", version=1, digest=digest, spec=spec)
    asset = AssetInfo(path="a", kind="table")
    scan = do(session, StartScan(key=new_id(), access=access, assets=(asset,), rules=rules, sampling=sampling))
    parts = tuple(
        Partition(asset="a", number=n, kind="rows", spec={}, columns=("x",), fingerprint=f"{name}{n}")
        for n in range(PARTS)
    )
    do(session, RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, "a"), partitions=parts))
    read: list[int] = []
    while (view := queries.get_scan(session, scan.id)).state == "running":
        for lease in do(session, LeasePartitions(limit=1000, seconds=60)).leases:
            held = {"scan_id": scan.id, "asset_id": lease.asset_id, "number": lease.partition.number}
            found = report(lease, digest, hits_of(lease.partition.number))
            do(session, CommitReport(**held, fence=lease.fence, report=found))
            read.append(lease.partition.number)
        do(session, FinishScan(scan_id=scan.id))
    assert view.state == "succeeded"
    assert view.partitions == {"done": len(read)} | ({"skipped": PARTS - len(read)} if len(read) < PARTS else {})
    return read


def test_an_adaptive_scan_reads_until_it_is_sure(session: Session) -> None:
    adaptive = Sampling(method="adaptive", share=1.0, width=0.1)
    mixed = read_by(session, "mixed", adaptive, lambda number: 30 + number % 3)
    together = read_by(session, "together", adaptive, lambda number: VALUES if number < PARTS // 3 else 0)
    nothing = read_by(session, "nothing", adaptive, lambda number: 0)
    assert len(mixed) == len(nothing) == FIRST
    assert 30 < len(together) <= PARTS
    narrow = read_by(session, "narrow", adaptive.model_copy(update={"width": 0.001}), lambda number: 30 + number % 3)
    assert len(narrow) > len(mixed)


def test_an_adaptive_scan_reads_no_more_than_its_share(session: Session) -> None:
    adaptive = Sampling(method="adaptive", share=0.1, width=0.001)
    read = read_by(session, "odd", adaptive, lambda number: VALUES if number % 2 else 0)
    assert len(read) == PARTS // 10


def test_a_sample_is_drawn_by_its_seed_and_not_from_the_head(session: Session) -> None:
    keys = [f"k{number}" for number in range(PARTS)]
    drawn = [by_chance("a", keys, seed)[:20] for seed in range(5)]
    assert all(drawn[0] != other for other in drawn[1:])
    assert by_chance("a", keys, 3)[:20] == drawn[3]
    for places in drawn:
        assert sorted(places) != list(range(20))
        assert max(places) > PARTS // 2


@pytest.mark.parametrize(
    ("rows", "share"),
    [(100_000, 1.0), (100_001, 0.5), (5_000_000, 0.1), (10**8, 0.05), (10**9, 0.01), (10**12, 0.001), (None, 1.0)],
)
def test_a_tiered_sample_reads_less_of_what_is_larger(rows: int | None, share: float) -> None:
    tiered = Sampling(method="tiered")
    assert share_of(tiered, rows) == share
    states = first_states("a", [f"k{number}" for number in range(1000)], set(), tiered, rows)
    assert states.count("pending") == round(1000 * share)
    assert first_states("a", ["only"], set(), tiered, 10**12) == ["pending"]
