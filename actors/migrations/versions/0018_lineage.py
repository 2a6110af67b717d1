"""Lineage: edges that persons tell of, edges as of earlier times, and labels that lineage carries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = "catalog"


def upgrade() -> None:
    op.add_column("edge", sa.Column("author", sa.String(), nullable=True), schema=SCHEMA)
    op.add_column("edge", sa.Column("note", sa.String(), nullable=True), schema=SCHEMA)
    for end in ("from", "to"):
        op.create_index(
            f"ix_edge_{end}_ended", "edge", [f"{end}_asset", "valid_to"], schema=SCHEMA,
            postgresql_where=sa.text("valid_to IS NOT NULL"),
        )  # fmt: skip
    op.create_table(
        "carried_label",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("data_class", sa.String(), nullable=False),
        sa.Column("sensitivity", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("roots", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "column", "data_class", name=op.f("pk_carried_label")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("carried_label", schema=SCHEMA)
    for end in ("from", "to"):
        op.drop_index(f"ix_edge_{end}_ended", "edge", schema=SCHEMA)
    op.drop_column("edge", "note", schema=SCHEMA)
    op.drop_column("edge", "author", schema=SCHEMA)
