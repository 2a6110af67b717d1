"""Tables of data quality: tests, runs, results, the history of figures, and contracts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class QualityTest(Base):
    """One test of an asset or a column of it (column "": of the asset). `origin` is human, suggested or contract."""

    __tablename__ = "quality_test"
    __table_args__ = (Index(None, "asset_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    column: Mapped[str]
    definition: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    dimension: Mapped[str]
    severity: Mapped[int]
    origin: Mapped[str]
    contract_id: Mapped[str | None]
    enabled: Mapped[bool]
    principal: Mapped[str]
    created_at: Mapped[datetime]


class QualityRun(Base):
    """One run of the tests of an asset; what profiles cannot decide waits for a worker that reads the asset."""

    __tablename__ = "quality_run"
    __table_args__ = (
        Index("ix_quality_run_open", "requested_at", postgresql_where="state = 'pending'"),
        Index(None, "asset_id", "requested_at"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    state: Mapped[str]
    principal: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    problem: Mapped[str | None]


class QualityResult(Base):
    """What a test came to in a run. `observed` is a figure, never a value of the data."""

    __tablename__ = "quality_result"
    __table_args__ = (Index(None, "asset_id", "at"), Index(None, "test_id", "at"), SCHEMA)
    run_id: Mapped[str] = mapped_column(primary_key=True)
    test_id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    dimension: Mapped[str]
    at: Mapped[datetime]
    status: Mapped[str]
    method: Mapped[str]
    observed: Mapped[float | None]
    passed_rows: Mapped[int | None]
    failed_rows: Mapped[int | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    reason: Mapped[str | None]


class MetricPoint(Base):
    """A figure of an asset or a column at a time, from which bounds are learned."""

    __tablename__ = "metric_point"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float]


class DimensionScore(Base):
    """How many tests of a dimension passed on a day, by the last result of each."""

    __tablename__ = "dimension_score"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    passed: Mapped[int]
    total: Mapped[int]


class DataContract(Base):
    """A contract as it was imported (ODCS), the asset it is about, and what its last check found."""

    __tablename__ = "data_contract"
    __table_args__ = (Index(None, "asset_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str]
    schema_name: Mapped[str]
    version: Mapped[str]
    status: Mapped[str]
    body: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    principal: Mapped[str]
    updated_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
