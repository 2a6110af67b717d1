"""Credentials in one table of the ground; tests that try a new one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
# The id of the master key is the first eight bytes of what is sealed, in URL-safe base64 behind "v1.".
_MOVE = """
INSERT INTO ground.credential (owner, version, sealed, key_id, fields, "references", set_at)
SELECT id, 1, sealed, substr(encode(decode(translate(substr(sealed, 4), '-_', '+/'), 'base64'), 'hex'), 1, 16),
       '[]', '{}', updated_at
FROM sources.source WHERE sealed IS NOT NULL
"""


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("references", postgresql.JSONB(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_credential")),
        schema="ground",
    )
    op.execute(_MOVE)
    op.add_column(
        "source", sa.Column("has_credential", sa.Boolean(), nullable=False, server_default=sa.false()), schema="sources"
    )
    op.execute("UPDATE sources.source SET has_credential = sealed IS NOT NULL")
    op.alter_column("source", "has_credential", server_default=None, schema="sources")
    op.drop_column("source", "sealed", schema="sources")
    op.add_column(
        "connection_test",
        sa.Column("rotates", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="sources",
    )
    op.alter_column("connection_test", "rotates", server_default=None, schema="sources")
    op.add_column("connection_test", sa.Column("candidate", sa.String(), nullable=True), schema="sources")
    op.add_column("connection_test", sa.Column("candidate_expires_at", TIME, nullable=True), schema="sources")


def downgrade() -> None:
    for column in ("candidate_expires_at", "candidate", "rotates"):
        op.drop_column("connection_test", column, schema="sources")
    op.add_column("source", sa.Column("sealed", sa.String(), nullable=True), schema="sources")
    op.execute(
        "UPDATE sources.source SET sealed = c.sealed FROM ground.credential AS c WHERE c.owner = sources.source.id"
    )
    op.drop_column("source", "has_credential", schema="sources")
    op.drop_table("credential", schema="ground")
