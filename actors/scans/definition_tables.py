"""Tables of what sets scans off and what holds them back: definitions with triggers, budgets, learned rates."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from actors.scans.tables import SCHEMA
from cluster.store.base import Base


class Definition(Base):
    """A scan definition; `content` is its `contract.Definition`."""

    __tablename__ = "definition"
    __table_args__ = (Index(None, "source_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    retired: Mapped[bool]


class Trigger(Base):
    """What sets a definition off. `seen` is the number of the last event that it has looked at."""

    __tablename__ = "trigger"
    __table_args__ = (Index(None, "definition_id"), Index(None, "next_at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    definition_id: Mapped[str] = mapped_column(ForeignKey("scans.definition.id"))
    kind: Mapped[str]
    content: Mapped[dict[str, Any]]
    seen: Mapped[int] = mapped_column(BigInteger)
    next_at: Mapped[datetime | None]
    fired_at: Mapped[datetime | None]


class Occurrence(Base):
    """One time that a definition was set off. `key` makes it happen once, whoever asks again."""

    __tablename__ = "occurrence"
    __table_args__ = (Index(None, "definition_id", "at"), Index(None, "state", "at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    definition_id: Mapped[str] = mapped_column(ForeignKey("scans.definition.id"))
    trigger_id: Mapped[str | None]
    reason: Mapped[str]
    at: Mapped[datetime]
    state: Mapped[str]
    run_id: Mapped[str | None] = mapped_column(index=True)
    workflow_id: Mapped[str | None] = mapped_column(index=True)
    problem: Mapped[str | None]


class SourceBudget(Base):
    """The budget of a source; `content` is its `contract.Budget`."""

    __tablename__ = "budget"
    __table_args__ = (SCHEMA,)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class Rate(Base):
    """What reading costs, as learned from partitions that were read. A scope is a kind of partition or a source."""

    __tablename__ = "rate"
    __table_args__ = (SCHEMA,)
    scope: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    learned_from: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]
