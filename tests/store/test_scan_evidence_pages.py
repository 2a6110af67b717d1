"""The evidence of a scan comes in pages by path: each asset once, whatever the size of the page."""

from collections.abc import Iterator

import pytest
from scan_desk import Desk
from sqlalchemy.orm import Session

from actors.scans import queries
from cluster.store.engine import make_engine

PATHS = ("B", "a", "a.b", "c", "ä")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Desk(session)
    engine.dispose()


@pytest.mark.parametrize("size", [1, 2, 4, 5, 9])
def test_every_asset_is_on_one_page(desk: Desk, size: int) -> None:
    scan = desk.start(paths=PATHS)
    for path in PATHS:
        desk.plan(scan, path, ["f0"])
    desk.read_all(scan)
    seen: list[str] = []
    while page := [found.asset for found in queries.evidence(desk.session, scan.id, seen[-1] if seen else None, size)]:
        assert len(page) <= size
        seen += page
        assert len(seen) <= len(PATHS)
    assert seen == sorted(PATHS)
