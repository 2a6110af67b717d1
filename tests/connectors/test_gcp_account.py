"""A project of Google Cloud in its emulator: buckets found with their facts, adopted, and gone when they are."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.sources import account_queries, queries, worker
from actors.sources.contract import AdoptResource, DiscoverAccount, RecordAccount, RegisterAccount
from actors.sources.service import service
from cluster.context import system
from cluster.errors import AddressRefused, InvalidInput, SourceAuthFailed, SourceUnreachable
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

PROJECT = "shop-data-1"


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """The address of a Cloud Storage that speaks Google's JSON protocol."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def vendor(google: str) -> Any:
    """Google's own client."""
    return storage.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": google})


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session, session.begin():
        yield session
    engine.dispose()


def do(session: Session, command: Command[Any]) -> Any:
    result = service.carry_out(UnitOfWork(session, system("sources"), "sources", datetime.now(UTC)), command)
    session.flush()
    return result


def registered(session: Session, endpoint: str, **credential: str) -> str:
    given = {name: SecretStr(value) for name, value in (credential or {"token": "t"}).items()}
    options = {"project": PROJECT, "endpoint": endpoint}
    return str(do(session, RegisterAccount(name="g", provider="gcp", options=options, credential=given)).id)


def looked(session: Session, account: str) -> dict[str, Any]:
    asked = do(session, DiscoverAccount(account_id=account))
    listing = worker.list_account(account_queries.discovery_input(session, asked.id))
    assert do(session, RecordAccount(discovery_id=asked.id, listing=listing)).complete
    return {one.name: one for one in account_queries.list_resources(session, account, None, None, 100)}


def test_buckets_are_found_with_their_facts_adopted_and_gone(session: Session, google: str, vendor: Any) -> None:
    opened, ledger = vendor.create_bucket("open-data"), vendor.create_bucket("ledger")
    policy = opened.get_iam_policy()
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    opened.set_iam_policy(policy)
    ledger.labels = {"owner": "finance"}
    ledger.default_kms_key_name = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
    ledger.patch()
    account = registered(session, google)
    found = looked(session, account)
    assert (found["open-data"].public_access, found["ledger"].public_access) == (True, False)
    assert (found["ledger"].tags, found["ledger"].status) == ({"owner": "finance"}, "new")
    assert (found["ledger"].region, found["ledger"].url) == ("us", "gs://ledger/")
    assert found["ledger"].kms_key == "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
    assert found["ledger"].encrypted_at_rest is None, "of another endpoint that is not known"
    source = do(session, AdoptResource(resource_id=found["ledger"].id))
    assert queries.access(session, source.id).options["endpoint"] == google
    opened.delete()
    again = looked(session, account)
    assert (again["open-data"].status, again["ledger"].status) == ("gone", "registered")


def test_a_bucket_that_does_not_tell_who_may_read_it_is_a_problem(session: Session, google: str, vendor: Any) -> None:
    vendor.create_bucket("no~policy")  # a name whose policy the emulator does not find
    asked = do(session, DiscoverAccount(account_id=registered(session, google)))
    listing = worker.list_account(account_queries.discovery_input(session, asked.id))
    (silent,) = [one for one in listing.resources if one.name == "no~policy"]
    assert (listing.complete, silent.public_access) == (True, None)
    assert [problem.path for problem in listing.problems] == ["no~policy"]
    assert do(session, RecordAccount(discovery_id=asked.id, listing=listing)).problems


@pytest.mark.parametrize(
    ("credential", "error"), [({"service_account_key": "{}"}, InvalidInput), ({"password": "x"}, SourceAuthFailed)]
)
def test_what_is_no_credential_is_said_to_be_none(
    session: Session, google: str, credential: dict[str, str], error: type[Exception]
) -> None:
    asked = do(session, DiscoverAccount(account_id=registered(session, google, **credential)))
    with pytest.raises(error):
        worker.list_account(account_queries.discovery_input(session, asked.id))


def test_what_no_project_may_be(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.clouds.gcp.SECONDS", 0.1)
    for options, error in (
        ({}, InvalidInput),
        ({"project": "A/b"}, InvalidInput),
        ({"project": PROJECT + "\n"}, InvalidInput),
        ({"project": PROJECT, "token": "x"}, InvalidInput),
        ({"project": PROJECT, "endpoint": "http://169.254.169.254"}, AddressRefused),
    ):
        with pytest.raises(error):
            do(session, RegisterAccount(name="a", provider="gcp", options=options))
    asked = do(session, DiscoverAccount(account_id=registered(session, "http://127.0.0.1:1")))
    with pytest.raises(SourceUnreachable):
        worker.list_account(account_queries.discovery_input(session, asked.id))
