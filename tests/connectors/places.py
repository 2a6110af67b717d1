"""Places for targets that outlive a test: folders, and databases and buckets of the servers of the session."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from mariadb_server import MyDatabase, new_my_database
from object_stores import Container, GcsBucket, new_container, new_gcs_bucket
from source_targets import Bucket, Database, new_bucket

from tests.conftest import new_database

T = TypeVar("T")


class Places:
    """Makes a new place at each call; all are gone when the context ends. A server is started when it is needed."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request, self._stack, self.patch = request, ExitStack(), pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        self._stack.callback(self.patch.undo)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def folder(self) -> Path:
        made: Path = self._server("tmp_path_factory").mktemp("target")
        return made

    def database(self) -> Database:
        url = self._entered(lambda: new_database(self._server("postgres_server"), "template1"))
        return Database(url.replace("postgresql+psycopg://", "postgresql://"))

    def my_database(self) -> MyDatabase:
        return self._entered(lambda: new_my_database(self._server("mariadb")))

    def bucket(self) -> Bucket:
        return new_bucket(self._server("s3_endpoint"), f"b{uuid.uuid4().hex[:12]}")

    def container(self) -> Container:
        return new_container(self._server("azurite"), f"c{uuid.uuid4().hex[:12]}")

    def gcs_bucket(self) -> GcsBucket:
        return new_gcs_bucket(self.bucket())

    def _server(self, name: str) -> Any:
        return self._request.getfixturevalue(name)

    def _entered(self, make: Callable[[], Iterator[T]]) -> T:
        return self._stack.enter_context(contextmanager(make)())
