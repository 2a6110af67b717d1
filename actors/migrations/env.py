"""Alembic's entry: one transaction per migration, with a lock time-out so that a migration never queues for ever."""

from importlib import import_module
from importlib.resources import files

from alembic import context
from sqlalchemy import create_engine, text

import cluster.store.tables  # noqa: F401 - registers the tables of the ground
from cluster.store.base import Base

for folder in sorted((entry for entry in files("actors").iterdir() if entry.is_dir()), key=lambda entry: entry.name):
    for file in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith("tables.py")):
        import_module(f"actors.{folder.name}.{file.removesuffix('.py')}")


def run() -> None:
    """Runs the migrations on the connection that was handed in, or on one of its own."""
    engine = create_engine(context.config.attributes["url"], hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=lambda name, kind, _: kind != "schema" or name not in (None, "public"),
            version_table_schema="public",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
