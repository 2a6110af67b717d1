"""Tables of the scans group: runs, the assets of a run, their partitions, and the reports that runs share.

What sets runs off and what holds them back is in `actors/scans/definition_tables.py`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "scans"}


class Run(Base):
    """A scan run with all that its tasks need. `access` holds the credential sealed, never in clear.

    `paused_from` is the state that a paused run returns to; `leased_at` is when it was last given a worker.
    """

    __tablename__ = "run"
    __table_args__ = (Index(None, "source_id", "requested_at"), Index(None, "requested_at", "id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[str]
    access: Mapped[dict[str, Any]]
    rules: Mapped[dict[str, Any]]
    rules_digest: Mapped[str]
    sampling: Mapped[dict[str, Any]]
    priority: Mapped[int]
    plan_only: Mapped[bool]
    definition_id: Mapped[str | None] = mapped_column(index=True)
    degraded: Mapped[str | None]
    state: Mapped[str] = mapped_column(index=True)
    paused_from: Mapped[str | None]
    leased_at: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    progress_at: Mapped[datetime | None]


class Asset(Base):
    """An asset that a run covers. state: unplanned, planned, or failed with the problem that kept it from being cut."""

    __tablename__ = "asset"
    __table_args__ = (Index(None, "run_id", "state"), Index(None, "asset_id"), SCHEMA)
    run_id: Mapped[str] = mapped_column(ForeignKey("scans.run.id"), primary_key=True)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    info: Mapped[dict[str, Any]]
    state: Mapped[str]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Rules(Base):
    """What a digest of rules stands for: see `RuleParts`. Reports under it serve other rules of the same basis."""

    __tablename__ = "rules"
    __table_args__ = (Index(None, "basis"), SCHEMA)
    digest: Mapped[str] = mapped_column(primary_key=True)
    basis: Mapped[str]
    detectors: Mapped[dict[str, Any]]


class Report(Base):
    """What one part of an asset was found to hold under one rule set. An equal part of another one has its own copy.

    `content` is JSON compressed with zlib, `size` the number of bytes that were read.
    """

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("asset_id", "rules_digest", "content_key"),
        Index(None, "source_id", "content_key"),
        SCHEMA,
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    source_id: Mapped[str]
    asset_id: Mapped[str]
    rules_digest: Mapped[str]
    content_key: Mapped[str]
    rows: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes]
    created_at: Mapped[datetime]


class Partition(Base):
    """A part of an asset to be read. `due_at`: when a pending one may start, or when the lease of a leased one ends.

    `fence` rises with each lease, so that the report of a worker that lost its lease is known and refused. `spared` are
    leases that ended without a charge to `attempts`, since the actor died or the source was away. `pace` is
    the share of its source's rates that the lease has. `base_id` is a report of the same content under other rules, to
    which only the detectors `only` are to be added.
    """

    __tablename__ = "partition"
    __table_args__ = (
        # Leasing walks the waiting partitions of a run in order, and must not walk those that are done.
        Index(
            "ix_partition_waiting", "run_id", "asset_id", "number", postgresql_where="state IN ('pending', 'leased')"
        ),
        Index("ix_partition_leased", "run_id", postgresql_where="state = 'leased'"),
        Index(None, "run_id", "state"),
        Index(None, "report_id"),
        Index(None, "base_id"),
        SCHEMA,
    )
    run_id: Mapped[str] = mapped_column(ForeignKey("scans.run.id"), primary_key=True)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task: Mapped[dict[str, Any]]
    content_key: Mapped[str]
    state: Mapped[str]
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    spared: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime]
    report_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("scans.report.id", ondelete="SET NULL"), default=None
    )
    base_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("scans.report.id", ondelete="SET NULL"), default=None
    )
    only: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    rows: Mapped[int | None] = mapped_column(BigInteger, default=None)
    size: Mapped[int | None] = mapped_column(BigInteger, default=None)
    seconds: Mapped[float | None] = mapped_column(default=None)
    cpu_seconds: Mapped[float | None] = mapped_column(default=None)
    peak_rss_mb: Mapped[float | None] = mapped_column(default=None)
    node: Mapped[str | None] = mapped_column(default=None)
    pace: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    leased_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
