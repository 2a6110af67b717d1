"""Review of labels: decisions made in one go, and why in terms that can be counted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("reason_code", "batch_id"):
        op.add_column("decision", sa.Column(name, sa.String(), nullable=True), schema="classification")
    op.create_index(op.f("ix_decision_batch_id"), "decision", ["batch_id"], schema="classification")


def downgrade() -> None:
    op.drop_index(op.f("ix_decision_batch_id"), "decision", schema="classification")
    for name in ("reason_code", "batch_id"):
        op.drop_column("decision", name, schema="classification")
