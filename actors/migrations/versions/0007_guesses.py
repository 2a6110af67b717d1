"""What models said of columns, kept so that they are not asked the same again, and the model that a label rests on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("label", sa.Column("model", sa.String(), nullable=True), schema="classification")
    op.create_table(
        "guess",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("guesses", postgresql.JSONB(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "column", "tier", name=op.f("pk_guess")),
        schema="classification",
    )
    op.create_index(op.f("ix_guess_source_id"), "guess", ["source_id"], schema="classification")


def downgrade() -> None:
    op.drop_table("guess", schema="classification")
    op.drop_column("label", "model", schema="classification")
