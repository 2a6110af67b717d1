"""The sources group's loop on a real database, without Ray: what was asked for ends, whatever the source brings."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import cluster.runtime.actor
import cluster.store.engine
from actors.sources import actor as loop
from actors.sources import queries
from actors.sources.contract import DiscoverSource, DiscoveryView, RegisterSource
from actors.sources.tables import Discovery
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, SourceFacts
from cluster.errors import SourceUnreachable
from cluster.store.engine import make_engine, reading

UNSTORABLE = ColumnInfo(name="a\0b", ordinal=1, type="integer", physical_type="int8")


async def ended(count: int) -> list[DiscoveryView]:
    """Asks for discoveries of one source and waits until none of them is under way."""
    actor: Any = loop.SourcesActor.__new__(loop.SourcesActor)
    await actor.__init__()
    try:
        async with asyncio.timeout(30):
            while not actor.writer.epoch:
                await asyncio.sleep(0.01)
            source = await actor.command(RegisterSource(url=SecretStr("postgresql://db.example/shop")))
            asked = [await actor.command(DiscoverSource(source_id=source.id)) for _ in range(count)]
            while True:
                with reading() as session:
                    found = [queries.get_discovery(session, discovery.id) for discovery in asked]
                if not {"queued", "running"} & {discovery.state for discovery in found}:
                    return found
                await asyncio.sleep(0.02)
    finally:
        for task in actor._tasks:
            task.cancel()


@pytest.mark.parametrize("unstorable", [True, False], ids=["unstorable", "unreachable"])
def test_every_discovery_ends_once(database_url: str, monkeypatch: pytest.MonkeyPatch, unstorable: bool) -> None:
    calls: list[Any] = []

    async def run(function: Any, access: Any, cpus: float) -> Any:
        calls.append(function)
        if not unstorable:
            raise SourceUnreachable("It does not answer.", "Look why.")
        assets = (AssetInfo(path="t", kind="table", columns=(UNSTORABLE,)),)
        return Enumeration(assets=assets, complete=True), SourceFacts(kind="postgresql")

    engine = make_engine(database_url)
    monkeypatch.setenv("SEXTANT_STORE_URL", database_url)
    monkeypatch.setattr(cluster.runtime.actor, "engine", lambda: engine)
    monkeypatch.setattr(cluster.store.engine, "engine", lambda: engine)
    monkeypatch.setattr(loop, "run_task", run)
    count = loop.AT_ONCE + 2  # more than are done at a time
    found = asyncio.run(ended(count))
    assert [discovery.state for discovery in found] == ["failed"] * count
    assert all(discovery.problems for discovery in found)
    assert len(calls) == count
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Discovery)) == count
    engine.dispose()
