"""A sample is spread over an asset: it is neither its head nor the same places in every asset."""

from collections.abc import Iterator

import pytest
from scan_desk import Desk
from sqlalchemy.orm import Session

from actors.scans.contract import Sampling
from cluster.store.engine import make_engine

PARTS = 40


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Desk(session)
    engine.dispose()


def test_every_part_of_an_asset_can_be_sampled(desk: Desk) -> None:
    assets = [f"t{number}" for number in range(12)]
    scan = desk.start("k", tuple(assets), sampling=Sampling(method="fraction", share=0.1))
    for asset in assets:
        desk.plan(scan, asset, [f"f{number}" for number in range(PARTS)])
    places: dict[str, set[int]] = {asset: set() for asset in assets}
    for lease in desk.lease(1000):
        places[lease.partition.asset].add(lease.partition.number)
    assert {len(chosen) for chosen in places.values()} == {PARTS // 10}
    assert len(set(map(frozenset, places.values()))) > len(assets) / 2
    quarters = {number * 4 // PARTS for chosen in places.values() for number in chosen}
    assert quarters == {0, 1, 2, 3}
