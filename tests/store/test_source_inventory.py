"""What a discovery says has changed since the one before: new, changed, gone and unknown assets, and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session

from actors.sources import queries
from actors.sources.contract import DiscoverSource, DiscoveryView, RecordDiscovery, RegisterSource
from actors.sources.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo, Enumeration, LogicalType, Problem
from cluster.context import system
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine


class Inventory:
    """A source that is discovered again and again."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.source_id = self.do(RegisterSource(url=SecretStr("postgresql://db.example/shop"))).id

    def do(self, command: Command[Any]) -> Any:
        result = service.carry_out(UnitOfWork(self.session, system("sources"), "sources", datetime.now(UTC)), command)
        self.session.flush()
        return result

    def discover(self, *assets: AssetInfo, complete: bool = True) -> tuple[int | None, ...]:
        """(new, changed, gone, unknown)"""
        work = self.do(DiscoverSource(source_id=self.source_id))
        found = Enumeration(assets=assets, complete=complete)
        told: DiscoveryView = self.do(RecordDiscovery(discovery_id=work.id, enumeration=found, facts=None))
        return told.new, told.changed, told.gone, told.unknown

    def status(self) -> dict[str, str]:
        return {item.path: item.status for item in queries.all_items(self.session, self.source_id)}


@pytest.fixture
def inventory(database_url: str) -> Iterator[Inventory]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        yield Inventory(session)
    engine.dispose()


def table(path: str, kind: LogicalType = "integer", **more: Any) -> AssetInfo:
    column = ColumnInfo(name="id", ordinal=1, type=kind, physical_type=kind)
    return AssetInfo(path=path, kind="table", **{"columns": (column,), **more})


def test_each_asset_is_counted_by_what_happened_to_it(inventory: Inventory) -> None:
    assert inventory.discover(table("a"), table("b")) == (2, 0, 0, 0)
    assert inventory.discover(table("a"), table("b")) == (0, 0, 0, 0)
    assert inventory.discover(table("a", "string"), table("b"), table("c")) == (1, 1, 0, 0)
    assert inventory.discover(table("a", "string")) == (0, 0, 2, 0)
    assert inventory.discover(table("a", "string"), table("b")) == (1, 0, 0, 0), "what comes back is new again"


def test_estimates_that_move_are_no_change(inventory: Inventory) -> None:
    inventory.discover(table("a", rows_estimate=10, bytes=100))
    assert inventory.discover(table("a", rows_estimate=11, bytes=8192)) == (0, 0, 0, 0)
    assert inventory.discover(table("a", rows_estimate=11, bytes=8192, comment="who buys")) == (0, 1, 0, 0)


def test_what_an_incomplete_look_did_not_list_is_unknown(inventory: Inventory) -> None:
    inventory.discover(table("a"), table("b"))
    assert inventory.discover(table("a"), complete=False) == (0, 0, 0, 1)
    assert inventory.status() == {"a": "present", "b": "unknown"}


def test_a_look_that_failed_says_nothing_about_any_asset(inventory: Inventory) -> None:
    inventory.discover(table("a"), table("b"))
    work = inventory.do(DiscoverSource(source_id=inventory.source_id))
    problem = Problem(path="shop", code="source-unreachable", detail="No answer.", remedy="Try again.")
    told = inventory.do(RecordDiscovery(discovery_id=work.id, enumeration=None, problem=problem, facts=None))
    assert (told.state, told.complete, len(told.problems)) == ("failed", False, 1)
    assert inventory.status() == {"a": "present", "b": "present"}
