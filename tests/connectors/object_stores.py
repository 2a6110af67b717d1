"""Emulators of Azure and Google Cloud Storage beside that of S3, each a process of its own that speaks its protocol.

Azurite comes from npm, and its files are filled by Microsoft's own SDK. What speaks Google's XML protocol, which the
connector reads by, is Moto with the shape that it shares with S3: gcp-storage-emulator speaks Google's JSON protocol
alone. Where one is absent, what needs it is skipped, saying so; where REQUIRE_SERVICES is set it fails instead.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest
from source_targets import Bucket

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azurite has (its README)."""
NO_AZURITE = "Azurite is not on this machine: run `npm install --prefix .azurite azurite` to run what needs it"


class Store(Protocol):
    """A bucket or container of the test's own."""

    nowhere: str

    def url(self, prefix: str = "") -> str: ...
    def put(self, key: str, data: bytes) -> None: ...
    def delete(self, key: str) -> None: ...


@dataclass
class Container:
    name: str
    endpoint: str
    client: Any
    nowhere: str

    def url(self, prefix: str = "", key: str = KEY) -> str:
        place = f"abfss://{self.name}@{ACCOUNT}/{prefix}"
        return f"{place}?endpoint={self.endpoint}&account_key={quote(key, safe='')}"

    def put(self, key: str, data: bytes) -> None:
        self.client.upload_blob(key, data, overwrite=True)

    def delete(self, key: str) -> None:
        self.client.delete_blob(key)


@dataclass
class GcsBucket:
    bucket: Bucket
    nowhere: str

    def url(self, prefix: str = "") -> str:
        return f"gs://{self.bucket.name}/{prefix}?endpoint={self.bucket.endpoint}&anonymous=true"

    def put(self, key: str, data: bytes) -> None:
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=key, Body=data, ACL="public-read")

    def delete(self, key: str) -> None:
        self.bucket.client.delete_object(Bucket=self.bucket.name, Key=key)


def _azurite() -> Path | None:
    root = Path(__file__).parents[2]
    places = [os.environ.get("AZURITE", ""), str(root / ".azurite")]
    found = (Path(place) / "node_modules/azurite/dist/src/blob/main.js" for place in places if place)
    return next((place for place in found if place.exists()), None)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    script, node = _azurite(), shutil.which("node")
    if script is None or node is None:
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail(NO_AZURITE)
        pytest.skip(NO_AZURITE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "-l", str(tmp_path_factory.mktemp("azurite"))]
    server = subprocess.Popen(
        [node, str(script), *options, "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def container(azurite: str, request: pytest.FixtureRequest) -> Container:
    return new_container(azurite, f"c{abs(hash(request.node.nodeid)):x}")


def new_container(azurite: str, name: str) -> Container:
    """A container that is empty."""
    from azure.storage.blob import BlobServiceClient

    client = BlobServiceClient(azurite, credential=KEY).create_container(name)
    nowhere = f"abfss://{name}@{ACCOUNT}/?endpoint=http://127.0.0.1:1/{ACCOUNT}&account_key={quote(KEY, safe='')}"
    return Container(name, azurite, client, nowhere)


@pytest.fixture
def gcs_bucket(bucket: Bucket) -> GcsBucket:
    return new_gcs_bucket(bucket)


def new_gcs_bucket(bucket: Bucket) -> GcsBucket:
    """The bucket as one that anybody may read."""
    bucket.client.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    return GcsBucket(bucket, f"gs://{bucket.name}/?endpoint=http://127.0.0.1:1&anonymous=true")
