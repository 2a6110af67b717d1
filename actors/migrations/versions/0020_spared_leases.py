"""Leases that cost a partition no attempt are counted by themselves: retries and budgets are none of them."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partition", sa.Column("spared", sa.Integer(), nullable=False, server_default="0"), schema="scans")


def downgrade() -> None:
    op.drop_column("partition", "spared", schema="scans")
