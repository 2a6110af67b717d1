"""The migrations lead to exactly the tables that the code maps, and back."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

import cluster.store.tables  # noqa: F401 - registers the tables
from cluster.security.credentials import sealed_of, used_keys
from cluster.security.secrets import key_of, seal, unseal
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


def test_secrets_of_orders_that_wait_go_beside_the_credentials_and_back(empty_database_url: str) -> None:
    command.upgrade(config(empty_database_url), "0018")
    sealed = seal({"keys": "ada@example.org"}, "o1")
    order = text(
        """INSERT INTO compliance."order"
        (id, kind, state, requested_by, sealed, sources, given, requested_at, changed_at) VALUES
        ('o1', 'access', 'planning', 'ada', :sealed, '[]', '{}', now(), now()),
        ('o2', 'access', 'done', 'ada', NULL, '[]', '{}', now(), now())"""
    )
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(order, {"sealed": sealed})
    upgrade(empty_database_url)
    with Session(engine) as session:
        assert unseal(sealed_of(session, "o1"), "o1") == {"keys": "ada@example.org"}
        assert used_keys(session) == {key_of(str(sealed)).hex(): 1}
    command.downgrade(config(empty_database_url), "0018")
    with engine.connect() as connection:
        found = connection.execute(text('SELECT id, sealed FROM compliance."order" ORDER BY id')).all()
        assert [tuple(row) for row in found] == [("o1", sealed), ("o2", None)]
        assert connection.execute(text("SELECT count(*) FROM ground.credential")).scalar() == 0
    engine.dispose()


def test_a_downgrade_leaves_nothing(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    command.downgrade(config(empty_database_url), "base")
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        schemas = set(connection.execute(text("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")).scalars())
    engine.dispose()
    assert schemas == {"public", "information_schema"}
