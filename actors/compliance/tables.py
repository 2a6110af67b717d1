"""Tables of the compliance group."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index
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
    """The standing verdict of a check for a control on a subject, reached at `last_changed`.

    `opened_at` is since when it is open, None if it is not. `facts` are [kind, subject, version, digest]; `stale` are
    the kinds of fact that were too old. `content` is a hash of all that a change would show in, `statement` of what
    two runs on equal data have in common; `id` is the beginning of the fingerprint.
    """

    __tablename__ = "finding"
    __table_args__ = (
        Index(None, "source_id", "id"),
        Index(None, "source_id", "framework", "control"),
        Index(None, "subject"),
        Index("ix_finding_open", "opened_at", postgresql_where="state = 'open'"),
        SCHEMA,
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
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
    opened_at: Mapped[datetime | None]


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
    settles: Mapped[list[str]]
    can_act: Mapped[bool]
    risk_removed: Mapped[float]
    effort: Mapped[str]


class Holding(Base):
    """What an asset holds, by the facts that stand: by it the witnesses of a check are found without reading them all.

    `settled` and `review` are the tags of its labels; `unread` is true if silence about a tag shows nothing.
    """

    __tablename__ = "holding"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    tags: Mapped[list[str]]
    labels: Mapped[list[Any]]
    unread: Mapped[bool]


class Judged(Base):
    """When a framework was last evaluated for a source, by which version of its pack, over how many assets."""

    __tablename__ = "judged"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(primary_key=True)
    framework: Mapped[str] = mapped_column(primary_key=True)
    pack_digest: Mapped[str]
    at: Mapped[datetime]
    assets: Mapped[int]


class Followed(Base):
    """Up to which event changed facts were followed; one row."""

    __tablename__ = "followed"
    __table_args__ = SCHEMA
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)


class Record(Base):
    """A record in one of its versions. Old versions stay."""

    __tablename__ = "record"
    __table_args__ = (Index("ix_record_current", "kind", "id", postgresql_where="current"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    name: Mapped[str]
    body: Mapped[dict[str, Any]]
    digest: Mapped[str]
    current: Mapped[bool]
    ended: Mapped[bool]
    by: Mapped[str]
    at: Mapped[datetime]


class Handled(Base):
    """What a person does about a finding, and until which content of it their word counts."""

    __tablename__ = "handled"
    __table_args__ = SCHEMA
    finding_id: Mapped[str] = mapped_column(primary_key=True)
    handling: Mapped[str]
    assignee: Mapped[str | None]
    due_at: Mapped[date | None]
    note: Mapped[str]
    content: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class MissedDeadline(Base):
    """The deadline of a finding that passed, and that was told of."""

    __tablename__ = "missed_deadline"
    __table_args__ = SCHEMA
    finding_id: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[date]


class Waiver(Base):
    """An exception that was asked for."""

    __tablename__ = "waiver"
    __table_args__ = (Index(None, "finding_id"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    finding_id: Mapped[str]
    framework: Mapped[str]
    control: Mapped[str]
    subject_name: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    compensating_control: Mapped[str]
    requested_by: Mapped[str]
    approver: Mapped[str]
    decided_by: Mapped[str | None]
    decision: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[date]


class Order(Base):
    """Something to be done to data. `given` is what the work needs; its secrets are sealed under its id in the ground,
    and gone when it has ended.
    """

    __tablename__ = "order"
    __table_args__ = (Index(None, "state"), SCHEMA)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    sources: Mapped[list[str]]
    subject: Mapped[str | None]
    given: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any] | None]
    outcome: Mapped[dict[str, Any] | None]
    problem: Mapped[str | None]
    requested_by: Mapped[str]
    approved_by: Mapped[str | None]
    requested_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    due_at: Mapped[date | None]


class RiskDay(Base):
    """The risk of a source on a day, as it was last that day."""

    __tablename__ = "risk_day"
    __table_args__ = SCHEMA
    source_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    score: Mapped[float]
    total: Mapped[float]
    columns: Mapped[int]
    unknown: Mapped[int]
    failing: Mapped[int]
