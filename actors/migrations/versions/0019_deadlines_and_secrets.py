"""Findings whose missed deadline was told of, an index of the open ones, and secrets of orders beside credentials."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCHEMA = "compliance"
# The first eight bytes of a sealed text, behind "v1.", name the key that it is wrapped with.
KEY = "encode(substring(decode(translate(substr(sealed, 4, 12), '-_', '+/'), 'base64') FROM 1 FOR 8), 'hex')"
TAKE = f"""
    INSERT INTO ground.credential (owner, version, sealed, key_id, fields, "references", set_at)
    SELECT id, 1, sealed, {KEY}, '["credentials", "keys"]', '{{}}', changed_at
    FROM compliance."order" WHERE sealed IS NOT NULL
"""  # noqa: S608 - constants only
BACK = """UPDATE compliance."order" AS o SET sealed = c.sealed FROM ground.credential AS c WHERE c.owner = o.id"""


def upgrade() -> None:
    op.create_table(
        "missed_deadline",
        sa.Column("finding_id", sa.String(), nullable=False),
        sa.Column("due_at", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_missed_deadline")),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_finding_open", "finding", ["opened_at"], schema=SCHEMA, postgresql_where=sa.text("state = 'open'")
    )
    op.execute(TAKE)
    op.drop_column("order", "sealed", schema=SCHEMA)


def downgrade() -> None:
    op.add_column("order", sa.Column("sealed", sa.String(), nullable=True), schema=SCHEMA)
    op.execute(BACK)
    op.execute("""DELETE FROM ground.credential AS c USING compliance."order" AS o WHERE c.owner = o.id""")
    op.drop_index("ix_finding_open", "finding", schema=SCHEMA)
    op.drop_table("missed_deadline", schema=SCHEMA)
