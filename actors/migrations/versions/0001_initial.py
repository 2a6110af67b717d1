"""The first schema."""

from alembic import op
from sqlalchemy import text

from cluster.store.base import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    bind = op.get_bind()
    for schema in sorted({table.schema for table in Base.metadata.tables.values() if table.schema}):
        bind.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    Base.metadata.create_all(bind)


def downgrade() -> None:
    Base.metadata.drop_all(op.get_bind())
