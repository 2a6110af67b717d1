"""Accounts: AWS in an emulator, a real PostgreSQL server, a folder; adopted in one call, gone only when sure."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from actors.sources import account_queries, queries, worker
from actors.sources.contract import (
    AdoptResource,
    DiscoverAccount,
    IgnoreResource,
    RecordAccount,
    RegisterAccount,
    RetireAccount,
    RetireSource,
)
from actors.sources.service import service
from cluster.clouds import aws
from cluster.clouds.interface import AccountListing
from cluster.connectors.opening import opened
from cluster.context import system
from cluster.errors import AddressRefused, Conflict, InvalidInput, SourceObjectGone
from cluster.runtime.commands import Command, UnitOfWork
from cluster.runtime.postgres import EmbeddedPostgres
from cluster.store.engine import make_engine
from tests.connectors.source_targets import s3_endpoint

__all__ = ["s3_endpoint"]
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(store: Engine) -> Iterator[Session]:
    with Session(store) as session, session.begin():
        yield session


def do(session: Session, command: Command[Any]) -> Any:
    result = service.carry_out(UnitOfWork(session, system("sources"), "sources", datetime.now(UTC)), command)
    session.flush()
    return result


def looked(session: Session, account_id: str, listing: AccountListing | None = None) -> Any:
    """A look through the account, as the actor does it."""
    asked = do(session, DiscoverAccount(account_id=account_id))
    found = listing or worker.list_account(account_queries.discovery_input(session, asked.id))
    return do(session, RecordAccount(discovery_id=asked.id, listing=found))


def resources(session: Session, account_id: str, status: Any = None) -> dict[str, Any]:
    return {one.name: one for one in account_queries.list_resources(session, account_id, status, None, 200)}


@pytest.fixture
def cloud(s3_endpoint: str) -> Iterator[str]:
    """An account with two buckets of different manners, two databases and a catalog, in two regions."""
    httpx.post(f"{s3_endpoint}/moto-api/reset")
    s3 = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1", **KEYS)
    s3.create_bucket(Bucket="open-data")
    s3.put_bucket_acl(Bucket="open-data", ACL="public-read")
    s3.create_bucket(Bucket="ledger", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_encryption(
        Bucket="ledger",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-7"}}]
        },
    )
    s3.put_public_access_block(
        Bucket="ledger",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
        },
    )  # fmt: skip
    s3.put_bucket_tagging(Bucket="ledger", Tagging={"TagSet": [{"Key": "owner", "Value": "finance"}]})
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::sealed/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.create_bucket(Bucket="sealed")
    s3.put_bucket_policy(Bucket="sealed", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    for region, name, encrypted in (("eu-west-1", "orders", True), ("us-east-1", "sandbox", False)):
        boto3.client("rds", endpoint_url=s3_endpoint, region_name=region, **KEYS).create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
            MasterUsername="u", MasterUserPassword="p4ssw0rd-long", DBName=name, StorageEncrypted=encrypted,
            PubliclyAccessible=not encrypted, Tags=[{"Key": "env", "Value": region}],
        )  # fmt: skip
    glue = boto3.client("glue", endpoint_url=s3_endpoint, region_name="eu-west-1", **KEYS)
    glue.create_database(DatabaseInput={"Name": "lake", "LocationUri": "s3://ledger/lake"})
    yield s3_endpoint
    httpx.post(f"{s3_endpoint}/moto-api/reset")


def register_aws(session: Session, endpoint: str) -> str:
    command = RegisterAccount(
        name="cloud", provider="aws", regions=("eu-west-1", "us-east-1"), options={"endpoint": endpoint},
        credential={"access_key_id": SecretStr("key"), "secret_access_key": SecretStr("secret")},
    )  # fmt: skip
    return str(do(session, command).id)


def test_an_aws_account_is_listed_with_its_facts_and_adopted(session: Session, cloud: str) -> None:
    account = register_aws(session, cloud)
    look = looked(session, account)
    assert (look.complete, look.new, look.problems) == (True, 6, ())
    found = resources(session, account)
    assert set(found) == {"open-data", "ledger", "sealed", "orders", "sandbox", "lake"}
    ledger, exposed, orders = found["ledger"], found["open-data"], found["orders"]
    assert (ledger.region, ledger.encrypted_at_rest, ledger.kms_key) == ("eu-west-1", True, "key-7")
    assert (ledger.public_access, ledger.tls_required, ledger.tags) == (False, False, {"owner": "finance"})
    assert (found["sealed"].tls_required, found["sealed"].public_access) == (True, False)
    assert (exposed.region, exposed.public_access, exposed.tls_required) == ("us-east-1", True, False)
    assert (orders.region, orders.encrypted_at_rest, orders.public_access) == ("eu-west-1", True, False)
    assert (orders.size_bytes, orders.tags) == (20 << 30, {"env": "eu-west-1"})
    assert found["sandbox"].encrypted_at_rest is False
    assert found["lake"].url.rstrip("/") == "s3://ledger/lake"
    source = do(session, AdoptResource(resource_id=ledger.id))
    declared = {"encrypted_at_rest": "true", "public_access": "false", "region": "eu-west-1", "endpoint": cloud}
    assert source.options == declared
    assert source.has_credential
    boto3.client("s3", endpoint_url=cloud, region_name="us-east-1", **KEYS).put_object(
        Bucket="ledger", Key="a.csv", Body=b"id,name\n1,x\n"
    )
    with opened(queries.access(session, source.id)) as connector:
        assert [asset.path for asset in connector.enumerate().assets] == ["a.csv"]
        facts = connector.facts()
    assert (facts.encrypted_at_rest, facts.region) == (True, "eu-west-1")
    with pytest.raises(Conflict):
        do(session, AdoptResource(resource_id=ledger.id))
    do(session, IgnoreResource(resource_id=exposed.id))
    assert {name: one.status for name, one in resources(session, account).items()} == {
        "ledger": "registered", "open-data": "ignored", "orders": "new", "sandbox": "new", "lake": "new",
        "sealed": "new",
    }  # fmt: skip
    assert set(resources(session, account, "new")) == {"orders", "sandbox", "lake", "sealed"}
    do(session, RetireSource(source_id=source.id))
    assert resources(session, account)["ledger"].status == "new"


class Throttle:
    """Passes everything on to the emulator but one kind of call, which it throttles."""

    def __init__(self, origin: str) -> None:
        self.calls = 0
        throttle = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if b"Action=DescribeDBInstances" in body:
                    throttle.calls += 1
                    content = b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"
                    status, headers = 400, {"Content-Type": "text/xml"}
                else:
                    given = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                    given["Host"] = origin.removeprefix("http://")
                    answer = httpx.request(self.command, origin + self.path, content=body, headers=given)
                    status, content = answer.status_code, answer.content
                    headers = {name: value for name, value in answer.headers.items() if name == "content-type"}
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_throttling_is_waited_out_and_never_read_as_absence(
    session: Session, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = register_aws(session, cloud)
    looked(session, account)
    boto3.client("s3", endpoint_url=cloud, region_name="us-east-1", **KEYS).delete_bucket(Bucket="open-data")
    throttle = Throttle(cloud)
    monkeypatch.setattr(aws, "ATTEMPTS", 2)
    session.execute(
        text("UPDATE sources.account SET options = jsonb_build_object('endpoint', CAST(:url AS text))"),
        {"url": throttle.url},
    )
    session.expire_all()
    look = looked(session, account)
    throttle.server.shutdown()
    assert throttle.calls == 4, "two regions, two attempts each"
    assert (look.complete, look.gone) == (False, 0)
    assert {problem.code for problem in look.problems} == {"too-many-requests"}
    assert resources(session, account)["open-data"].status == "new"
    session.execute(
        text("UPDATE sources.account SET options = jsonb_build_object('endpoint', CAST(:url AS text))"), {"url": cloud}
    )
    session.expire_all()
    assert looked(session, account).gone == 1
    gone = resources(session, account, "gone")
    assert set(gone) == {"open-data"}
    with pytest.raises(Conflict):
        do(session, AdoptResource(resource_id=gone["open-data"].id))


def test_the_databases_of_a_server_are_found_and_adopted(session: Session, postgres_server: EmbeddedPostgres) -> None:
    parts = make_url(postgres_server.ensure_database("found_here")).set(drivername="postgresql")
    url = parts.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS person (id int)")
    account = do(session, RegisterAccount(name="server", provider="postgresql", url=SecretStr(url))).id
    assert looked(session, account).complete
    found = resources(session, account)["found_here"]
    assert found.size_bytes > 1_000_000
    source = do(session, AdoptResource(resource_id=found.id, name="adopted"))
    assert source.url == f"postgresql://127.0.0.1:{parts.port}/found_here"
    with opened(queries.access(session, source.id)) as connector:
        assert [asset.path for asset in connector.enumerate().assets] == ["public.person"]


def test_the_folders_of_a_share_are_found_and_links_are_not_followed(session: Session, tmp_path: Path) -> None:
    share = tmp_path / "share"
    for name in ("finance", "people"):
        (share / name).mkdir(parents=True)
    (share / "elsewhere").symlink_to(tmp_path)
    account = do(session, RegisterAccount(name="share", provider="folder", url=SecretStr(share.as_uri()))).id
    assert set(resources_of(session, account)) == {"finance", "people"}
    (share / "people").rmdir()
    assert looked(session, account).gone == 1
    assert resources(session, account)["people"].status == "gone"
    (share / "people").mkdir()
    assert looked(session, account).changed == 1
    assert resources(session, account)["people"].status == "new"
    (share / "people").rmdir()
    (share / "finance").rmdir()
    (share / "elsewhere").unlink()
    share.rmdir()
    asked = do(session, DiscoverAccount(account_id=account))
    with pytest.raises(SourceObjectGone):
        worker.list_account(account_queries.discovery_input(session, asked.id))


def resources_of(session: Session, account: str) -> dict[str, Any]:
    assert looked(session, account).complete
    return resources(session, account)


def test_what_no_account_may_be(session: Session) -> None:
    for command, error in (
        (RegisterAccount(name="a", provider="aws", options={"endpoint": "http://169.254.169.254"}), AddressRefused),
        (RegisterAccount(name="a", provider="aws", options={"token": "x"}), InvalidInput),
        (RegisterAccount(name="a", provider="folder"), InvalidInput),
        (RegisterAccount(name="a", provider="folder", url=SecretStr("postgresql://h/db")), InvalidInput),
    ):
        with pytest.raises(error):
            do(session, command)
    account = do(session, RegisterAccount(name="a", provider="folder", url=SecretStr("/tmp"))).id
    with pytest.raises(Conflict):
        do(session, RegisterAccount(name="a", provider="folder", url=SecretStr("/tmp")))
    do(session, RetireAccount(account_id=account))
    with pytest.raises(Conflict):
        do(session, DiscoverAccount(account_id=account))
