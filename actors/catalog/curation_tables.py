"""Tables of curation: the history of assets, custom properties, and how much assets are used."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class AssetChange(Base):
    """What one version of an asset changed: `changes` holds by field what it was and what it became."""

    __tablename__ = "asset_change"
    __table_args__ = (Index(None, "asset_id", "at"), SCHEMA)
    asset_id: Mapped[str] = mapped_column(ForeignKey("catalog.asset.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    principal: Mapped[str]
    kind: Mapped[str]
    changes: Mapped[dict[str, Any]]


class PropertyDefinition(Base):
    """A custom property that assets may have: of which kinds of assets, and what its values are."""

    __tablename__ = "property_definition"
    __table_args__ = SCHEMA
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]
    type: Mapped[str]
    choices: Mapped[list[str]]
    kinds: Mapped[list[str]]
    principal: Mapped[str]
    updated_at: Mapped[datetime]


class AssetUse(Base):
    """How often an asset was used on a day, as those who serve it told."""

    __tablename__ = "asset_use"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    uses: Mapped[int]


class SourceDomain(Base):
    """The domain that assets of a source belong to when they are found."""

    __tablename__ = "source_domain"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(primary_key=True)
    domain_id: Mapped[str]
