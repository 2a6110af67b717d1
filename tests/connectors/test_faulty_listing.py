"""However a store misbehaves while it is listed, nothing that is there is taken for deleted.

`make test` lists twelve times, LONG_TESTS=1 a thousand times.
"""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from faulty_proxy import PAGE, FaultyProxy
from pydantic import SecretStr
from source_targets import Bucket
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import DiscoverSource, RecordDiscovery, RegisterSource
from actors.sources.service import service
from cluster.connectors import open_connector, split_url
from cluster.connectors.interface import Enumeration, Problem, SourceAccess
from cluster.context import system
from cluster.errors import SourceError
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

RUNS = 1000 if os.environ.get("LONG_TESTS") else 12
FILES = 8


class Estate:
    """The bucket as it really is, and the inventory as Sextant keeps it."""

    def __init__(self, bucket: Bucket, address: str, session: Session) -> None:
        self.bucket, self.session = bucket, session
        split = split_url(f"s3://key:secret@{bucket.name}?endpoint={address}")
        self.credential = split.credential
        self.source = self.do(RegisterSource(url=SecretStr(split.url), options=split.options)).id
        self.access = SourceAccess(source_id=self.source, url=split.url, options=split.options)
        self.there: set[str] = set()
        self.ever: set[str] = set()

    def do(self, command: Command[Any]) -> Any:
        work = UnitOfWork(self.session, system("sources"), "sources", datetime.now(UTC))
        result = service.carry_out(work, command)
        self.session.flush()
        return result

    def put(self, name: str) -> None:
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=name, Body=b"id,email\n1,a@example.org\n")
        self.there.add(name)
        self.ever.add(name)

    def delete(self, name: str) -> None:
        self.bucket.client.delete_object(Bucket=self.bucket.name, Key=name)
        self.there.discard(name)

    def discover(self) -> bool:
        """One discovery as the sources group does it; whether it was complete."""
        discovery = self.do(DiscoverSource(source_id=self.source)).id
        enumeration: Enumeration | None = None
        problem = None
        connector = open_connector(self.access, self.credential)
        try:
            enumeration = connector.enumerate()
        except SourceError as error:
            problem = Problem(path="", code=error.code, detail=error.detail, remedy=error.remedy)
        finally:
            connector.close()
        self.do(RecordDiscovery(discovery_id=discovery, enumeration=enumeration, facts=None, problem=problem))
        return enumeration is not None and enumeration.complete

    def statuses(self) -> dict[str, str]:
        return {item.info.path: item.status for item in queries.all_items(self.session, self.source)}


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_no_fault_is_taken_for_a_deletion_and_no_deletion_is_missed(bucket: Bucket, session: Session) -> None:
    proxy, chance = FaultyProxy(bucket.endpoint, seed=5), random.Random(6)
    with proxy.serving() as address:
        estate = Estate(bucket, address, session)
        for number in range(FILES):
            estate.put(f"people_{number:03d}.csv")
        spoiled = incomplete = 0
        for run in range(RUNS):
            name = f"people_{chance.randrange(2 * FILES):03d}.csv"
            (estate.delete if name in estate.there and len(estate.there) > 3 else estate.put)(name)
            proxy.share, proxy.spoiled = (0.0 if run % 4 == 3 else 0.08), []
            before = estate.statuses()
            complete = estate.discover()
            found = estate.statuses()
            wrongly = [path for path in estate.there if found.get(path) == "gone" != before.get(path)]
            assert not wrongly, (run, proxy.spoiled)
            if not proxy.spoiled:
                assert complete, run
            if complete:
                assert {path for path in estate.ever if found.get(path) == "present"} == estate.there, proxy.spoiled
            spoiled += bool(proxy.spoiled)
            incomplete += not complete
    assert spoiled > 1
    assert incomplete or RUNS < 100


def test_a_list_that_ends_early_is_gone_on_with(bucket: Bucket, session: Session) -> None:
    proxy = FaultyProxy(bucket.endpoint, seed=5)
    with proxy.serving() as address:
        estate = Estate(bucket, address, session)
        for number in range(FILES):
            estate.put(f"people_{number:03d}.csv")
        proxy.always = "no-token"
        assert estate.discover()
        assert estate.statuses() == dict.fromkeys(sorted(estate.there), "present")
        assert proxy.spoiled.count("no-token") >= FILES // PAGE
