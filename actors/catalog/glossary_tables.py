"""Tables of the glossary: what a term is beyond an asset, how terms relate, and which columns they are linked to."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "catalog"}


class Term(Base):
    """The state of a glossary term; its name, definition and place are those of its asset."""

    __tablename__ = "term"
    __table_args__ = SCHEMA
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    abbreviations: Mapped[list[str]]
    proposed_by: Mapped[str | None]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class TermRelation(Base):
    """One relation between two terms, in its canonical direction; the other direction is read from it."""

    __tablename__ = "term_relation"
    __table_args__ = (Index(None, "to_term"), SCHEMA)
    from_term: Mapped[str] = mapped_column(primary_key=True)
    relation: Mapped[str] = mapped_column(primary_key=True)
    to_term: Mapped[str] = mapped_column(primary_key=True)


class TermLink(Base):
    """A term on a column, or on an asset (column ""). `reasons` are the figures that spoke for it."""

    __tablename__ = "term_link"
    __table_args__ = (Index(None, "asset_id"), SCHEMA)
    term_id: Mapped[str] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    confidence: Mapped[float]
    reasons: Mapped[dict[str, Any]]
    steward: Mapped[str | None]
    changed_at: Mapped[datetime]
