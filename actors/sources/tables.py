"""Tables of the sources group."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "sources"}


class Source(Base):
    """A registered source. Its credential is in the ground (`cluster.security.credentials`), under the source's id."""

    __tablename__ = "source"
    __table_args__ = (
        Index("uq_source_name_live", "name", unique=True, postgresql_where="state <> 'retired'"),
        Index("uq_source_url_live", "url", unique=True, postgresql_where="state <> 'retired'"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str]
    options: Mapped[dict[str, Any]]
    has_credential: Mapped[bool]
    endpoints: Mapped[list[Any]] = mapped_column(default=list)
    max_lag_seconds: Mapped[float] = mapped_column(default=60.0)
    node_labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fetch_rows: Mapped[int | None]
    state: Mapped[str]
    version: Mapped[int]
    facts: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConnectionTest(Base):
    """A connection test, asked for and then done. If it passes, `candidate` becomes the source's credential."""

    __tablename__ = "connection_test"
    __table_args__ = (Index(None, "source_id", "requested_at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.source.id"))
    state: Mapped[str] = mapped_column(index=True)
    passed: Mapped[bool | None]
    steps: Mapped[list[Any]]
    rotates: Mapped[bool] = mapped_column(default=False)
    candidate: Mapped[str | None]
    candidate_expires_at: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Tuning(Base):
    """A measurement of a source by more and more connections, and the advice that it led to."""

    __tablename__ = "tuning"
    __table_args__ = (Index(None, "source_id", "requested_at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.source.id"))
    state: Mapped[str] = mapped_column(index=True)
    most_connections: Mapped[int]
    measured: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    advice: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    applied: Mapped[bool]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Discovery(Base):
    """An enumeration of a source, asked for and then done."""

    __tablename__ = "discovery"
    __table_args__ = (Index(None, "source_id", "requested_at"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.source.id"))
    state: Mapped[str] = mapped_column(index=True)
    complete: Mapped[bool | None]
    assets: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[Any]]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Inventory(Base):
    """An asset as its source described it last. `moved_from` is the asset that it was under another name before."""

    __tablename__ = "inventory"
    __table_args__ = (Index(None, "source_id", "path"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("sources.source.id"))
    path: Mapped[str]
    status: Mapped[str]
    info: Mapped[dict[str, Any]]
    moved_from: Mapped[str | None]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
