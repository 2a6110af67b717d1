"""Tables of the governed models: versions, and what was measured of them. Nothing of them holds a value of a source."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "classification"}


class ModelVersion(Base):
    """A version of a model, for ever: it may be retired, and its files may be gone, but it has answered.

    At most one version of a kind is active, one a canary and one a shadow.
    """

    __tablename__ = "model_version"
    __table_args__ = (
        Index(
            "uq_model_version_in_use", "kind", "state", unique=True,
            postgresql_where="state IN ('active', 'canary', 'shadow')",
        ),
        SCHEMA,
    )  # fmt: skip
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[str]
    digest: Mapped[str]
    place: Mapped[str]
    folder: Mapped[str]
    licence: Mapped[str]
    card: Mapped[str]
    lineage: Mapped[dict[str, Any]]
    state: Mapped[str]
    share: Mapped[float]
    gate_passed: Mapped[bool | None]
    override: Mapped[str | None]
    replaced: Mapped[str | None]
    registered_at: Mapped[datetime]
    registered_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class ModelEvaluation(Base):
    """One evaluation of a version: the figures, and what the gate made of them at that time."""

    __tablename__ = "model_evaluation"
    __table_args__ = (
        Index(None, "model_id", "asked_at"),
        Index("uq_model_evaluation_pending", "model_id", unique=True, postgresql_where="state = 'pending'"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str]
    state: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    digest: Mapped[str | None]
    figures: Mapped[dict[str, Any] | None]
    per_second: Mapped[float | None]
    gate: Mapped[dict[str, Any] | None]
    note: Mapped[str]
    problem: Mapped[str | None]


class ModelObservation(Base):
    """Counts of what stood of a source on a day, by scorer and version. Drift is told by them."""

    __tablename__ = "model_observation"
    __table_args__ = (Index(None, "source_id", "scorer", "day"), Index(None, "model_id", "day"), SCHEMA)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    scorer: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    columns: Mapped[int]
    counts: Mapped[dict[str, Any]]
    drift: Mapped[list[Any]]
    observed_at: Mapped[datetime]


class ModelShadow(Base):
    """What a shadow answered on the columns of a source, added up."""

    __tablename__ = "model_shadow"
    __table_args__ = (SCHEMA,)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    columns: Mapped[int]
    agreed: Mapped[int]
    scores: Mapped[list[Any]]
    against_scores: Mapped[list[Any]]
    since: Mapped[datetime]
    until: Mapped[datetime]


class Retraining(Base):
    """A training that was proposed or asked for; of each kind at most one is open."""

    __tablename__ = "retraining"
    __table_args__ = (
        Index(
            "uq_retraining_open", "kind", unique=True,
            postgresql_where="state IN ('proposed', 'requested', 'running')",
        ),
        SCHEMA,
    )  # fmt: skip
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    reasons: Mapped[list[str]]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    model_id: Mapped[str | None]
    problem: Mapped[str | None]
