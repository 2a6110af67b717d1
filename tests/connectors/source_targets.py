"""Real targets of the connectors: the tests' PostgreSQL server, folders, and an S3 server of its own process."""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import psycopg
import pytest
from sqlalchemy.engine import make_url

from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import AssetInfo, Connector, Partition, SourceAccess

Open = Callable[..., Connector]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens connectors by URL and closes them after the test."""
    made: list[Connector] = []

    def open_(url: str, **credential: str) -> Connector:
        parts = split_url(url)
        access = SourceAccess(source_id="s", url=parts.url, options=parts.options)
        made.append(open_connector(access, {**parts.credential, **credential}))
        return made[-1]

    yield open_
    for connector in made:
        connector.close()


@dataclass
class Database:
    """A database of the test's own. `url` has user and password in it."""

    url: str

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def as_user(self, user: str, password: str) -> str:
        return make_url(self.url).set(username=user, password=password).render_as_string(hide_password=False)

    def edited(self, **parts: Any) -> str:
        return make_url(self.url).set(**parts).render_as_string(hide_password=False)


@pytest.fixture
def database(empty_database_url: str) -> Database:
    return Database(empty_database_url.replace("postgresql+psycopg://", "postgresql://"))


@dataclass
class Bucket:
    """A bucket of the test's own in a real S3 server."""

    name: str
    endpoint: str
    client: Any

    def url(self, prefix: str = "") -> str:
        return f"s3://key:secret@{self.name}/{prefix}?endpoint={self.endpoint}"

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    @property
    def nowhere(self) -> str:
        """The URL of the bucket at a place where nobody listens."""
        return f"s3://key:secret@{self.name}/?endpoint=http://127.0.0.1:1"

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def clear(self, prefix: str) -> None:
        for found in self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", ()):
            self.client.delete_object(Bucket=self.name, Key=found["Key"])

    def delta_options(self) -> dict[str, str]:
        """How deltalake writes tables to it."""
        return {
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_region": "us-east-1",
            "aws_endpoint_url": self.endpoint,
            "aws_allow_http": "true",
            "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
        }


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest) -> Bucket:
    return new_bucket(s3_endpoint, f"b{abs(hash(request.node.nodeid)):x}")


def new_bucket(s3_endpoint: str, name: str) -> Bucket:
    """A bucket that is empty."""
    client = boto3.client(
        "s3", endpoint_url=s3_endpoint, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )
    client.create_bucket(Bucket=name)
    return Bucket(name, s3_endpoint, client)


def run_sqlite(file: Path, *statements: str) -> None:
    """Runs statements as a program would whose database it is, each in a transaction of its own."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def asset_of(connector: Connector, path: str) -> AssetInfo:
    return next(asset for asset in connector.enumerate().assets if asset.path == path)


def cells_of(
    connector: Connector, partitions: list[Partition], batch_rows: int = 1000, batch_bytes: int = 1 << 20
) -> list[dict[str, Any]]:
    """All rows of the partitions, in the order they came."""
    return [
        row
        for partition in partitions
        for batch in connector.read(partition, batch_rows, batch_bytes)
        for row in batch.to_pylist()
    ]


def sqlite_url(file: Path) -> str:
    return f"sqlite://{quote(str(file))}"


def sqlite_numbers(file: Path, rows: int = 20_000) -> None:
    run_sqlite(
        file,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1}) "
        "INSERT INTO t SELECT i, 'value ' || i FROM n",
    )


def whole_plan(connector: Connector, path: str) -> list[Any]:
    return connector.plan(asset_of(connector, path), 1 << 30)
