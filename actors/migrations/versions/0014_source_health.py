"""The health of sources: how each stands, its probes by minute and hour, and its changes of state."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "sources"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "health",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "state", "breaker")),
        sa.Column("standing", postgresql.JSONB(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        *(sa.Column(name, TIME, nullable=True) for name in ("checked_at", "next_probe_at", "asked_at")),
        sa.Column("diagnosis", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_health")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source.id"], name=op.f("fk_health_source_id_source")),
        schema=SCHEMA,
    )
    op.create_table(
        "probes",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "step")),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("probes", "failures")),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("max_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "step", "at", name=op.f("pk_probes")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_probes_step_at"), "probes", ["step", "at"], schema=SCHEMA)
    op.create_table(
        "health_change",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("before", "after")),
        sa.Column("diagnosis", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "at", name=op.f("pk_health_change")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_health_change_at"), "health_change", ["at"], schema=SCHEMA)


def downgrade() -> None:
    for table in ("health_change", "probes", "health"):
        op.drop_table(table, schema=SCHEMA)
