"""Tables of monitors, incidents, and the alerts that tell of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class Monitor(Base):
    """What is watched of an asset; `state` is ok, breached or unknown, as of `checked_at`."""

    __tablename__ = "monitor"
    __table_args__ = (Index(None, "asset_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    column: Mapped[str]
    kind: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    severity: Mapped[int]
    state: Mapped[str]
    checked_at: Mapped[datetime | None]
    principal: Mapped[str]
    created_at: Mapped[datetime]


class Incident(Base):
    """Something that is wrong with an asset, from when it was noticed until it is resolved."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("uq_incident_open", "asset_id", "cause", unique=True, postgresql_where="state != 'Resolved'"),
        Index(None, "state", "opened_at"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    cause: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    severity: Mapped[int]
    owner: Mapped[str | None]
    reason: Mapped[str | None]
    comment: Mapped[str | None]
    occurrences: Mapped[int]
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class AlertChannel(Base):
    """Where alerts go. `sealed` holds what must stay secret: the key of the signature, a password, a Slack address."""

    __tablename__ = "alert_channel"
    __table_args__ = SCHEMA
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    target: Mapped[str]
    options: Mapped[dict[str, Any]]
    sealed: Mapped[str | None]
    least_severity: Mapped[int]
    domain_id: Mapped[str | None]
    enabled: Mapped[bool]
    principal: Mapped[str]
    updated_at: Mapped[datetime]


class Alert(Base):
    """One message to one channel; it is tried until it is delivered, or given up after the last try."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("ix_alert_due", "due_at", postgresql_where="state = 'pending'"),
        Index(None, "incident_id"),
        SCHEMA,
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel_id: Mapped[str]
    incident_id: Mapped[str]
    body: Mapped[dict[str, Any]]
    state: Mapped[str]
    tries: Mapped[int]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    problem: Mapped[str | None]
