"""Scans: sampling, priority, plans, pauses, budgets, definitions with triggers, and reports that outlive a rule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _runs()
    _reports_and_partitions()
    _definitions()
    _limits()
    op.add_column("workflow", sa.Column("key", sa.String(), nullable=True), schema="orchestrator")
    op.create_unique_constraint(op.f("uq_workflow_key"), "workflow", ["key"], schema="orchestrator")


def _runs() -> None:
    op.add_column("run", sa.Column("sampling", JSON), schema="scans")
    op.add_column("run", sa.Column("priority", sa.Integer(), nullable=False, server_default="5"), schema="scans")
    op.add_column("run", sa.Column("plan_only", sa.Boolean(), nullable=False, server_default="false"), schema="scans")
    for name in ("definition_id", "degraded", "paused_from"):
        op.add_column("run", sa.Column(name, sa.String(), nullable=True), schema="scans")
    op.add_column("run", sa.Column("leased_at", TIME, nullable=True), schema="scans")
    op.execute(
        "UPDATE scans.run SET sampling = jsonb_build_object('method', CASE level WHEN 'census' THEN 'census' "
        "ELSE 'fraction' END, 'share', sample_share, 'width', 0.02, 'seed', 0)"
    )
    op.alter_column("run", "sampling", nullable=False, schema="scans")
    for name in ("priority", "plan_only"):
        op.alter_column("run", name, server_default=None, schema="scans")
    op.drop_column("run", "level", schema="scans")
    op.drop_column("run", "sample_share", schema="scans")
    op.create_index(op.f("ix_run_definition_id"), "run", ["definition_id"], schema="scans")


def _reports_and_partitions() -> None:
    op.create_table(
        "rules",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("detectors", JSON, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_rules")),
        schema="scans",
    )
    op.create_index(op.f("ix_rules_basis"), "rules", ["basis"], schema="scans")
    for column in (
        sa.Column("base_id", sa.BigInteger(), nullable=True),
        sa.Column("only", JSON, nullable=True),
        sa.Column("cpu_seconds", sa.Double(), nullable=True),
        sa.Column("peak_rss_mb", sa.Double(), nullable=True),
        sa.Column("node", sa.String(), nullable=True),
        sa.Column("pace", JSON, nullable=True),
        sa.Column("leased_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
    ):
        op.add_column("partition", column, schema="scans")
    op.create_foreign_key(
        op.f("fk_partition_base_id_report"), "partition", "report", ["base_id"], ["id"],
        source_schema="scans", referent_schema="scans", ondelete="SET NULL",
    )  # fmt: skip
    op.create_index(op.f("ix_partition_base_id"), "partition", ["base_id"], schema="scans")
    op.create_index(
        "ix_partition_leased", "partition", ["run_id"], schema="scans", postgresql_where=sa.text("state = 'leased'")
    )


def _definitions() -> None:
    op.create_table(
        "definition",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition")),
        sa.UniqueConstraint("name", name=op.f("uq_definition_name")),
        schema="scans",
    )
    op.create_index(op.f("ix_definition_source_id"), "definition", ["source_id"], schema="scans")
    op.create_table(
        "trigger",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("definition_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("fired_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["scans.definition.id"], name=op.f("fk_trigger_definition_id_definition")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger")),
        schema="scans",
    )
    op.create_index(op.f("ix_trigger_definition_id"), "trigger", ["definition_id"], schema="scans")
    op.create_index(op.f("ix_trigger_next_at"), "trigger", ["next_at"], schema="scans")
    op.create_table(
        "occurrence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("definition_id", sa.String(), nullable=False),
        sa.Column("trigger_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("workflow_id", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["scans.definition.id"], name=op.f("fk_occurrence_definition_id_definition")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrence")),
        sa.UniqueConstraint("key", name=op.f("uq_occurrence_key")),
        schema="scans",
    )
    for columns in (["definition_id", "at"], ["state", "at"], ["run_id"], ["workflow_id"]):
        op.create_index(op.f(f"ix_occurrence_{'_'.join(columns)}"), "occurrence", columns, schema="scans")


def _limits() -> None:
    op.create_table(
        "budget",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_budget")),
        schema="scans",
    )
    op.create_table(
        "rate",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("learned_from", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_rate")),
        schema="scans",
    )


def downgrade() -> None:
    op.drop_column("workflow", "key", schema="orchestrator")
    for table in ("rate", "budget", "occurrence", "trigger", "definition"):
        op.drop_table(table, schema="scans")
    op.drop_index("ix_partition_leased", "partition", schema="scans")
    for column in ("base_id", "only", "cpu_seconds", "peak_rss_mb", "node", "pace", "leased_at", "ended_at"):
        op.drop_column("partition", column, schema="scans")
    op.drop_table("rules", schema="scans")
    op.add_column("run", sa.Column("level", sa.String(), nullable=False, server_default="census"), schema="scans")
    op.add_column("run", sa.Column("sample_share", sa.Double(), nullable=False, server_default="1"), schema="scans")
    op.execute(
        "UPDATE scans.run SET level = CASE sampling->>'method' WHEN 'census' THEN 'census' ELSE 'sample' END, "
        "sample_share = (sampling->>'share')::float8"
    )
    for name in ("level", "sample_share"):
        op.alter_column("run", name, server_default=None, schema="scans")
    for name in ("sampling", "priority", "plan_only", "definition_id", "degraded", "paused_from", "leased_at"):
        op.drop_column("run", name, schema="scans")
