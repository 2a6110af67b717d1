"""Governed models: versions with their states, and evaluations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "classification"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "model_version",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "name", "version", "digest")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("place", "folder", "licence", "card")),
        sa.Column("lineage", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("gate_passed", sa.Boolean(), nullable=True),
        sa.Column("override", sa.String(), nullable=True),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("registered_by", sa.String(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        schema=SCHEMA,
    )
    in_use = sa.text("state IN ('active', 'canary', 'shadow')")
    op.create_index(
        "uq_model_version_in_use", "model_version", ["kind", "state"], unique=True, schema=SCHEMA,
        postgresql_where=in_use,
    )  # fmt: skip
    op.create_table(
        "model_evaluation",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "model_id", "state", "asked_by")),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("figures", postgresql.JSONB(), nullable=True),
        sa.Column("per_second", sa.Float(), nullable=True),
        sa.Column("gate", postgresql.JSONB(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_evaluation")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_model_evaluation_model_id_asked_at"), "model_evaluation", ["model_id", "asked_at"], schema=SCHEMA
    )
    op.create_index(
        "uq_model_evaluation_pending", "model_evaluation", ["model_id"], unique=True, schema=SCHEMA,
        postgresql_where=sa.text("state = 'pending'"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("model_evaluation", schema=SCHEMA)
    op.drop_table("model_version", schema=SCHEMA)
