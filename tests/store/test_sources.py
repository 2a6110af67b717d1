"""Sources: credentials stay sealed, and absence is deletion only after a complete enumeration."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import (
    DiscoverSource,
    RecordDiscovery,
    RecordTest,
    RegisterSource,
    RetireSource,
    SetCredential,
    SourceView,
    TestSource,
    TestView,
    UpdateSource,
)
from actors.sources.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, SourceFacts, TestStep
from cluster.context import system
from cluster.errors import Conflict, InvalidInput, PreconditionFailed
from cluster.runtime.commands import Command, UnitOfWork
from cluster.security.secrets import unseal
from cluster.store.engine import make_engine


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def carried_out(session: Session, command: Command[Any]) -> Any:
    work = UnitOfWork(session, system("sources"), "sources", datetime.now(UTC))
    result = service.carry_out(work, command)
    session.flush()
    return result


def register(session: Session, url: str = "postgresql://ada:s3cr3t-Pw@db.example:5432/shop") -> SourceView:
    registered: SourceView = carried_out(session, RegisterSource(url=SecretStr(url)))
    return registered


def test_a_password_is_nowhere_but_in_the_sealed_credential(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        access = queries.access(session, source.id)
        assert unseal(access.sealed, source.id)["password"] == "s3cr3t-Pw"
        assert "s3cr3t-Pw" not in source.model_dump_json()
        rows = session.execute(text("SELECT source::text FROM sources.source")).scalars().all()
        assert not any("s3cr3t-Pw" in row for row in rows)


def test_the_same_url_or_name_is_a_conflict_that_names_the_source(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        with pytest.raises(Conflict) as caught:
            register(session, "postgresql://bob:other@db.example:5432/shop")
        assert caught.value.context == {"source_id": source.id}
        carried_out(session, RetireSource(source_id=source.id))
        assert register(session).id != source.id


def test_an_update_needs_the_current_version(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        renamed = carried_out(session, UpdateSource(source_id=source.id, version=source.version, name="shop two"))
        assert (renamed.name, renamed.version) == ("shop two", source.version + 1)
        with pytest.raises(PreconditionFailed):
            carried_out(session, UpdateSource(source_id=source.id, version=source.version, name="late"))


def tell(session: Session, test_id: str, *, tls: bool) -> SourceView:
    step = TestStep(name="Reach", status="passed", category="gate", duration_ms=1.0, summary="It answers.")
    facts = SourceFacts(kind="postgresql", tls=tls)
    test: TestView = carried_out(session, RecordTest(test_id=test_id, steps=(step,), facts=facts))
    return queries.get_source(session, test.source_id)


def test_the_version_rises_with_every_change_and_with_nothing_else(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        same = carried_out(session, UpdateSource(source_id=source.id, version=source.version, name=source.name))
        assert same == source
        test = carried_out(session, TestSource(source_id=source.id))
        seen = tell(session, test.id, tls=True)
        assert (seen.state, seen.version) == ("active", source.version + 1)
        assert tell(session, test.id, tls=True) == seen
        assert tell(session, test.id, tls=False).version == seen.version + 1


def test_a_test_that_ends_late_does_not_bring_a_retired_source_back(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        test = carried_out(session, TestSource(source_id=source.id))
        carried_out(session, RetireSource(source_id=source.id))
        assert tell(session, test.id, tls=True).state == "retired"
        assert register(session).id != source.id


def test_an_option_that_no_connector_knows_is_refused_be_it_a_secret(store: Engine) -> None:
    with Session(store) as session, session.begin(), pytest.raises(InvalidInput):
        carried_out(session, RegisterSource(url=SecretStr("postgresql://db.example/shop"), options={"api_key": "abc"}))


def test_a_new_credential_replaces_the_old_one(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        carried_out(session, SetCredential(source_id=source.id, credential={"password": SecretStr("new")}))
        access = queries.access(session, source.id)
        assert unseal(access.sealed, source.id) == {"password": "new"}


def enumeration(paths: set[str], complete: bool) -> Enumeration:
    column = ColumnInfo(name="id", ordinal=1, type="integer", physical_type="int8")
    assets = tuple(AssetInfo(path=path, kind="table", columns=(column,)) for path in sorted(paths))
    return Enumeration(assets=assets, complete=complete)


@limits(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sets(st.sampled_from("abcdef")), st.booleans()), min_size=1, max_size=8))
def test_only_a_complete_enumeration_deletes(store: Engine, runs: list[tuple[set[str], bool]]) -> None:
    with Session(store) as session, session.begin() as transaction:
        source = register(session)
        known: set[str] = set()
        gone: set[str] = set()
        for paths, complete in runs:
            discovery = carried_out(session, DiscoverSource(source_id=source.id))
            carried_out(
                session,
                RecordDiscovery(
                    discovery_id=discovery.id, enumeration=enumeration(paths, complete=complete), facts=None
                ),
            )
            known |= paths
            gone = (gone - paths) | ((known - paths) if complete else set())
            status = {item.path: item.status for item in queries.all_items(session, source.id)}
            assert set(status) == known
            assert {path for path, value in status.items() if value == "gone"} == gone
            assert {path for path, value in status.items() if value == "present"} == paths
        transaction.rollback()
