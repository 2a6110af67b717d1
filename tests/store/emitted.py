"""A catalog that is told of inventories and of OpenLineage events, and the events themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.assets import EVERYBODY
from actors.catalog.contract import (
    AssetView,
    LineageReceipt,
    RecordInventory,
    RecordLineageEvent,
    SourceRef,
)
from actors.catalog.datasets import locate
from actors.catalog.openlineage import Dataset
from actors.catalog.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.context import Caller
from cluster.events.feed import EventDraft
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SHOP = SourceRef(
    id="s1", name="shop", kind="postgresql", namespace="postgres://db.example:5432",
    url="postgresql://db.example:5432/shop",
)  # fmt: skip
DBT = Path(__file__).parents[1] / "lineage" / "events" / "dbt.jsonl"  # see tests/lineage/dbt_project/README.md
ORDERS, TOTALS = asset_id("s1", "public.orders"), asset_id("s1", "mart.totals")


class Desk:
    """The catalog, told of inventories and events."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[EventDraft] = []

    def do(self, command: Command[Any], caller: Caller = EVERYBODY) -> Any:
        work = UnitOfWork(self.session, caller, "catalog", datetime.now(UTC))
        result = service.carry_out(work, command)
        self.session.flush()
        self.events += work.events
        return result

    def inventory(self, *paths: str) -> None:
        columns = (ColumnInfo(name="amount", ordinal=0, type="number", physical_type="numeric"),)
        assets = tuple(AssetInfo(path=path, kind="table", columns=columns) for path in paths)
        self.do(RecordInventory(source=SHOP, assets=assets, complete=True))

    def tell(self, *bodies: dict[str, Any]) -> list[LineageReceipt]:
        return [self.do(RecordLineageEvent(body=body)) for body in bodies]

    def edges(self) -> set[tuple[str, str | None, str, str | None, str, str, bool]]:
        return {
            (e.from_asset, e.from_column, e.to_asset, e.to_column, e.transformation, e.subtype, e.masking)
            for e in queries.lineage(self.session, TOTALS).edges
        }


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        desk = Desk(session)
        desk.inventory("public.orders", "mart.totals")
        yield desk
    engine.dispose()


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": SHOP.namespace, "name": f"shop.{name}", "facets": facets}


def column_lineage(column: str, origin: str, *steps: dict[str, Any]) -> dict[str, Any]:
    field = {**dataset(origin), "field": "amount", "transformations": list(steps)}
    return {"_producer": "p", "_schemaURL": "s", "fields": {column: {"inputFields": [field]}}}


def event(run: str, state: str, at: str, **parts: Any) -> dict[str, Any]:
    return {
        "eventType": state, "eventTime": f"2026-03-02T{at}Z", "run": {"runId": run, "facets": {"odd": {"kept": 1}}},
        "job": {"namespace": "nightly", "name": "totals"}, "producer": "test", "schemaURL": "x", **parts,
    }  # fmt: skip


SUM = {"type": "DIRECT", "subtype": "AGGREGATION", "masking": False}
HASHED = {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}


def told_of(desk: Desk, name: str) -> AssetView:
    place = locate(desk.session, [Dataset(namespace=SHOP.namespace, name=f"shop.{name}")])
    return queries.get_asset(desk.session, next(iter(place.values())).asset_id)


def schema(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": list(fields)}


AMOUNT = {"name": "amount", "type": "DECIMAL(10,2)", "description": "In euro."}


def lifecycle(state: str, **more: Any) -> dict[str, Any]:
    return {"lifecycleStateChange": {"lifecycleStateChange": state, **more}}
