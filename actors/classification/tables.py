"""Tables of the classification group: evidence and labels are the machine's, decisions are people's."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "classification"}


class Evidence(Base):
    """The figures of a column. A census stays beside a later sample of the same rules."""

    __tablename__ = "evidence"
    __table_args__ = (Index(None, "source_id"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    asset: Mapped[str]
    rules_digest: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    observed_at: Mapped[datetime]


class Guessed(Base):
    """What a model said of a column: kept, so that the same question is not asked again (`question`, `model`)."""

    __tablename__ = "guess"
    __table_args__ = (Index(None, "source_id"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    asset: Mapped[str]
    question: Mapped[str]
    model: Mapped[str]
    guesses: Mapped[list[Any]]
    asked_at: Mapped[datetime]


class Label(Base):
    """A class on a column that is there: the machine's verdict with the decision in force applied to it.

    `machine` is that verdict alone, so that a decision can be taken back without reading anything again.
    """

    __tablename__ = "label"
    __table_args__ = (
        UniqueConstraint("asset_id", "column", "data_class"),
        Index(None, "source_id", "data_class"),
        Index(None, "data_class"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    asset_id: Mapped[str]
    asset: Mapped[str]
    column: Mapped[str]
    data_class: Mapped[str]
    sensitivity: Mapped[str]
    tags: Mapped[list[str]]
    confidence: Mapped[float]
    prevalence: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    matched: Mapped[int | None] = mapped_column(BigInteger)
    scanned: Mapped[int | None] = mapped_column(BigInteger)
    method: Mapped[str]
    tier: Mapped[str]
    model: Mapped[str | None]
    detector: Mapped[str | None]
    whole_column: Mapped[bool]
    origin: Mapped[str]
    state: Mapped[str]
    drifted: Mapped[bool]
    reasons: Mapped[list[str]]
    machine: Mapped[dict[str, Any] | None]
    updated_at: Mapped[datetime]


class Decision(Base):
    """What a person decided, for ever: a newer one or its withdrawal ends it, nothing removes it.

    `basis` is the machine's state and confidence at that time, so that later evidence can be held against it.
    `replaces` is the decision that this one took out of force, which undoing it brings back.
    """

    __tablename__ = "decision"
    __table_args__ = (
        Index("uq_decision_in_force", "label_id", unique=True, postgresql_where="ended_at IS NULL"),
        Index(None, "asset_id", "column"),
        Index(None, "batch_id"),
        SCHEMA,
    )
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    label_id: Mapped[str]
    source_id: Mapped[str]
    asset_id: Mapped[str]
    asset: Mapped[str]
    column: Mapped[str]
    data_class: Mapped[str]
    decision: Mapped[str]
    reason: Mapped[str]
    reason_code: Mapped[str | None]
    batch_id: Mapped[str | None]
    replaces: Mapped[int | None] = mapped_column(BigInteger)
    basis: Mapped[dict[str, Any]]
    principal: Mapped[str]
    decided_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
