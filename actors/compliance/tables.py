"""Tables of the compliance group."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cluster.store.base import Base

SCHEMA = {"schema": "compliance"}


class FactVersion(Base):
    """A fact in one of its versions. Old versions stay, because verdicts that were reached on them are replayed."""

    __tablename__ = "fact"
    __table_args__ = (Index("ix_fact_current", "source_id", "kind", postgresql_where="current"), SCHEMA)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[dict[str, Any]]
    digest: Mapped[str]
    current: Mapped[bool]
    observed_at: Mapped[datetime]


class Rule(Base):
    """A check of a control as it was when a verdict was reached by it."""

    __tablename__ = "rule"
    __table_args__ = SCHEMA
    digest: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]]


class Finding(Base):
    """The standing verdict of a check for a control on a subject.

    `facts` are [kind, subject, version, digest]; `stale` are the kinds of fact that were too old. `content` is the
    SHA-256 of all that a change would show in, `statement` of what two runs on equal data have in common.
    """

    __tablename__ = "finding"
    __table_args__ = (
        Index(None, "source_id", "id"),
        Index(None, "source_id", "framework", "control"),
        Index(None, "subject"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    source_id: Mapped[str]
    framework: Mapped[str]
    control: Mapped[str]
    check: Mapped[str]
    subject: Mapped[str]
    subject_name: Mapped[str]
    verdict: Mapped[str]
    severity: Mapped[str]
    reason: Mapped[str]
    action: Mapped[str]
    columns: Mapped[list[str]]
    facts: Mapped[list[Any]]
    stale: Mapped[list[str]]
    rule_digest: Mapped[str]
    content: Mapped[str]
    statement: Mapped[str]
    state: Mapped[str]
    first_seen: Mapped[datetime]
    last_changed: Mapped[datetime]


class NotApplicable(Base):
    """How many subjects a check of a control does not concern, and why: counted, not listed."""

    __tablename__ = "not_applicable"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(primary_key=True)
    framework: Mapped[str] = mapped_column(primary_key=True)
    control: Mapped[str] = mapped_column(primary_key=True)
    check: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    subjects: Mapped[int]


class Recommendation(Base):
    """What to do next about a source. `findings` and `subjects` name the weightiest; `why` says how many there are."""

    __tablename__ = "recommendation"
    __table_args__ = (Index(None, "source_id", "rank"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str]
    rank: Mapped[int]
    action: Mapped[str]
    title: Mapped[str]
    why: Mapped[str]
    subjects: Mapped[list[str]]
    findings: Mapped[list[str]]
    controls: Mapped[list[str]]
    risk_removed: Mapped[float]
    effort: Mapped[str]
