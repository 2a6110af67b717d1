"""Keeps what was learned of costs in the table of rates, and corrects the rates by what is known of an asset or source.

An asset that was read is its own best example: the ratio of what it took to what the rates say is applied the more, the
more of it was read. The same goes for its source, by the number of its assets that were read.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.scans.contract import CommitReport
from actors.scans.definition_tables import Rate
from actors.scans.pilots import Pilot
from actors.scans.rates import FACTS, Ledger, Portion, facts, family_of, is_packed, types_of
from actors.scans.tables import Asset, Partition, Run
from cluster.runtime.commands import UnitOfWork
from cluster.settings import settings

EVERYTHING = "all"
_ASSET_FADE, _SOURCE_FADE = 0.95, 0.99
# Evidence at which half of a ratio is applied: partitions of one asset are alike, assets of one source less so.
_ASSET_HALF, _SOURCE_HALF = 0.3, 2.0


@dataclass
class Record:
    """What partitions of one asset or source took: their facts added up, CPU and wall seconds, rows and bytes."""

    n: float = 0.0
    assets: float = 0.0
    facts: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    rows: float = 0.0
    bytes: float = 0.0
    pilot: dict[str, Any] | None = None

    def add(self, x: list[float], cpu_seconds: float, seconds: float, weight: float, fade: float) -> None:
        self.n = self.n * fade + 1
        before = self.facts or [0.0] * len(x)
        self.facts = [old * fade + weight * new for old, new in zip(before, x, strict=True)]
        self.cpu_seconds = self.cpu_seconds * fade + weight * cpu_seconds
        self.seconds = self.seconds * fade + weight * seconds


class Rates:
    """The rates as they are now, with the records of some assets and sources."""

    def __init__(self, ledger: Ledger, records: dict[str, Record]) -> None:
        self.ledger, self.records = ledger, records

    def record(self, scope: str) -> Record:
        return self.records.get(scope) or Record()

    def pilot(self, asset_id: str) -> Pilot | None:
        known = self.record(f"asset:{asset_id}").pilot
        return Pilot.model_validate(known) if known and "steps" in known else None

    def known(self, asset_id: str) -> bool:
        """Whether the asset itself was read before."""
        return self.record(f"asset:{asset_id}").n > 0

    def cpu_seconds(self, source_id: str, asset_id: str, x: list[float]) -> float:
        """What a portion of the asset is expected to take."""
        source, asset = self.record(f"source:{source_id}"), self.record(f"asset:{asset_id}")
        ratio = self._ratio(source) * source.assets / (source.assets + _SOURCE_HALF)
        own = self._ratio(asset) - ratio if asset.n else 0.0
        return self.ledger.seconds_of(x) * math.exp(ratio + own * asset.n / (asset.n + _ASSET_HALF))

    def waiting(self, source_id: str) -> float:
        """Wall seconds a CPU second of a worker that reads the source: 1 where it waits for nothing."""
        record = self.record(f"source:{source_id}")
        return max(1.0, record.seconds / record.cpu_seconds) if record.cpu_seconds else 1.0

    def _ratio(self, record: Record) -> float:
        """The logarithm of what a record took to what the rates say of it, within a factor of e²."""
        said = self.ledger.seconds_of(record.facts) if record.facts else 0.0
        return max(-2.0, min(2.0, math.log(record.cpu_seconds / said))) if said > 0 < record.cpu_seconds else 0.0

    def take_in(self, source_id: str, asset_id: str, x: list[float], cpu_seconds: float, seconds: float) -> None:
        """Learns from one partition that was read: first how wrong it was foretold, then from what it took."""
        asset = self.records.setdefault(f"asset:{asset_id}", Record())
        source = self.records.setdefault(f"source:{source_id}", Record())
        expected = self.cpu_seconds(source_id, asset_id, x)
        new = asset.n == 0
        if self.ledger.n and expected > 0:
            self.ledger.missed(not new, math.log(max(cpu_seconds, 1e-4) / expected))
        # The tenth partition of an asset tells little that the first did not; a source's record weighs assets alike.
        self.ledger.learn(x, cpu_seconds, 1 / (1 + asset.n))
        self.ledger.assets += new
        source.assets += new
        source.add(x, cpu_seconds, seconds, 1 / (max(expected, 1e-3) * (1 + asset.n)), _SOURCE_FADE if new else 1.0)
        asset.add(x, cpu_seconds, seconds, 1.0, _ASSET_FADE)


def load(session: Session, scopes: list[str]) -> Rates:
    """The rates with the records of these scopes ("asset:<id>", "source:<id>"), but those that hold other facts."""
    rows = session.execute(select(Rate.scope, Rate.content).where(Rate.scope.in_([EVERYTHING, *scopes])))
    found = {row.scope: row.content for row in rows}
    ledger = found.pop(EVERYTHING, None)
    records = {scope: Record(**content) for scope, content in found.items()}
    known = {scope: record for scope, record in records.items() if len(record.facts) in (0, len(FACTS))}
    return Rates(_ledger(ledger), known)


def _ledger(content: dict[str, Any] | None) -> Ledger:
    """A stored ledger; an empty one if it was kept by a version with other facts."""
    empty = Ledger()
    return Ledger(**content) if content and len(content["moment"]) == len(empty.moment) else empty


def store(work: UnitOfWork, rates: Rates, scopes: list[str]) -> None:
    """Keeps these scopes, in one statement."""
    kept: dict[str, tuple[dict[str, Any], int]] = {
        scope: (asdict(rates.records[scope]), round(rates.records[scope].n)) for scope in scopes if scope != EVERYTHING
    }
    if EVERYTHING in scopes:
        kept[EVERYTHING] = (asdict(rates.ledger), rates.ledger.n)
    statement = insert(Rate).values(
        [
            {"scope": scope, "content": content, "learned_from": n, "updated_at": work.now}
            for scope, (content, n) in sorted(kept.items())
        ]
    )
    fresh = {name: statement.excluded[name] for name in ("content", "learned_from", "updated_at")}
    work.session.execute(statement.on_conflict_do_update(index_elements=["scope"], set_=fresh))


def learn(work: UnitOfWork, command: CommitReport) -> None:
    """Learns from a report that was just committed. One that ran some detectors only tells nothing of a whole scan."""
    report = command.report
    row = work.session.execute(
        select(Partition.task, Partition.only, Asset.info, Run.source_id)
        .join(Asset, (Asset.run_id == Partition.run_id) & (Asset.asset_id == Partition.asset_id))
        .join(Run, Run.id == Partition.run_id)
        .where(
            Partition.run_id == command.scan_id,
            Partition.asset_id == command.asset_id,
            Partition.number == command.number,
        )
    ).one()
    if report.cpu_seconds <= 0 or row.only is not None:
        return
    scopes = [f"asset:{command.asset_id}", f"source:{row.source_id}"]
    rates = load(work.session, scopes)
    part = portion(
        row.info, row.task["kind"], 1, (row.task["bytes"], row.task["rows_estimate"]), rates.pilot(command.asset_id)
    )
    rates.take_in(row.source_id, command.asset_id, facts(part), report.cpu_seconds, report.seconds)
    store(work, rates, [EVERYTHING, *scopes])


def keep_pilot(work: UnitOfWork, asset_id: str, pilot: Pilot) -> None:
    """Keeps what a batch of the asset took when it was planned, in place of an earlier one.

    What was learned of the asset by an earlier pilot stays only if the asset still looks like it.
    """
    scope = f"asset:{asset_id}"
    rates = load(work.session, [scope])
    record = rates.records.setdefault(scope, Record())
    record.pilot = pilot.model_dump(mode="json")
    store(work, rates, [scope])


def portion(
    info: dict[str, Any], kind: str, partitions: int, plan: tuple[float | None, float | None], pilot: Pilot | None
) -> Portion:
    """Partitions of an asset as the model wants them. `plan` is bytes and rows; rows not told are the asset's share."""
    (size, rows), family = plan, family_of(kind)
    packed = is_packed(kind, info["path"])
    told = packed or (pilot is not None and pilot.stored_bytes is not None)
    if rows is None and not told and size is not None and info["rows_estimate"] and info["bytes"]:
        rows = info["rows_estimate"] * size / info["bytes"]
    now = settings()
    return Portion(
        family=family, packed=packed, partitions=partitions, bytes=size, rows=rows, types=types_of(info, family),
        batch_rows=now.batch_rows, batch_bytes=now.batch_bytes, pilot=pilot,
    )  # fmt: skip
