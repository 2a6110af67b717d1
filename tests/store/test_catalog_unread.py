"""A scan that could read nothing of an asset says nothing about it: what the catalog knows stays, changed or not."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session
from test_catalog import asset, carried_out, evidence, inventory, table

from actors.catalog.contract import RecordProfiles
from cluster.store.engine import make_engine


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@pytest.mark.parametrize("fingerprint", ["f1", "f2"])
def test_a_profile_outlives_a_scan_that_failed(session: Session, fingerprint: str) -> None:
    inventory(session, table("public.a", fingerprint="f1"))
    carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", rows=12),)))
    inventory(session, table("public.a", fingerprint=fingerprint))
    before = asset(session, "public.a")
    nothing = RecordProfiles(source_id="s1", evidence=(evidence("public.a", "sample", rows=0, read=0),))
    receipt, events = carried_out(session, nothing)
    assert (receipt.changed, events) == (0, [])
    after = asset(session, "public.a")
    assert after == before
    assert after.coverage == "census"
    assert after.column_list[0].profile is not None
