"""Accounts that are looked through for sources, and what was found in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SCHEMA = "sources"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "name", "provider", "state")),
        sa.Column("url", sa.String(), nullable=True),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("regions", "options")),
        sa.Column("has_credential", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("listed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_account_name_live", "account", ["name"], unique=True, schema=SCHEMA,
        postgresql_where=sa.text("state <> 'retired'"),
    )  # fmt: skip
    op.create_table(
        "account_discovery",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "account_id", "state")),
        sa.Column("complete", sa.Boolean(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("resources", "new", "changed", "gone")),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_discovery")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["sources.account.id"], name=op.f("fk_account_discovery_account_id_account")
        ),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_account_discovery_state"), "account_discovery", ["state"], schema=SCHEMA)
    index = op.f("ix_account_discovery_account_id_requested_at")
    op.create_index(index, "account_discovery", ["account_id", "requested_at"], schema=SCHEMA)
    op.create_table(
        "resource",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "account_id", "native_id", "kind", "name")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("region", "engine", "url")),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("ignored", "gone")),
        *(sa.Column(name, TIME, nullable=False) for name in ("first_seen", "last_seen")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.ForeignKeyConstraint(["account_id"], ["sources.account.id"], name=op.f("fk_resource_account_id_account")),
        schema=SCHEMA,
    )
    index = op.f("ix_resource_account_id_native_id")
    op.create_index(index, "resource", ["account_id", "native_id"], unique=True, schema=SCHEMA)
    op.create_index(op.f("ix_resource_url"), "resource", ["url"], schema=SCHEMA)


def downgrade() -> None:
    for table in ("resource", "account_discovery", "account"):
        op.drop_table(table, schema=SCHEMA)
