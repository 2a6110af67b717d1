"""Tables of what other tools tell of assets, apart from what inventories and scans find and from what people write."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class ToldFacet(Base):
    """What a facet of OpenLineage says of an asset by the newest event; a value of None is a facet that was taken back.

    `at` is when it came to hold (for what a run wrote, when the run completed), `event_at` the time of the event that
    told it, which decides among those of one run.
    """

    __tablename__ = "told_facet"
    __table_args__ = (Index(None, "facet", "asset_id"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(ForeignKey("catalog.asset.id"), primary_key=True)
    facet: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]
    event_at: Mapped[datetime]
    event_id: Mapped[str]
    producer: Mapped[str | None]
    job: Mapped[str | None]
    principal: Mapped[str]
    received_at: Mapped[datetime]


class DatasetAlias(Base):
    """Another name of a dataset, as the newest `symlinks` facet says."""

    __tablename__ = "dataset_alias"
    __table_args__ = (Index(None, "to_namespace", "to_name"), SCHEMA)
    namespace: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    to_namespace: Mapped[str]
    to_name: Mapped[str]
    at: Mapped[datetime]
