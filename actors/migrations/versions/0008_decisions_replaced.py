"""The decision that another one replaced, so that undoing that one brings it back wherever its column is by then."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("replaces", sa.BigInteger(), nullable=True), schema="classification")


def downgrade() -> None:
    op.drop_column("decision", "replaces", schema="classification")
