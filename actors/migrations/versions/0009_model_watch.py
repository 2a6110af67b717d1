"""Models at work: observations for drift, what shadows answered, trainings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "classification"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "model_observation",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "scorer", "model_id")),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("counts", "drift")),
        sa.Column("observed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "scorer", "model_id", "day", name=op.f("pk_model_observation")),
        schema=SCHEMA,
    )
    index = op.f("ix_model_observation_source_id_scorer_day")
    op.create_index(index, "model_observation", ["source_id", "scorer", "day"], schema=SCHEMA)
    op.create_index(op.f("ix_model_observation_model_id_day"), "model_observation", ["model_id", "day"], schema=SCHEMA)
    op.create_table(
        "model_shadow",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("model_id", "source_id")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("columns", "agreed")),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("scores", "against_scores")),
        *(sa.Column(name, TIME, nullable=False) for name in ("since", "until")),
        sa.PrimaryKeyConstraint("model_id", "source_id", name=op.f("pk_model_shadow")),
        schema=SCHEMA,
    )
    op.create_table(
        "retraining",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "kind", "state")),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        *(sa.Column(name, TIME, nullable=False) for name in ("asked_at", "changed_at")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("model_id", "problem")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retraining")),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_retraining_open", "retraining", ["kind"], unique=True, schema=SCHEMA,
        postgresql_where=sa.text("state IN ('proposed', 'requested', 'running')"),
    )  # fmt: skip


def downgrade() -> None:
    for table in ("retraining", "model_shadow", "model_observation"):
        op.drop_table(table, schema=SCHEMA)
