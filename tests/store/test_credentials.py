"""Credentials: rotated without a moment in which none serves, and under master keys that come and go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.scans import queries as scans
from actors.scans.contract import ScanRules, StartScan
from actors.scans.service import service as scans_service
from actors.sources import queries, worker
from actors.sources.contract import (
    DropKey,
    RecordTest,
    RegisterSource,
    RetireSource,
    RotateCredential,
    RotateKeys,
    SetCredential,
    SourceView,
)
from actors.sources.service import service
from cluster.connectors.interface import TestStep
from cluster.context import system
from cluster.detectors.compile import RuleSetSpec
from cluster.errors import ConfigurationError, Conflict, InvalidInput, NotFound
from cluster.runtime.commands import Command, UnitOfWork
from cluster.security.keyring import derived, ring
from cluster.security.secrets import unseal
from cluster.settings import settings
from cluster.store.engine import make_engine


@pytest.fixture
def store(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    ring.cache_clear()
    engine = make_engine(database_url)
    yield engine
    engine.dispose()
    monkeypatch.undo()
    settings.cache_clear()
    ring.cache_clear()


def done(session: Session, command: Command[Any]) -> Any:
    work = UnitOfWork(session, system("sources"), "sources", datetime.now(UTC))
    result = (scans_service if command.group == "scans" else service).carry_out(work, command)
    session.flush()
    return result


def register(session: Session, password: str = "old") -> SourceView:
    url = SecretStr(f"postgresql://ada:{password}@127.0.0.1:1/shop")
    registered: SourceView = done(session, RegisterSource(url=url))
    return registered


def secret(text: str) -> dict[str, SecretStr]:
    return {"username": SecretStr("ada"), "password": SecretStr(text)}


def opened(session: Session, source_id: str) -> dict[str, str]:
    return unseal(queries.access(session, source_id).sealed, source_id)


def test_a_scan_under_way_is_given_the_credential_that_the_source_has_now(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        access = queries.access(session, source.id)
        rules = ScanRules(name="default", version=1, digest="d", spec=RuleSetSpec())
        scan = done(session, StartScan(key="k", access=access, assets=(), rules=rules))
        done(session, SetCredential(source_id=source.id, credential=secret("new")))
        given, _ = scans.scan_input(session, scan.id)
        assert unseal(given.sealed, source.id)["password"] == "new"


def tried(session: Session, source: SourceView, password: str, status: str) -> Any:
    test = done(session, RotateCredential(source_id=source.id, credential=secret(password)))
    assert unseal(queries.access_of_test(session, test.id).sealed, source.id)["password"] == password
    assert opened(session, source.id)["password"] == "old", "the old one serves until the test has ended"
    step = TestStep(name="CheckAccess", status=status, category="gate", duration_ms=1.0, summary="It ended.")  # type: ignore[arg-type]  # a parameter
    return done(session, RecordTest(test_id=test.id, steps=(step,), facts=None))


def test_a_new_credential_serves_once_it_was_tried_and_not_if_it_was_refused(store: Engine) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        assert tried(session, source, "wrong", "failed").passed is False
        assert opened(session, source.id)["password"] == "old"
        assert queries.get_source(session, source.id).state == "registered", "the source itself was not at fault"
        tried(session, source, "new", "passed")
        assert opened(session, source.id)["password"] == "new"
        assert queries.credential(session, source.id).version == 2
        left = session.execute(text("SELECT count(candidate) FROM sources.connection_test")).scalar_one()
        assert left == 0, "what was tried is kept nowhere else"


def test_a_refused_credential_is_a_step_with_a_diagnosis(store: Engine) -> None:
    with Session(store) as session, session.begin():
        access = queries.access(session, register(session).id)
    steps, facts = worker.test_access(access)
    assert [(step.name, step.status) for step in steps] == [
        ("ResolveHost", "passed"), ("OpenPort", "failed"), ("OpenCredential", "skipped"),
    ]  # fmt: skip
    assert (steps[1].diagnosis, facts) == ("port-closed", None)
    assert steps[1].remedy
    unset = {"password": SecretStr("ref+env://SEXTANT_SECRET_UNSET")}
    with Session(store) as session, session.begin():
        folder = done(session, RegisterSource(url=SecretStr("/tmp"), credential=unset))
        steps, _ = worker.test_access(queries.access(session, folder.id))
    assert (steps[0].name, steps[0].diagnosis) == ("OpenCredential", "secret-unavailable")


def test_what_is_told_of_a_credential_is_no_secret(store: Engine) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    with Session(store) as session, session.begin():
        source = register(session)
        given = {"username": SecretStr("ada"), "password": SecretStr("ref+vault://kv/db#/password")}
        done(session, SetCredential(source_id=source.id, credential=given, expires_at=later))
        told = queries.credential(session, source.id)
        assert (told.fields, told.references, told.expires_at) == (
            ("password", "username"), {"password": "vault"}, later,
        )  # fmt: skip
        rows = session.execute(text("SELECT credential::text FROM ground.credential")).scalars().all()
        assert not any("kv/db" in row or "ada" in row for row in rows)
        done(session, RetireSource(source_id=source.id))
        with pytest.raises(NotFound):
            queries.credential(session, source.id)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2999-01-01T00:00:00"])
def test_an_end_that_is_not_to_come_is_refused(store: Engine, text: str) -> None:
    with Session(store) as session, session.begin():
        source = register(session)
        for end in (datetime.fromisoformat(text), datetime.now(UTC) - timedelta(seconds=1)):
            with pytest.raises(InvalidInput, match="expires"):
                done(session, SetCredential(source_id=source.id, credential=secret("x"), expires_at=end))


def test_keys_are_rotated_while_every_credential_stays_open(store: Engine) -> None:
    salt = derived("value-salt")
    with Session(store) as session, session.begin():
        source = register(session)
        first = queries.key_ring(session)
        taken = queries.access(session, source.id)  # by a task that is under way
        second = done(session, RotateKeys(new_master_key=True))
        assert second.changed == 1
        assert [(key.current, key.credentials) for key in second.keys] == [(True, 1), (False, 0)]
        assert second.keys[1].id == first.keys[0].id
        assert opened(session, source.id)["password"] == "old"
        assert unseal(taken.sealed, source.id)["password"] == "old"
        assert done(session, RotateKeys()).changed == 0
        before = queries.access(session, source.id).sealed
        assert done(session, RotateKeys(new_data_keys=True)).changed == 1
        assert queries.access(session, source.id).sealed != before
        with pytest.raises(Conflict):
            done(session, DropKey(key_id=second.keys[0].id))
        third = done(session, DropKey(key_id=first.keys[0].id))
        assert [key.id for key in third.keys] == [second.keys[0].id]
        assert opened(session, source.id)["password"] == "old"
        with pytest.raises(ConfigurationError):
            unseal(taken.sealed, source.id)
    assert derived("value-salt") == salt, "keyed hashes stay comparable"


def test_another_process_finds_a_key_that_was_added(store: Engine) -> None:
    stale = ring()
    with Session(store) as session, session.begin():
        source = register(session)
        done(session, RotateKeys(new_master_key=True))
        sealed = queries.access(session, source.id).sealed
    assert stale.find(bytes.fromhex(sealed_key(sealed))) is None
    assert unseal(sealed, source.id)["password"] == "old"


def sealed_key(sealed: str | None) -> str:
    from cluster.security.secrets import key_of

    assert sealed is not None
    return key_of(sealed).hex()
