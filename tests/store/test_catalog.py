"""The catalog: what inventories, scans and people say of assets, and how it is found again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from actors.catalog import queries
from actors.catalog.contract import (
    AnnotateAsset,
    AssetView,
    ColumnLabel,
    RecordInventory,
    RecordLabels,
    RecordProfiles,
    SourceRef,
)
from actors.catalog.queries import AssetFilter
from actors.catalog.service import service
from cluster.connectors.interface import AssetInfo, ColumnInfo, ForeignKey
from cluster.context import system
from cluster.errors import InvalidInput, NotFound, PreconditionFailed
from cluster.events.feed import EventDraft
from cluster.kernels.report import AssetEvidence, ColumnEvidence, ColumnProfile
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

SHOP = SourceRef(id="s1", name="shop", kind="postgresql", namespace="postgres://db.example:5432")


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine: Engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def carried_out(session: Session, command: Command[Any]) -> tuple[Any, list[EventDraft]]:
    work = UnitOfWork(session, system("catalog"), "catalog", datetime.now(UTC))
    result = service.carry_out(work, command)
    session.commit()
    return result, work.events


def columns(*names: str) -> tuple[ColumnInfo, ...]:
    return tuple(ColumnInfo(name=n, ordinal=i, type="string", physical_type="text") for i, n in enumerate(names))


def table(path: str, *names: str, **facts: Any) -> AssetInfo:
    return AssetInfo(path=path, kind=facts.pop("kind", "table"), columns=columns(*(names or ("id",))), **facts)


def inventory(session: Session, *assets: AssetInfo, complete: bool = True) -> tuple[Any, list[EventDraft]]:
    return carried_out(session, RecordInventory(source=SHOP, assets=assets, complete=complete))


def asset(session: Session, path: str) -> AssetView:
    return queries.get_asset(session, asset_id("s1", path))


def label(path: str, column: str, data_class: str, sensitivity: str, state: str = "automatic") -> ColumnLabel:
    return ColumnLabel(
        asset_id=asset_id("s1", path), column=column, data_class=data_class, sensitivity=sensitivity,
        origin="machine", state=state, confidence=0.9,
    )  # fmt: skip


def show(session: Session, path: str, *labels: ColumnLabel) -> tuple[Any, list[EventDraft]]:
    return carried_out(session, RecordLabels(source_id="s1", assets=(asset_id("s1", path),), labels=labels))


def evidence(path: str, method: Any = "census", rows: int = 10, read: int = 1, nulls: int = 0) -> AssetEvidence:
    profile = ColumnProfile(
        rows=rows, nulls=nulls, empties=0, unreadable=0, distinct=rows, distinct_exact=True, shapes=(("9999", rows),)
    )
    return AssetEvidence(
        asset=path, method=method, partitions=1, partitions_read=read, rows=rows, bytes=100, rules_digest="r1",
        columns=(ColumnEvidence(column="id", type="string", profile=profile),) if read else (),
    )  # fmt: skip


def kinds(events: list[EventDraft]) -> list[str]:
    return [event.kind.removeprefix("catalog.") for event in events]


def test_an_inventory_is_told_once_and_then_only_what_changed(session: Session) -> None:
    receipt, events = inventory(session, table("public.customers", "id", "email"), table("public.orders"))
    assert (receipt.created, receipt.changed, receipt.gone) == (2, 0, 0)
    assert kinds(events) == ["asset_added", "asset_added"]
    before = queries.digest(session, "s1")

    receipt, events = inventory(session, table("public.customers", "id", "email"), table("public.orders"))
    assert (receipt.created, receipt.changed, receipt.gone, events) == (0, 0, 0, [])
    assert queries.digest(session, "s1") == before
    assert asset(session, "public.customers").version == 1

    receipt, events = inventory(session, table("public.customers", "id", "e_mail"), table("public.orders"))
    assert (receipt.changed, kinds(events)) == (1, ["asset_changed"])
    assert events[0].after is not None
    assert (list(events[0].after["added"]), list(events[0].after["removed"])) == (["e_mail"], ["email"])
    assert queries.digest(session, "s1") != before
    assert [column.name for column in asset(session, "public.customers").column_list] == ["id", "e_mail"]


def test_estimates_that_move_by_themselves_are_no_change(session: Session) -> None:
    inventory(session, table("public.a", rows_estimate=100, bytes=10, fingerprint="f1"))
    _, events = inventory(session, table("public.a", rows_estimate=104, bytes=12, fingerprint="f1"))
    assert (events, asset(session, "public.a").rows) == ([], 100)
    _, events = inventory(session, table("public.a", rows_estimate=200, bytes=20, fingerprint="f2"))
    assert (events, asset(session, "public.a").rows) == ([], 200)


def test_schema_versions_tell_what_was_added_removed_and_changed(session: Session) -> None:
    inventory(session, table("public.a", "id", "x"))
    wider = AssetInfo(
        path="public.a", kind="table", columns=(*columns("id", "x")[:1], columns("q", "x")[1].model_copy(
            update={"physical_type": "varchar"}), *columns("q", "q", "y")[2:]))  # fmt: skip
    inventory(session, wider)
    newest, oldest = queries.schema_versions(session, asset_id("s1", "public.a"))
    assert (oldest.version, oldest.added) == (1, ("id", "x"))
    assert (newest.version, newest.added, newest.removed, newest.changed) == (2, ("y",), (), ("x",))
    assert [column["name"] for column in newest.columns] == ["id", "x", "y"]
    behind = queries.schema_versions(session, asset_id("s1", "public.a"), after="2")
    assert [version.version for version in behind] == [1]


def test_only_a_complete_inventory_takes_absence_for_deletion(session: Session) -> None:
    inventory(session, table("public.a"), table("public.b"))
    receipt, events = inventory(session, table("public.a"), complete=False)
    assert (receipt.gone, kinds(events)) == (0, ["asset_changed"])
    assert asset(session, "public.b").status == "unknown"
    assert [column.name for column in asset(session, "public.b").column_list] == ["id"]
    _, events = inventory(session, table("public.a"), complete=False)
    assert events == []

    receipt, events = inventory(session, table("public.a"))
    assert (receipt.gone, kinds(events), asset(session, "public.b").status) == (1, ["asset_gone"], "gone")
    _, events = inventory(session, complete=False)
    assert asset(session, "public.b").status == "gone"  # what was seen to be gone is not unknown again


def test_an_asset_that_cannot_be_read_keeps_what_is_known_of_it(session: Session) -> None:
    inventory(session, table("public.a", "id", "email", comment="people", fingerprint="f1", bytes=7))
    broken = AssetInfo(path="public.a", kind="table", problem="source-denied")
    _, events = inventory(session, broken)
    view = asset(session, "public.a")
    assert kinds(events) == ["asset_changed"]
    assert (view.status, view.problem, view.comment, view.bytes) == ("active", "source-denied", "people", 7)
    assert [column.name for column in view.column_list] == ["id", "email"]
    assert len(queries.schema_versions(session, view.id)) == 1
    inventory(session, AssetInfo(path="public.new", kind="file", problem="source-unreadable"))
    assert queries.schema_versions(session, asset_id("s1", "public.new")) == []


def test_an_asset_that_comes_back_has_its_curation(session: Session) -> None:
    inventory(session, table("public.a", "id", "email"))
    show(session, "public.a", label("public.a", "email", "email_address", "Confidential"))
    carried_out(session, AnnotateAsset(asset_id=asset_id("s1", "public.a"), description="People", tags=("gold",)))
    carried_out(session, AnnotateAsset(asset_id=asset_id("s1", "public.a"), column="email", description="Private"))
    inventory(session)
    inventory(session, table("public.a", "id"))  # comes back without the column
    assert asset(session, "public.a").column_list[0].description is None
    inventory(session, table("public.a", "id", "email", comment="from the database"))
    view = asset(session, "public.a")
    assert (view.status, view.description, view.tags) == ("active", "People", ("gold",))
    assert view.column_list[1].description == "Private"
    assert view.comment == "from the database"


def test_annotations_need_the_current_version_and_repeat_without_effect(session: Session) -> None:
    inventory(session, table("public.a", "id"))
    identifier = asset_id("s1", "public.a")
    view, events = carried_out(
        session, AnnotateAsset(asset_id=identifier, version=1, owner="ada", tags=("x", "x", " "))
    )
    assert (view.version, view.owner, view.tags, kinds(events)) == (2, "ada", ("x",), ["asset_annotated"])
    with pytest.raises(PreconditionFailed):
        carried_out(session, AnnotateAsset(asset_id=identifier, version=1, owner="eve"))
    view, events = carried_out(session, AnnotateAsset(asset_id=identifier, owner="ada"))
    assert queries.curation(session, "s1") == {identifier: {"description": None, "owner": "ada", "tags": ["x"]}}
    assert (view.version, events) == (2, [])
    view, _ = carried_out(session, AnnotateAsset(asset_id=identifier, owner="", description="d"))
    assert (view.owner, view.description, view.tags) == (None, "d", ("x",))
    for wrong, error in (
        (AnnotateAsset(asset_id=identifier, column="id", owner="eve"), InvalidInput),
        (AnnotateAsset(asset_id=identifier, column="nope", description="x"), NotFound),
        (AnnotateAsset(asset_id="nope", description="x"), NotFound),
        (AnnotateAsset(asset_id=identifier, description="a\0b"), InvalidInput),
        (AnnotateAsset(asset_id=identifier, tags=("t" * 101,)), InvalidInput),
    ):
        with pytest.raises(error):
            carried_out(session, wrong)


def test_profiles_change_the_catalog_only_when_they_differ(session: Session) -> None:
    inventory(session, table("public.a", "id", rows_estimate=99))
    receipt, events = carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", "sample"),)))
    assert (receipt.changed, kinds(events)) == (1, ["asset_profiled"])
    assert (asset(session, "public.a").coverage, asset(session, "public.a").rows) == ("sample", 99)
    receipt, _ = carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", rows=12),)))
    view = asset(session, "public.a")
    assert (view.coverage, view.rows) == ("census", 12)
    assert view.column_list[0].profile is not None
    assert view.column_list[0].profile.shapes == (("9999", 12),)
    receipt, events = carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", rows=12),)))
    assert (receipt.changed, events) == (0, [])
    # A sample of what was counted already is no news, unless the content changed since.
    sample = RecordProfiles(source_id="s1", evidence=(evidence("public.a", "sample", 3),))
    assert (carried_out(session, sample)[0].changed, asset(session, "public.a").coverage) == (0, "census")
    inventory(session, table("public.a", "id", fingerprint="f2"))
    assert (carried_out(session, sample)[0].changed, asset(session, "public.a").coverage) == (1, "sample")
    carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", rows=12),)))
    # Nothing could be read of it: that is no news about it.
    receipt, events = carried_out(
        session, RecordProfiles(source_id="s1", evidence=(evidence("public.a", "sample", 0, 0),))
    )
    assert (receipt.changed, asset(session, "public.a").coverage) == (0, "census")
    receipt, _ = carried_out(session, RecordProfiles(source_id="s1", evidence=(evidence("public.unknown"),)))
    assert receipt.changed == 0


def test_an_asset_is_as_sensitive_as_its_most_sensitive_column(session: Session) -> None:
    inventory(session, table("public.a", "id", "email", "ssn"))
    labels = [
        label("public.a", "email", "email_address", "Confidential"),
        label("public.a", "ssn", "us_ssn", "Restricted"),
        label("public.a", "id", "number", "Internal"),
    ]
    receipt, events = show(session, "public.a", *labels)
    assert (receipt.changed, kinds(events), asset(session, "public.a").sensitivity) == (
        1,
        ["asset_labelled"],
        "Restricted",
    )
    receipt, events = show(session, "public.a", *labels)
    assert (receipt.changed, events) == (0, [])
    show(session, "public.a", *labels[:1], label("public.a", "ssn", "us_ssn", "Restricted", "rejected"))
    assert asset(session, "public.a").sensitivity == "Confidential"
    stats = queries.stats(session, "s1")
    assert (stats.labelled_columns, stats.sensitive_columns) == (1, {"Confidential": 1})
    assert stats.sensitivity == "Confidential", "a source is as sensitive as its most sensitive column"
    show(session, "public.a")
    assert asset(session, "public.a").sensitivity is None


def found(session: Session, asked: str, **wanted: Any) -> list[str]:
    return [hit.path for hit in queries.search(session, asked, AssetFilter(**wanted))]


def test_search_finds_parts_of_names_and_ranks_names_first(session: Session) -> None:
    inventory(
        session,
        table("public.customerOrders", "id"),
        table("public.invoices", "customer_id", comment="one per month"),
        table("public.notes", "id", comment="what a customer said"),
        table("lake/EventLog.csv", "deviceID", kind="file"),
    )
    assert found(session, "customer") == ["public.customerOrders", "public.invoices", "public.notes"]
    assert found(session, "cust ord") == ["public.customerOrders"]
    assert found(session, "CUSTOMERORDERS") == ["public.customerOrders"]
    assert found(session, "device") == found(session, "log event") == found(session, "lake") == ["lake/EventLog.csv"]
    assert found(session, "customer -said -month") == ["public.customerOrders"]
    assert found(session, '"customer id"') == ["public.invoices"]
    assert found(session, "nothinglikeit or notes") == ["public.notes"]
    assert found(session, "stomer") == []
    for nonsense in ("", "   ", "& | ! :* ( ' \\", "'; DROP TABLE x", "\0", "a" * 5000, "<-> <->", '"', "--"):
        assert found(session, nonsense) == [], nonsense


def test_search_follows_words_and_labels_at_once(session: Session) -> None:
    inventory(session, table("public.a", "x"), table("public.b", "x"))
    assert found(session, "treasure") == found(session, "iban") == []
    carried_out(session, AnnotateAsset(asset_id=asset_id("s1", "public.a"), description="The Treasure", tags=("gold",)))
    show(session, "public.b", label("public.b", "x", "iban", "Confidential"))
    assert found(session, "treasure") == found(session, "gold") == ["public.a"]
    assert found(session, "iban") == ["public.b"]
    show(session, "public.a", label("public.a", "x", "government.us_ssn", "Restricted"))
    assert found(session, "where are social security numbers?") == ["public.a"]
    show(session, "public.b", label("public.b", "x", "iban", "Confidential", "rejected"))
    assert found(session, "iban") == []


def test_lists_and_search_are_filtered_and_paged_without_gap_or_repetition(session: Session) -> None:
    inventory(session, *(table(f"public.t{n:02d}", "common") for n in range(25)), table("f.csv", "common", kind="file"))
    show(session, "public.t03", label("public.t03", "common", "iban", "Restricted"))
    carried_out(session, AnnotateAsset(asset_id=asset_id("s1", "public.t04"), tags=("gold",)))

    def pages(read: Any) -> list[str]:
        seen: list[str] = []
        after = None
        while page := read(after):
            assert len(page) <= 7
            seen += [item.path for item in page]
            after = page[-1].id
        return seen

    listed = pages(lambda after: queries.list_assets(session, after=after, limit=7))
    assert listed == sorted(listed)
    assert len(set(listed)) == len(listed) == 26
    searched = pages(lambda after: queries.search(session, "common", after=after, limit=7))
    assert sorted(searched) == listed
    for wanted, expected in (
        ({"kind": "file"}, ["f.csv"]), ({"sensitivity": "Restricted"}, ["public.t03"]),
        ({"data_class": "iban"}, ["public.t03"]),
        ({"tag": "gold"}, ["public.t04"]), ({"source_id": "other"}, []), ({"tag": "gold", "kind": "file"}, []),
    ):  # fmt: skip
        assert [item.path for item in queries.list_assets(session, AssetFilter(**wanted))] == expected
        assert found(session, "common", **wanted) == expected
    with pytest.raises(NotFound):
        queries.list_assets(session, after="nope")
    with pytest.raises(NotFound):
        queries.get_asset(session, "nope")


def test_search_uses_its_index(session: Session) -> None:
    inventory(session, table("public.a", "x"))
    session.execute(text("SET enable_seqscan = off"))
    plan = session.execute(text("EXPLAIN SELECT id FROM catalog.asset WHERE document @@ to_tsquery('simple', 'x:*')"))
    assert "ix_asset_document" in "".join(plan.scalars())


def test_foreign_keys_are_facts_of_the_asset_and_statistics_count(session: Session) -> None:
    key = ForeignKey(columns=("customer_id",), to_asset="public.customers", to_columns=("id",))
    inventory(
        session,
        table("public.customers", "id", "name", bytes=10, rows_estimate=3),
        table("public.orders", "id", "customer_id", foreign_keys=(key,), bytes=5, rows_estimate=4),
        table("public.v", "id", kind="view", definition="SELECT id FROM customers"),
        table("public.old", "id"),
    )
    inventory(session, table("public.customers", "id", "name", bytes=10, rows_estimate=3),
              table("public.orders", "id", "customer_id", foreign_keys=(key,), bytes=5, rows_estimate=4),
              table("public.v", "id", kind="view", definition="SELECT id FROM customers"))  # fmt: skip
    assert asset(session, "public.orders").foreign_keys == (key,)
    stats = queries.stats(session, "s1")
    assert stats == queries.stats(session)
    assert (stats.tables, stats.views, stats.files, stats.gone, stats.columns) == (2, 1, 0, 1, 5)
    assert (stats.rows, stats.bytes, stats.scanned) == (7, 15, 0)
