"""A storage account of Azure in Azurite: its containers found with their facts, adopted, and gone when they are."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from object_stores import ACCOUNT, KEY
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.sources import account_queries, queries, worker
from actors.sources.contract import AdoptResource, DiscoverAccount, RecordAccount, RegisterAccount
from actors.sources.service import service
from cluster.connectors.opening import opened
from cluster.context import system
from cluster.errors import AddressRefused, InvalidInput, SourceAuthFailed, SourceUnreachable
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine


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


def registered(session: Session, endpoint: str, key: str = KEY) -> str:
    given = {"account_key": SecretStr(key)}
    options = {"account": ACCOUNT, "endpoint": endpoint}
    return str(do(session, RegisterAccount(name="az", provider="azure", options=options, credential=given)).id)


def looked(session: Session, account: str) -> dict[str, Any]:
    asked = do(session, DiscoverAccount(account_id=account))
    listing = worker.list_account(account_queries.discovery_input(session, asked.id))
    assert do(session, RecordAccount(discovery_id=asked.id, listing=listing)).complete
    return {one.name: one for one in account_queries.list_resources(session, account, None, None, 100)}


def test_containers_are_found_with_their_facts_adopted_and_gone(session: Session, azurite: str) -> None:
    from azure.storage.blob import BlobServiceClient

    client = BlobServiceClient(azurite, credential=KEY)
    client.create_container("open-data", public_access="container")
    client.create_container("ledger", metadata={"owner": "finance"}).upload_blob("a.csv", b"id\n1\n")
    account = registered(session, azurite)
    found = looked(session, account)
    assert (found["open-data"].public_access, found["ledger"].public_access) == (True, False)
    assert (found["ledger"].tags, found["ledger"].status) == ({"owner": "finance"}, "new")
    assert found["ledger"].encrypted_at_rest is None, "of another endpoint that is not known"
    source = do(session, AdoptResource(resource_id=found["ledger"].id))
    with opened(queries.access(session, source.id)) as connector:
        assert [asset.path for asset in connector.enumerate().assets] == ["a.csv"]
    client.delete_container("open-data")
    again = looked(session, account)
    assert (again["open-data"].status, again["ledger"].status) == ("gone", "registered")
    client.delete_container("ledger")


@pytest.mark.parametrize(("key", "error"), [(KEY.replace("Eby8", "AAAA"), SourceAuthFailed), ("", SourceAuthFailed)])
def test_a_key_that_is_wrong_is_said_to_be(session: Session, azurite: str, key: str, error: type[Exception]) -> None:
    asked = do(session, DiscoverAccount(account_id=registered(session, azurite, key)))
    with pytest.raises(error):
        worker.list_account(account_queries.discovery_input(session, asked.id))


def test_what_no_azure_account_may_be(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.clouds.azure.RETRIES", 0)
    for options, error in (
        ({}, InvalidInput),
        ({"account": "a.b/c"}, InvalidInput),
        ({"account": "shop1", "token": "x"}, InvalidInput),
        ({"account": "shop1", "endpoint": "http://169.254.169.254"}, AddressRefused),
    ):
        with pytest.raises(error):
            do(session, RegisterAccount(name="a", provider="azure", options=options))
    asked = do(session, DiscoverAccount(account_id=registered(session, "http://127.0.0.1:1/x")))
    with pytest.raises(SourceUnreachable):
        worker.list_account(account_queries.discovery_input(session, asked.id))
