"""No sequence of complete, incomplete and failed inventories takes an asset that is there for deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.contract import AnnotateAsset, RecordInventory, SourceRef
from actors.catalog.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.context import system
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SHOP = SourceRef(id="s1", name="shop", kind="postgres", namespace="postgres://db.example:5432")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def carried_out(session: Session, command: Command[Any]) -> UnitOfWork:
    work = UnitOfWork(session, system("catalog"), "catalog", datetime.now(UTC))
    service.carry_out(work, command)
    session.commit()
    return work


def info(path: str, columns: str, broken: bool) -> AssetInfo:
    if broken:
        return AssetInfo(path=path, kind="table", problem="source-unreachable")
    facts = tuple(ColumnInfo(name=n, ordinal=i, type="string", physical_type="text") for i, n in enumerate(columns))
    return AssetInfo(path=path, kind="table", columns=facts)


seen = st.tuples(st.sampled_from(["x", "xy", "xyz"]), st.booleans())
inventories = st.tuples(st.dictionaries(st.sampled_from("abc"), seen), st.booleans())


@limits(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(inventories, min_size=1, max_size=8))
def test_absence_is_deletion_only_in_a_complete_inventory(engine: Engine, given_inventories: list[Any]) -> None:
    status: dict[str, str] = {}
    columns: dict[str, str] = {}
    with Session(engine, expire_on_commit=False) as session:
        session.execute(text("TRUNCATE catalog.asset CASCADE"))
        session.commit()
        for assets, complete in given_inventories:
            infos = tuple(info(path, names, broken) for path, (names, broken) in assets.items())
            command = RecordInventory(source=SHOP, assets=infos, complete=complete)
            carried_out(session, command)
            for path in status.keys() - assets.keys():
                if status[path] != "gone":
                    status[path] = "gone" if complete else "unknown"
            for path, (names, broken) in assets.items():
                status[path] = "active"
                columns[path] = columns.get(path, "") if broken else names
                if path not in queries.curation(session, "s1"):
                    carried_out(session, AnnotateAsset(asset_id=asset_id("s1", path), description=f"about {path}"))
            for path, expected in status.items():
                view = queries.get_asset(session, asset_id("s1", path))
                assert (view.status, view.description) == (expected, f"about {path}")
                assert "".join(column.name for column in view.column_list) == columns[path]
            assert carried_out(session, command).events == []  # the same again is no news
