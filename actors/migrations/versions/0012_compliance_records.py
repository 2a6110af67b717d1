"""Compliance: records, waivers, orders, what people do about findings, and evaluation where facts changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "compliance"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.drop_table("not_applicable", schema=SCHEMA)
    op.drop_constraint(op.f("uq_finding_fingerprint"), "finding", schema=SCHEMA)  # the id is its beginning
    op.add_column("finding", sa.Column("opened_at", TIME, nullable=True), schema=SCHEMA)
    op.execute("UPDATE compliance.finding SET opened_at = last_changed WHERE state = 'open'")
    op.create_table(
        "holding",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "subject", "name", "kind")),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("tags", "labels")),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "subject", name=op.f("pk_holding")),
        schema=SCHEMA,
    )
    op.create_table(
        "judged",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "framework", "pack_digest")),
        sa.Column("at", TIME, nullable=False),
        sa.Column("assets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "framework", name=op.f("pk_judged")),
        schema=SCHEMA,
    )
    op.create_table(
        "followed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followed")),
        schema=SCHEMA,
    )
    op.create_table(
        "record",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "name", "digest", "by")),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("current", "ended")),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_record")),
        schema=SCHEMA,
    )
    op.create_index("ix_record_current", "record", ["kind", "id"], schema=SCHEMA, postgresql_where=sa.text("current"))
    _people()


def _people() -> None:
    op.create_table(
        "handled",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("finding_id", "handling", "note", "content", "by")),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("due_at", sa.Date(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_handled")),
        schema=SCHEMA,
    )
    names = ("id", "finding_id", "framework", "control", "subject_name", "state", "reason", "compensating_control")
    op.create_table(
        "waiver",
        *(sa.Column(name, sa.String(), nullable=False) for name in (*names, "requested_by", "approver")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("decided_by", "decision")),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("expires_at", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_waiver_finding_id"), "waiver", ["finding_id"], schema=SCHEMA)

    _orders()


def _orders() -> None:
    op.create_table(
        "order",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "kind", "state", "requested_by")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("subject", "sealed", "problem", "approved_by")),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("sources", "given")),
        *(sa.Column(name, postgresql.JSONB(), nullable=True) for name in ("plan", "outcome")),
        *(sa.Column(name, TIME, nullable=False) for name in ("requested_at", "changed_at")),
        sa.Column("due_at", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_order_state"), "order", ["state"], schema=SCHEMA)
    op.create_table(
        "risk_day",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("score", "total")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("columns", "unknown", "failing")),
        sa.PrimaryKeyConstraint("source_id", "day", name=op.f("pk_risk_day")),
        schema=SCHEMA,
    )
    op.execute("DELETE FROM compliance.recommendation")  # they are made again by the next advice
    op.add_column("recommendation", sa.Column("settles", postgresql.JSONB(), nullable=False), schema=SCHEMA)
    op.add_column("recommendation", sa.Column("can_act", sa.Boolean(), nullable=False), schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("recommendation", "can_act", schema=SCHEMA)
    op.drop_column("recommendation", "settles", schema=SCHEMA)
    for table in ("risk_day", "order", "waiver", "handled", "record", "followed", "judged", "holding"):
        op.drop_table(table, schema=SCHEMA)
    op.drop_column("finding", "opened_at", schema=SCHEMA)
    op.create_unique_constraint(op.f("uq_finding_fingerprint"), "finding", ["fingerprint"], schema=SCHEMA)
    text = (
        sa.Column(name, sa.String(), nullable=False)
        for name in ("source_id", "framework", "control", "check", "reason")
    )
    op.create_table(
        "not_applicable",
        *text,
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "framework", "control", "check", "reason", name=op.f("pk_not_applicable")),
        schema=SCHEMA,
    )
