"""Tables of the orchestrator."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "orchestrator"}


class Workflow(Base):
    """One way of a source through the phases; at most one of a source is under way. `key` makes it start once."""

    __tablename__ = "workflow"
    __table_args__ = (
        Index("uq_workflow_running", "source_id", unique=True, postgresql_where="state = 'running'"),
        Index(None, "source_id", "requested_at"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)
    source_id: Mapped[str]
    ruleset: Mapped[str]
    state: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Phase(Base):
    """Where a phase of a workflow stands: `step` is the number of the next one of its steps."""

    __tablename__ = "phase"
    __table_args__ = SCHEMA
    workflow_id: Mapped[str] = mapped_column(ForeignKey("orchestrator.workflow.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    step: Mapped[int]
    counters: Mapped[dict[str, Any]]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Insight(Base):
    """A correlation across groups."""

    __tablename__ = "insight"
    __table_args__ = (Index(None, "source_id", "score"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str]
    score: Mapped[float]
    members: Mapped[dict[str, Any]]
