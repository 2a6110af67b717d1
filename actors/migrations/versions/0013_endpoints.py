"""Endpoints of sources, and the nodes that can reach them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column, default in (
        (sa.Column("endpoints", postgresql.JSONB(), nullable=False, server_default="[]"), None),
        (sa.Column("max_lag_seconds", sa.Float(), nullable=False, server_default="60"), None),
        (sa.Column("node_labels", postgresql.JSONB(), nullable=False, server_default="{}"), None),
    ):
        op.add_column("source", column, schema="sources")
        op.alter_column("source", column.name, server_default=default, schema="sources")


def downgrade() -> None:
    for name in ("node_labels", "max_lag_seconds", "endpoints"):
        op.drop_column("source", name, schema="sources")
