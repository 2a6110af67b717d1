"""The migrations lead to exactly the tables that the code maps, and back."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

import cluster.store.tables  # noqa: F401 - registers the tables
from cluster.store.base import Base
from cluster.store.migrate import config, upgrade


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_schemas": True, "compare_type": True, "compare_server_default": False}
        )
        return list(compare_metadata(context, Base.metadata))


def test_a_migrated_database_is_what_the_code_maps(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    found = [entry for entry in differences(engine) if "alembic_version" not in str(entry)]
    assert found == []
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE sources.source ADD COLUMN stray int"))
    assert "stray" in str(differences(engine))
    engine.dispose()


def test_a_downgrade_leaves_nothing(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    command.downgrade(config(empty_database_url), "base")
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        schemas = set(connection.execute(text("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")).scalars())
    engine.dispose()
    assert schemas == {"public", "information_schema"}
