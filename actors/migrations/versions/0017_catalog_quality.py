"""The catalog: glossary, data quality, contracts, monitors, incidents and alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    "term",
    "term_relation",
    "term_link",
    "quality_test",
    "quality_run",
    "quality_result",
    "metric_point",
    "dimension_score",
    "data_contract",
    "monitor",
    "incident",
    "alert_channel",
    "alert",
)


def upgrade() -> None:
    op.create_table(
        "term",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("abbreviations", postgresql.JSONB(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=True),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_term")),
        schema="catalog",
    )
    op.create_table(
        "term_relation",
        sa.Column("from_term", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("to_term", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("from_term", "relation", "to_term", name=op.f("pk_term_relation")),
        schema="catalog",
    )
    op.create_index(op.f("ix_term_relation_to_term"), "term_relation", ["to_term"], unique=False, schema="catalog")
    op.create_table(
        "term_link",
        sa.Column("term_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("steward", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("term_id", "asset_id", "column", name=op.f("pk_term_link")),
        schema="catalog",
    )
    op.create_index(op.f("ix_term_link_asset_id"), "term_link", ["asset_id"], unique=False, schema="catalog")
    op.create_table(
        "quality_test",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("contract_id", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_test")),
        schema="catalog",
    )
    op.create_index(op.f("ix_quality_test_asset_id"), "quality_test", ["asset_id"], unique=False, schema="catalog")
    op.create_table(
        "quality_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_run")),
        schema="catalog",
    )
    op.create_index(
        op.f("ix_quality_run_asset_id_requested_at"),
        "quality_run",
        ["asset_id", "requested_at"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_quality_run_open",
        "quality_run",
        ["requested_at"],
        unique=False,
        schema="catalog",
        postgresql_where="state = 'pending'",
    )
    op.create_table(
        "quality_result",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("test_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("observed", sa.Double(), nullable=True),
        sa.Column("passed_rows", sa.Integer(), nullable=True),
        sa.Column("failed_rows", sa.Integer(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "test_id", name=op.f("pk_quality_result")),
        schema="catalog",
    )
    op.create_index(
        op.f("ix_quality_result_asset_id_at"), "quality_result", ["asset_id", "at"], unique=False, schema="catalog"
    )
    op.create_index(
        op.f("ix_quality_result_test_id_at"), "quality_result", ["test_id", "at"], unique=False, schema="catalog"
    )
    op.create_table(
        "metric_point",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "column", "metric", "at", name=op.f("pk_metric_point")),
        schema="catalog",
    )
    op.create_table(
        "dimension_score",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "dimension", "day", name=op.f("pk_dimension_score")),
        schema="catalog",
    )
    op.create_table(
        "data_contract",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("schema_name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_contract")),
        schema="catalog",
    )
    op.create_index(op.f("ix_data_contract_asset_id"), "data_contract", ["asset_id"], unique=False, schema="catalog")
    op.create_table(
        "monitor",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor")),
        schema="catalog",
    )
    op.create_index(op.f("ix_monitor_asset_id"), "monitor", ["asset_id"], unique=False, schema="catalog")
    op.create_table(
        "incident",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        schema="catalog",
    )
    op.create_index(
        op.f("ix_incident_state_opened_at"), "incident", ["state", "opened_at"], unique=False, schema="catalog"
    )
    op.create_index(
        "uq_incident_open",
        "incident",
        ["asset_id", "cause"],
        unique=True,
        schema="catalog",
        postgresql_where="state != 'Resolved'",
    )
    op.create_table(
        "alert_channel",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.Column("least_severity", sa.Integer(), nullable=False),
        sa.Column("domain_id", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channel")),
        sa.UniqueConstraint("name", name=op.f("uq_alert_channel_name")),
        schema="catalog",
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        schema="catalog",
    )
    op.create_index(
        "ix_alert_due", "alert", ["due_at"], unique=False, schema="catalog", postgresql_where="state = 'pending'"
    )
    op.create_index(op.f("ix_alert_incident_id"), "alert", ["incident_id"], unique=False, schema="catalog")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema="catalog")
