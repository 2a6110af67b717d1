"""What facets of OpenLineage tell of assets, and the other names of datasets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SCHEMA = "catalog"


def upgrade() -> None:
    op.create_table(
        "told_facet",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("facet", sa.String(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("producer", sa.String(), nullable=True),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["catalog.asset.id"], name=op.f("fk_told_facet_asset_id_asset")),
        sa.PrimaryKeyConstraint("asset_id", "facet", name=op.f("pk_told_facet")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_told_facet_facet_asset_id"), "told_facet", ["facet", "asset_id"], schema=SCHEMA)
    op.create_table(
        "dataset_alias",
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("to_namespace", sa.String(), nullable=False),
        sa.Column("to_name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_dataset_alias")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_dataset_alias_to_namespace_to_name"), "dataset_alias", ["to_namespace", "to_name"], schema=SCHEMA
    )


def downgrade() -> None:
    op.drop_table("dataset_alias", schema=SCHEMA)
    op.drop_table("told_facet", schema=SCHEMA)
