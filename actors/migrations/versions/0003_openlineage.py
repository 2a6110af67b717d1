"""Lineage events of other tools, and the names by which they know assets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("asset", sa.Column("dataset", sa.String(), nullable=True), schema="catalog")
    op.create_index("ix_asset_dataset", "asset", ["namespace", "dataset"], schema="catalog")
    op.add_column("edge", sa.Column("job_id", sa.String(), nullable=True), schema="catalog")
    op.create_index("ix_edge_job", "edge", ["job_id"], schema="catalog", postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "lineage_event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("job_namespace", sa.String(), nullable=True),
        sa.Column("job_name", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage_event")),
        schema="catalog",
    )
    op.create_index("ix_lineage_event_job", "lineage_event", ["job_id", "at"], schema="catalog")
    op.create_index("ix_lineage_event_run", "lineage_event", ["run_id"], schema="catalog")


def downgrade() -> None:
    op.drop_table("lineage_event", schema="catalog")
    op.drop_index("ix_edge_job", "edge", schema="catalog")
    op.drop_column("edge", "job_id", schema="catalog")
    op.drop_index("ix_asset_dataset", "asset", schema="catalog")
    op.drop_column("asset", "dataset", schema="catalog")
