"""The service of the scans group on one session, with a clock that only the test moves."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from actors.scans import queries
from actors.scans.contract import (
    Budget,
    CommitReport,
    FailPartition,
    FinishScan,
    Lease,
    LeasePartitions,
    RecordPlan,
    ScanRules,
    ScanView,
    SetBudget,
    StartScan,
)
from actors.scans.service import service
from cluster.connectors.interface import AssetInfo, Partition, Problem, SourceAccess
from cluster.context import system
from cluster.detectors.compile import RuleSetSpec
from cluster.events.feed import EventDraft
from cluster.kernels.report import ColumnReport, PartitionReport
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

START = datetime(2026, 1, 1, tzinfo=UTC)


SOURCE = "s" * 32


PASSING = Problem(path="a", code="source-unreachable", detail="No answer.", remedy="Wait.")


MB = 1 << 20


class Desk:
    """The service on one session, with a clock that only the test moves."""

    def __init__(self, session: Session) -> None:
        self.session, self.now = session, START
        self.events: list[EventDraft] = []

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system("scans"), "scans", self.now)
        result = service.carry_out(work, command)
        self.session.flush()
        self.events += work.events
        return result

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def kinds(self) -> list[str]:
        return [event.kind.removeprefix("scans.") for event in self.events]

    def start(self, key: str = "k1", paths: tuple[str, ...] = ("a",), **more: Any) -> ScanView:
        access = SourceAccess(source_id=SOURCE, url="postgresql://h/db", sealed="v1.sealed")
        rules = ScanRules(
            name="default", version=1, digest=more.pop("digest", "d1"), spec=more.pop("spec", RuleSetSpec())
        )
        assets = tuple(AssetInfo(path=path, kind="table") for path in paths)
        view: ScanView = self.do(StartScan(key=key, access=access, assets=assets, rules=rules, **more))
        return view

    def plan(self, scan: ScanView, path: str, fingerprints: list[str], columns: tuple[str, ...] = ("x",)) -> None:
        parts = tuple(
            Partition(asset=path, number=number, kind="rows", spec={}, columns=columns, fingerprint=fingerprint)
            for number, fingerprint in enumerate(fingerprints)
        )
        self.do(RecordPlan(scan_id=scan.id, asset_id=asset_id(SOURCE, path), partitions=parts))

    def lease(self, limit: int = 10, seconds: float = 30) -> list[Lease]:
        return list(self.do(LeasePartitions(limit=limit, seconds=seconds)).leases)

    def commit(self, lease: Lease, digest: str = "d1", rows: int = 10, columns: tuple[ColumnReport, ...] = ()) -> None:
        report = PartitionReport(
            asset=lease.partition.asset, partition=lease.partition.number, fingerprint=lease.partition.fingerprint,
            rules_digest=digest, rows=rows, bytes=rows * 8, columns=columns, seconds=0.5,
        )  # fmt: skip
        self.do(CommitReport(**held(lease), report=report))

    def fail(self, lease: Lease, *, retryable: bool = False) -> None:
        self.do(FailPartition(**held(lease), problem=PASSING, retryable=retryable))

    def view(self, scan: ScanView) -> ScanView:
        return queries.get_scan(self.session, scan.id)

    def finish(self, scan: ScanView) -> ScanView:
        view: ScanView = self.do(FinishScan(scan_id=scan.id))
        return view

    def read_all(self, scan: ScanView, digest: str = "d1") -> int:
        leases = self.lease(1000)
        for lease in leases:
            self.commit(lease, digest)
        self.finish(scan)
        return len(leases)


def held(lease: Lease) -> dict[str, Any]:
    number = lease.partition.number
    return {"scan_id": lease.scan_id, "asset_id": lease.asset_id, "number": number, "fence": lease.fence}


class Control(Desk):
    """A desk with several sources."""

    def scan(self, source: str, parts: int = 4, size: int | None = MB, **more: Any) -> ScanView:
        key = more.pop("key", f"{source}-{len(self.events)}")
        access = SourceAccess(source_id=source, url="postgresql://h/db")
        rules = ScanRules(name="default", version=1, digest="d1", spec=RuleSetSpec())
        paths = more.pop("paths", ("a",))
        assets = tuple(AssetInfo(path=path, kind="table") for path in paths)
        view: ScanView = self.do(StartScan(key=key, access=access, assets=assets, rules=rules, **more))
        for path in paths:
            cut = tuple(
                Partition(
                    asset=path, number=number, kind="rows", spec={}, columns=("x",), bytes=size,
                    fingerprint=f"{view.id}{path}{number}",
                )
                for number in range(parts)
            )  # fmt: skip
            self.do(RecordPlan(scan_id=view.id, asset_id=asset_id(source, path), partitions=cut))
        return view

    def ask(self, limit: int = 10, **more: Any) -> list[Lease]:
        return list(self.do(LeasePartitions(limit=limit, seconds=30, **more)).leases)

    def sources(self, limit: int = 10, **more: Any) -> dict[str, int]:
        return dict(Counter(lease.source_id for lease in self.ask(limit, **more)))

    def budget(self, source: str, **content: Any) -> Any:
        return self.do(SetBudget(source_id=source, content=Budget(**content)))


D = TypeVar("D", bound=Desk)


def opened(kind: type[D], database_url: str) -> Iterator[D]:
    """A desk on one session of a database of its own; what it did is not kept."""
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield kind(session)
        session.rollback()
    engine.dispose()
