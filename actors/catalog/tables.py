"""Tables of the catalog: what machines found and what people wrote are kept in different tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}
ASSET = "catalog.asset.id"


class Asset(Base):
    """A table, view or file as the last inventory and scan found it, or what a person registered (a dashboard, a term).

    `document` is what search looks into. `domain_id` names the domain it belongs to, `parent_id` what it is a part of,
    `popularity` is 0 and more (`usage`).
    """

    __tablename__ = "asset"
    __table_args__ = (
        Index("uq_asset_source_path", "source_id", "path", unique=True),
        Index("ix_asset_path_id", "path", "id"),
        Index("ix_asset_dataset", "namespace", "dataset"),
        Index("ix_asset_document", "document", postgresql_using="gin"),
        Index("ix_asset_domain", "domain_id"),
        Index("ix_asset_parent", "parent_id"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    source_name: Mapped[str]
    source_kind: Mapped[str]
    namespace: Mapped[str]
    dataset: Mapped[str | None]
    path: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    format: Mapped[str | None]
    status: Mapped[str]
    comment: Mapped[str | None]
    definition: Mapped[str | None]
    source_owner: Mapped[str | None]
    fingerprint: Mapped[str | None]
    profiled_fingerprint: Mapped[str | None]
    rows_estimate: Mapped[int | None] = mapped_column(BigInteger)
    rows_counted: Mapped[int | None] = mapped_column(BigInteger)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    foreign_keys: Mapped[list[Any]]
    grants: Mapped[list[Any]]
    problem: Mapped[str | None]
    sensitivity: Mapped[str | None]
    coverage: Mapped[str]
    version: Mapped[int]
    schema_version: Mapped[int]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    updated_at: Mapped[datetime]
    lifecycle: Mapped[str] = mapped_column(default="discovered", server_default="discovered")
    lifecycle_at: Mapped[datetime] = mapped_column(server_default=func.now())
    domain_id: Mapped[str | None]
    parent_id: Mapped[str | None]
    popularity: Mapped[float] = mapped_column(default=0.0, server_default="0")
    document: Mapped[Any] = mapped_column(TSVECTOR, nullable=True, deferred=True)


class AssetColumn(Base):
    """A column that the asset has now."""

    __tablename__ = "asset_column"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(ForeignKey(ASSET), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    ordinal: Mapped[int]
    type: Mapped[str]
    physical_type: Mapped[str]
    nullable: Mapped[bool]
    primary_key: Mapped[bool]
    comment: Mapped[str | None]


class Annotation(Base):
    """A person's words on an asset (column "") or on a column of it; kept when the thing goes and comes back."""

    __tablename__ = "annotation"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(ForeignKey(ASSET), primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    owner: Mapped[str | None]
    tags: Mapped[list[str]]
    owners: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    tier: Mapped[str | None]
    certification: Mapped[dict[str, Any] | None]
    properties: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    principal: Mapped[str]
    updated_at: Mapped[datetime]


class Profile(Base):
    """What the last scan learned of a column."""

    __tablename__ = "profile"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(ForeignKey(ASSET), primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    profile: Mapped[dict[str, Any]]
    observed_at: Mapped[datetime]


class ShownLabel(Base):
    """A copy of a label, so that the catalog can be searched by it."""

    __tablename__ = "shown_label"
    __table_args__ = (Index(None, "data_class"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(ForeignKey(ASSET), primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    data_class: Mapped[str] = mapped_column(primary_key=True)
    sensitivity: Mapped[str]
    origin: Mapped[str]
    state: Mapped[str]
    confidence: Mapped[float]


class SchemaVersionRow(Base):
    """The columns of an asset from `seen_at` on."""

    __tablename__ = "schema_version"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(ForeignKey(ASSET), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
    columns: Mapped[list[Any]]
    added: Mapped[list[str]]
    removed: Mapped[list[str]]
    changed: Mapped[list[str]]


class Edge(Base):
    """A lineage edge while it held; `from_name` names tables that are not in the catalog."""

    __tablename__ = "edge"
    __table_args__ = (
        Index("ix_edge_from", "from_asset", postgresql_where="valid_to IS NULL"),
        Index("ix_edge_to", "to_asset", postgresql_where="valid_to IS NULL"),
        Index("ix_edge_source", "source_id", postgresql_where="valid_to IS NULL"),
        Index("ix_edge_job", "job_id", postgresql_where="valid_to IS NULL"),
        Index("ix_edge_from_ended", "from_asset", "valid_to", postgresql_where="valid_to IS NOT NULL"),
        Index("ix_edge_to_ended", "to_asset", "valid_to", postgresql_where="valid_to IS NOT NULL"),
        SCHEMA,
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    source_id: Mapped[str]
    from_asset: Mapped[str]
    from_name: Mapped[str]
    from_column: Mapped[str | None]
    to_asset: Mapped[str]
    to_name: Mapped[str]
    to_column: Mapped[str | None]
    transformation: Mapped[str]
    subtype: Mapped[str]
    masking: Mapped[bool]
    confidence: Mapped[float]
    origin: Mapped[str]
    job_id: Mapped[str | None]
    author: Mapped[str | None]
    note: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]


class CarriedLabel(Base):
    """A class that lineage carries to a column: `roots` are the labelled columns that it comes from."""

    __tablename__ = "carried_label"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    data_class: Mapped[str] = mapped_column(primary_key=True)
    sensitivity: Mapped[str]
    confidence: Mapped[float]
    state: Mapped[str]
    roots: Mapped[list[Any]]
    changed_at: Mapped[datetime]


class LineageEvent(Base):
    """An OpenLineage event; `body` keeps what Sextant does not look at, SQL without its constants.

    `id` is a hash of the body as it came.
    """

    __tablename__ = "lineage_event"
    __table_args__ = (Index("ix_lineage_event_job", "job_id", "at"), Index("ix_lineage_event_run", "run_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    job_id: Mapped[str | None]
    job_namespace: Mapped[str | None]
    job_name: Mapped[str | None]
    run_id: Mapped[str | None]
    state: Mapped[str | None]
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]
