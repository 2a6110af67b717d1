"""Tables of the health of sources: how each stands, and what probes found by minute and by hour."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "sources"}


class Health(Base):
    """How a source stands; `standing` is what its next probe is judged by."""

    __tablename__ = "health"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.source.id"), primary_key=True)
    state: Mapped[str]
    standing: Mapped[dict[str, Any]]
    since: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    diagnosis: Mapped[str | None]
    breaker: Mapped[str]
    next_probe_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]


class Probes(Base):
    """The probes of one source in one minute or hour, their latencies counted in bins."""

    __tablename__ = "probes"
    __table_args__ = (Index(None, "step", "at"), SCHEMA)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    probes: Mapped[int]
    failures: Mapped[int]
    counts: Mapped[dict[str, Any]]
    max_ms: Mapped[float | None]


class StateChange(Base):
    """A change of state of a source."""

    __tablename__ = "health_change"
    __table_args__ = (Index(None, "at"), SCHEMA)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    before: Mapped[str]
    after: Mapped[str]
    diagnosis: Mapped[str | None]
