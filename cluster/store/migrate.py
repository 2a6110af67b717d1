"""Bringing a database to the schema of this version, with alembic."""

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from cluster.store.locks import lock_number

log = structlog.get_logger("store")


def config(url: str) -> Config:
    """Alembic's configuration for a database; the migrations are part of the package."""
    made = Config()
    made.set_main_option("script_location", "actors:migrations")
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = url
    return made


def upgrade(url: str) -> None:
    """Applies what is missing, once, however many processes ask for it at the same time."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            number = {"number": lock_number("migrate")}
            connection.execute(text("SELECT pg_advisory_lock(:number)"), number)
            connection.commit()
            try:
                command.upgrade(config(url), "head")
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), number)
    finally:
        engine.dispose()
