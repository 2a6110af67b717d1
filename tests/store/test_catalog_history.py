"""Curation and history: what people write, what it was before, and bringing it back; the life of an asset."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from catalog_site import SHOP, Site, ident, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.contract import (
    AnnotateAsset,
    Certification,
    ColumnLabel,
    DefineMonitor,
    DefineProperty,
    DefineTest,
    MoveLifecycle,
    OpenIncident,
    Ownership,
    RecordInventory,
    RecordLabels,
    RegisterAsset,
    RemoveProperty,
    RestoreAsset,
    SweepLifecycle,
    TellUse,
)
from actors.catalog.history import state
from actors.catalog.queries import AssetFilter
from cluster.context import system
from cluster.errors import Conflict, InvalidInput, NotFound, PreconditionFailed
from cluster.store.engine import make_engine

ALL = system("catalog")


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["", "One.", "Two"]), st.sampled_from([None, "id", "total"])),
        st.tuples(st.just("tag"), st.lists(st.sampled_from("abc"), unique=True, max_size=2), st.just(None)),
        st.tuples(st.just("own"), st.lists(st.sampled_from(["ada", "bob"]), unique=True), st.just(None)),
        st.tuples(st.just("columns"), st.sampled_from(["id", "id total", "total id x"]), st.just(None)),
        st.tuples(st.just("label"), st.sampled_from(["", "contact.email", "contact.phone"]), st.just(None)),
        st.tuples(st.just("gone"), st.booleans(), st.just(None)),
        st.tuples(st.just("back"), st.integers(1, 6), st.just(None)),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_version_can_be_had_again(site: Site, steps: list[Any]) -> None:
    name = f"t{datetime.now(UTC).timestamp()}".replace(".", "")
    site.do(RecordInventory(source=SHOP, assets=(table(name, "id", "total"),), complete=False))
    seen = {1: state(site.session, ident(name), ALL)}
    for what, told, column in steps:
        try:
            site.do(_command(name, what, told, column))
        except NotFound:
            continue
        now = state(site.session, ident(name), ALL)
        assert now.version in seen or now.version == max(seen) + 1
        assert seen.setdefault(now.version, now) == now
    for version, then in seen.items():
        again = state(site.session, ident(name), ALL, version)
        assert again.model_dump(exclude={"at"}) == then.model_dump(exclude={"at"}), version


def _command(name: str, what: str, told: Any, column: str | None) -> Any:
    if what == "say":
        return AnnotateAsset(asset_id=ident(name), description=told, column=column)
    if what == "tag":
        return AnnotateAsset(asset_id=ident(name), tags=tuple(told))
    if what == "own":
        return AnnotateAsset(asset_id=ident(name), owners=tuple(Ownership(name=each) for each in told))
    if what == "label":
        label = ColumnLabel(asset_id=ident(name), column="id", data_class=told, sensitivity="confidential",
                            origin="machine", state="automatic", confidence=0.9)  # fmt: skip
        return RecordLabels(source_id="s1", assets=(ident(name),), labels=(label,) if told else ())
    if what == "back":
        return RestoreAsset(asset_id=ident(name), to_version=told)
    assets = () if what == "gone" else (table(name, *told.split()),)
    return RecordInventory(source=SHOP, assets=assets, complete=told is True)


def test_a_change_says_who_made_it_and_what_it_was(site: Site) -> None:
    site.inventory(orders="id total")
    site.describe("orders", description="Orders.", tags=("crm",))
    site.inventory(orders="id total currency")
    machine, human = queries.changes(site.session, ident("orders"), ALL)
    assert (human.kind, human.version, machine.kind, machine.version) == ("human", 2, "machine", 3)
    assert human.changes["description"] == {"before": None, "after": "Orders."}
    assert human.changes["lifecycle"] == {"before": "discovered", "after": "active"}
    before, after = machine.changes["columns"]["before"], machine.changes["columns"]["after"]
    assert ([each["name"] for each in before], len(after)) == (["id", "total"], 3)


def test_words_are_restored_and_facts_are_not(site: Site) -> None:
    site.inventory(orders="id total")
    site.describe("orders", description="Orders.", tags=("crm",), owners=(Ownership(name="ada", type="steward"),))
    site.describe("orders", column="id", description="The number.")
    site.inventory(orders="id")
    site.describe("orders", description="Nonsense", tags=(), owners=())
    site.describe("orders", column="id", description="")
    view = site.do(RestoreAsset(asset_id=ident("orders"), to_version=3))
    assert (view.description, view.tags, view.owners[0].name) == ("Orders.", ("crm",), "ada")
    assert [(each.name, each.description) for each in view.column_list] == [("id", "The number.")]
    version = view.version
    assert site.do(RestoreAsset(asset_id=ident("orders"), to_version=3)).version == version
    with pytest.raises(NotFound):
        site.do(RestoreAsset(asset_id=ident("orders"), to_version=99))
    with pytest.raises(PreconditionFailed):
        site.do(RestoreAsset(asset_id=ident("orders"), to_version=1, version=2))


def test_an_asset_is_read_as_of_a_time(site: Site) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    site.do(RecordInventory(source=SHOP, assets=(table("orders", "id"),), complete=True), at=start)
    site.do(AnnotateAsset(asset_id=ident("orders"), description="One"), at=start + timedelta(days=1))
    site.do(AnnotateAsset(asset_id=ident("orders"), description="Two"), at=start + timedelta(days=2))
    for hours, version in ((1, 1), (24, 2), (47, 2), (48, 3), (9999, 3)):
        assert queries.version_at(site.session, ident("orders"), start + timedelta(hours=hours), ALL) == version
    with pytest.raises(NotFound):
        queries.version_at(site.session, ident("orders"), start - timedelta(seconds=1), ALL)


def test_certification_ends_and_is_filtered_by(site: Site) -> None:
    site.inventory(orders="id", items="id")
    past, later = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=9)
    with pytest.raises(InvalidInput):
        site.describe("orders", certification=Certification(level="gold", expires_at=past))
    view = site.describe("orders", certification=Certification(level="gold", expires_at=later))
    assert (view.certification.level, view.certification.by) == ("gold", "system:catalog")
    listed = queries.list_assets(site.session, AssetFilter(certification="gold"))
    assert [each.name for each in listed] == ["orders"]
    site.do(AnnotateAsset(asset_id=ident("items"), certification=Certification(level="gold", expires_at=past)),
            at=past - timedelta(days=1))  # fmt: skip
    assert len(queries.list_assets(site.session, AssetFilter(certification="gold"))) == 1
    assert site.describe("orders", certification="").certification is None


def test_custom_properties_are_held_to_their_definitions(site: Site) -> None:
    site.inventory(orders="id")
    with pytest.raises(InvalidInput):
        site.describe("orders", properties={"retention": 3})
    site.do(DefineProperty(name="retention", type="number", kinds=("table",)))
    site.do(DefineProperty(name="zone", type="choice", choices=("raw", "clean")))
    for wrong in ({"retention": "3"}, {"retention": True}, {"zone": "dirty"}, {"zone": 3}):
        with pytest.raises(InvalidInput):
            site.describe("orders", properties=wrong)
    view = site.describe("orders", properties={"retention": 365, "zone": "raw"})
    assert view.properties == {"retention": 365, "zone": "raw"}
    with pytest.raises(Conflict):
        site.do(DefineProperty(name="zone", type="choice", choices=("clean",)))
    with pytest.raises(Conflict):
        site.do(RemoveProperty(name="zone"))
    assert site.describe("orders", properties={"zone": None}).properties == {"retention": 365}
    site.do(RemoveProperty(name="zone"))
    assert [each.name for each in queries.definitions(site.session)] == ["retention"]


def test_the_life_of_an_asset(site: Site) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def life() -> str:
        return queries.get_asset(site.session, ident("orders")).lifecycle

    def days(number: int) -> datetime:
        return start + timedelta(days=number)

    here = RecordInventory(source=SHOP, assets=(table("orders", "id", comment="secret plans"),), complete=True)
    away = RecordInventory(source=SHOP, assets=(), complete=True)
    site.do(here, at=start)
    assert life() == "discovered"
    site.describe("orders", description="Orders.")
    assert life() == "active"
    site.do(away, at=days(1))
    assert life() == "stale"
    site.do(SweepLifecycle(), at=days(20))
    assert life() == "stale"
    site.do(here, at=days(21))
    assert life() == "active"
    site.do(away, at=days(22))
    site.do(SweepLifecycle(), at=days(60))
    assert life() == "tombstoned"
    with pytest.raises(Conflict):
        site.do(RegisterAsset(kind="dashboard", name="x")) and site.do(RegisterAsset(kind="dashboard", name="x"))
    site.do(SweepLifecycle(), at=days(160))
    assert life() == "purged"
    view = queries.get_asset(site.session, ident("orders"))
    assert (view.description, view.comment, view.column_list, view.name) == (None, None, (), "orders")
    assert "secret" not in str(queries.changes(site.session, ident("orders"), ALL))
    with pytest.raises(Conflict):
        site.do(MoveLifecycle(asset_id=ident("orders"), to="active"))


def test_what_is_purged_leaves_nothing_and_can_be_registered_anew(site: Site) -> None:
    made = site.do(RegisterAsset(kind="metric", name="churn", description="zebra"))
    site.do(DefineTest(asset_id=made.id, definition="tableRowCountToEqual", parameters={"value": 3}))
    site.do(DefineMonitor(asset_id=made.id, kind="volume", parameters={"min": 1}))
    site.do(OpenIncident(asset_id=made.id, title="zebra"))
    for to in ("tombstoned", "purged"):
        site.do(MoveLifecycle(asset_id=made.id, to=to))
    told = (queries.list_tests, queries.monitors)
    assert [ask(site.session, ALL, made.id) for ask in told] == [[], []]
    assert queries.incidents(site.session, ALL) == []
    again = site.do(RegisterAsset(kind="metric", name="churn"))
    assert (again.id, again.lifecycle, again.description) == (made.id, "active", None)
    with pytest.raises(Conflict):
        site.do(RegisterAsset(kind="metric", name="churn"))


def test_uses_of_a_day_to_come_are_refused(site: Site) -> None:
    site.inventory(orders="id")
    with pytest.raises(InvalidInput):
        site.do(TellUse(day=datetime.now(UTC).date() + timedelta(days=3), uses={ident("orders"): 1}))


def test_only_what_is_tombstoned_is_revived_or_purged(site: Site) -> None:
    site.inventory(orders="id")
    with pytest.raises(Conflict):
        site.do(MoveLifecycle(asset_id=ident("orders"), to="purged"))
    site.do(MoveLifecycle(asset_id=ident("orders"), to="tombstoned"))
    assert site.do(MoveLifecycle(asset_id=ident("orders"), to="active")).lifecycle == "active"
