"""Assets that were renamed: where they came from, and reports that serve equal content under another name."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inventory", sa.Column("moved_from", sa.String(), nullable=True), schema="sources")
    op.add_column("report", sa.Column("source_id", sa.String(), nullable=True), schema="scans")
    op.execute(
        "UPDATE scans.report SET source_id = run.source_id FROM scans.asset JOIN scans.run ON run.id = asset.run_id "
        "WHERE asset.asset_id = report.asset_id"
    )
    op.execute("DELETE FROM scans.report WHERE source_id IS NULL")
    op.alter_column("report", "source_id", nullable=False, schema="scans")
    op.create_index(op.f("ix_report_source_id_content_key"), "report", ["source_id", "content_key"], schema="scans")


def downgrade() -> None:
    op.drop_column("report", "source_id", schema="scans")
    op.drop_column("inventory", "moved_from", schema="sources")
