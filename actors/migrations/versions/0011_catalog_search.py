"""The catalog: compartments, domains, curation with history, words and phrases for search."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "catalog"
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()


def upgrade() -> None:
    for table, columns in (
        ("compartment_member", ("compartment", "member")),
        ("concealed", ("asset_id", "compartment")),
    ):
        keys = [sa.Column(name, sa.String(), nullable=False) for name in columns]
        op.create_table(table, *keys, sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}")), schema="ground")
    op.create_index(op.f("ix_concealed_compartment"), "concealed", ["compartment"], schema="ground")
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("lifecycle", sa.String(), nullable=False, server_default="discovered"),
        sa.Column("lifecycle_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("domain_id", sa.String(), nullable=True),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("popularity", sa.Float(), nullable=False, server_default="0"),
    )
    for column in added:
        op.add_column("asset", column, schema=SCHEMA)
    op.execute(
        "UPDATE catalog.asset SET lifecycle = CASE status WHEN 'gone' THEN 'stale' ELSE"
        " CASE coverage WHEN 'none' THEN 'discovered' ELSE 'active' END END"
    )
    op.create_index("ix_asset_domain", "asset", ["domain_id"], schema=SCHEMA)
    op.create_index("ix_asset_parent", "asset", ["parent_id"], schema=SCHEMA)
    words: tuple[sa.Column[Any], ...] = (
        sa.Column("owners", JSONB, nullable=False, server_default="[]"),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("certification", JSONB, nullable=True),
        sa.Column("properties", JSONB, nullable=False, server_default="{}"),
    )
    for column in words:
        op.add_column("annotation", column, schema=SCHEMA)
    _curation()
    _search()


def _curation() -> None:
    op.create_table(
        "asset_change",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("principal", "kind")),
        sa.Column("changes", JSONB, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["catalog.asset.id"], name=op.f("fk_asset_change_asset_id_asset")),
        sa.PrimaryKeyConstraint("asset_id", "version", name=op.f("pk_asset_change")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_asset_change_asset_id_at"), "asset_change", ["asset_id", "at"], schema=SCHEMA)
    op.create_table(
        "property_definition",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "description", "type")),
        *(sa.Column(name, JSONB, nullable=False) for name in ("choices", "kinds")),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_property_definition")),
        schema=SCHEMA,
    )
    op.create_table(
        "asset_use",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "day", name=op.f("pk_asset_use")),
        schema=SCHEMA,
    )
    op.create_table(
        "source_domain",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source_id", "domain_id")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_domain")),
        schema=SCHEMA,
    )


def _search() -> None:
    op.create_table(
        "word",
        sa.Column("word", sa.String(collation="C"), nullable=False),
        sa.Column("variants", sa.ARRAY(sa.String()), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_word")),
        schema=SCHEMA,
    )
    op.create_index("ix_word_variants", "word", ["variants"], schema=SCHEMA, postgresql_using="gin")
    op.create_table(
        "phrase",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("vector", sa.ARRAY(sa.REAL()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrase")),
        sa.UniqueConstraint("text", name=op.f("uq_phrase_text")),
        schema=SCHEMA,
    )
    pending = sa.text("vector IS NULL")
    op.create_index("ix_phrase_pending", "phrase", ["id"], schema=SCHEMA, postgresql_where=pending)


def downgrade() -> None:
    for table in ("phrase", "word", "source_domain", "asset_use", "property_definition", "asset_change"):
        op.drop_table(table, schema=SCHEMA)
    for column in ("owners", "tier", "certification", "properties"):
        op.drop_column("annotation", column, schema=SCHEMA)
    for index in ("ix_asset_parent", "ix_asset_domain"):
        op.drop_index(index, table_name="asset", schema=SCHEMA)
    for column in ("lifecycle", "lifecycle_at", "domain_id", "parent_id", "popularity"):
        op.drop_column("asset", column, schema=SCHEMA)
    for table in ("concealed", "compartment_member"):
        op.drop_table(table, schema="ground")
