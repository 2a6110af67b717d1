"""Measurements of sources, and the rows of a batch that they advise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = "sources"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("source", sa.Column("fetch_rows", sa.Integer(), nullable=True), schema=SCHEMA)
    op.create_table(
        "tuning",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "source_id", "state")),
        sa.Column("most_connections", sa.Integer(), nullable=False),
        *(sa.Column(name, postgresql.JSONB(), nullable=True) for name in ("measured", "advice", "problem")),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tuning")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.source.id"], name=op.f("fk_tuning_source_id_source")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_tuning_state"), "tuning", ["state"], schema=SCHEMA)
    op.create_index(op.f("ix_tuning_source_id_requested_at"), "tuning", ["source_id", "requested_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("tuning", schema=SCHEMA)
    op.drop_column("source", "fetch_rows", schema=SCHEMA)
