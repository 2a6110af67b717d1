"""Lineage that persons tell of, lineage as of earlier times, questions along columns, and labels that travel."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from actors.catalog import deriving, queries
from actors.catalog.contract import (
    ColumnLabel,
    DeriveLineage,
    EndEdge,
    LineageView,
    RecordInventory,
    RecordLabels,
    RecordLineageEvent,
    RecordQueries,
    TellEdge,
)
from actors.catalog.lineage import DerivedEdge
from cluster.connectors.interface import AssetInfo, ColumnInfo
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.store.engine import make_engine
from tests.store.catalog_site import SHOP, Site, ident, table

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield Site(session)
    engine.dispose()


def told(site: Site, start: str, end: str, **more: Any) -> Any:
    at = more.pop("at", None)
    (origin, column), (target, into) = start.split("."), end.split(".")
    return site.do(
        TellEdge(from_asset=ident(origin), from_column=column, to_asset=ident(target), to_column=into, **more), at=at
    )


def labelled(site: Site, name: str, column: str = "c", **more: Any) -> None:
    label = ColumnLabel(
        asset_id=ident(name), column=column, data_class="contact.email", sensitivity="confidential",
        origin="machine", state="automatic", confidence=1.0, **more,
    )  # fmt: skip
    site.do(RecordLabels(source_id="s1", assets=(ident(name),), labels=(label,)))


def unlabelled(site: Site, name: str) -> None:
    site.do(RecordLabels(source_id="s1", assets=(ident(name),), labels=()))


def carried(site: Site, name: str) -> list[tuple[str, str]]:
    return [(each.column, each.state) for each in queries.carried_labels(site.session, ident(name))]


def chain(site: Site, *names: str) -> list[Any]:
    return [told(site, f"{a}.c", f"{b}.c", subtype="IDENTITY") for a, b in pairwise(names)]


def names_of(view: LineageView) -> set[str]:
    return {path.removeprefix("public.") for path in view.assets.values()}


def test_a_told_edge_has_its_author_and_is_told_once(site: Site) -> None:
    site.inventory(a="c", b="c")
    edge = told(site, "a.c", "b.c", note="by hand each night")
    assert (edge.author, edge.origin, edge.note) == ("system:catalog", "manual", "by hand each night")
    assert told(site, "a.c", "b.c").id == edge.id
    site.do(DeriveLineage(source_id="s1"))  # what a machine finds does not end what a person knows
    assert len(queries.lineage(site.session, ident("b")).edges) == 1
    for wrong, error in (("a.d", NotFound), ("x.c", NotFound), ("b.c", InvalidInput)):
        with pytest.raises(error):
            told(site, wrong, "b.c")


def test_lineage_is_read_as_of_a_time(site: Site) -> None:
    site.inventory(a="c", b="c")
    edge = told(site, "a.c", "b.c", at=DAY)
    site.do(EndEdge(edge_id=edge.id), at=DAY + timedelta(days=2))
    seen = [
        len(queries.lineage(site.session, ident("b"), at=DAY + timedelta(days=days)).edges) for days in (-1, 0, 1, 2)
    ]
    assert seen == [0, 1, 1, 0]
    with pytest.raises(NotFound):
        site.do(EndEdge(edge_id=edge.id))


def test_an_edge_of_a_machine_is_not_ended_by_hand(site: Site) -> None:
    view = AssetInfo(path="public.v", kind="view", definition="SELECT c FROM a",
                     columns=(ColumnInfo(name="c", ordinal=0, type="string", physical_type="text"),))  # fmt: skip
    site.do(RecordInventory(source=SHOP, assets=(table("a", "c"), view), complete=True))
    site.do(DeriveLineage(source_id="s1"))
    (edge,) = queries.lineage(site.session, ident("v")).edges
    with pytest.raises(Conflict):
        site.do(EndEdge(edge_id=edge.id))


def test_impact_counts_assets_and_columns_by_depth(site: Site) -> None:
    site.inventory(a="c d", b="c", e="c d", f="c")
    told(site, "a.c", "b.c")
    told(site, "b.c", "e.c")
    told(site, "b.c", "e.d")
    told(site, "a.d", "f.c", subtype="FILTER")
    whole = queries.impact(site.session, ident("a"))
    assert [(level.assets, level.columns, level.indirect) for level in whole.levels] == [(2, 2, 1), (1, 2, 0)]
    one = queries.impact(site.session, ident("a"), "d")
    assert [(level.assets, level.columns) for level in one.levels] == [(1, 1)]
    assert (whole.assets, whole.columns, whole.complete) == (3, 4, True)


def test_one_column_is_followed_alone(site: Site) -> None:
    site.inventory(a="c d", b="c d", e="c d", f="c")
    told(site, "a.c", "b.c")
    told(site, "a.d", "b.d")
    told(site, "b.c", "e.d")
    told(site, "b.d", "f.c")
    told(site, "a.d", "e.c")
    down = queries.lineage(site.session, ident("a"), 3, "down", column="c")
    assert {(edge.from_column, edge.to_column) for edge in down.edges} == {("c", "c"), ("c", "d")}
    assert (names_of(down), down.depths[ident("e")]) == ({"a", "b", "e"}, 2)
    up = queries.lineage(site.session, ident("e"), 3, "up", column="d")
    assert {edge.id for edge in up.edges} == {edge.id for edge in down.edges}
    assert len(queries.lineage(site.session, ident("e"), 1, "up", column="d").edges) == 1
    site.inventory(a="d", b="c d", e="c d", f="c")  # what is told of a column outlives it
    assert queries.impact(site.session, ident("a"), "c").assets == 2
    for ask in (
        lambda: queries.lineage(site.session, ident("a"), 3, "down", column="none"),
        lambda: queries.impact(site.session, ident("a"), "none"),
        lambda: queries.path(site.session, (ident("a"), "d"), (ident("e"), "none")),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_path_is_explained_step_by_step(site: Site) -> None:
    site.inventory(a="c", b="c", e="c", f="c")
    chain(site, "a", "b", "e")
    told(site, "a.c", "e.c", subtype="AGGREGATION", masking=True)
    found = queries.path(site.session, (ident("a"), "c"), (ident("e"), "c"))
    assert [step.words for step in found.steps] == [
        "public.a.c is aggregated into public.e.c without being shown, as system:catalog says"
    ]
    assert queries.path(site.session, (ident("a"), None), (ident("f"), None)).steps == ()


def test_a_query_log_is_lineage(site: Site) -> None:
    site.inventory(orders="id amount", sales="order_id total")
    log = (
        "INSERT INTO sales (order_id, total) SELECT id, amount * $1 FROM orders WHERE amount > $2",
        "SELECT * FROM orders",
        "INSERT INTO elsewhere SELECT id FROM orders",
        "VACUUM orders",
        "SELEC",
    )
    receipt = site.do(RecordQueries(source_id="s1", queries=log))
    assert (receipt.entries, receipt.changed) == (5, 3)
    edges = queries.lineage(site.session, ident("sales")).edges
    assert {(edge.from_column, edge.to_column, edge.subtype, edge.origin) for edge in edges} == {
        ("id", "order_id", "IDENTITY", "query"), ("amount", "total", "TRANSFORMATION", "query"),
        ("amount", None, "FILTER", "query"),
    }  # fmt: skip
    assert site.do(RecordQueries(source_id="s1", queries=log)).changed == 0
    site.do(DeriveLineage(source_id="s1"))
    assert len(queries.lineage(site.session, ident("sales")).edges) == 3
    site.do(EndEdge(edge_id=edges[0].id))
    assert site.do(RecordQueries(source_id="s1", queries=log)).changed == 0  # the log says so still, a person does not
    assert len(queries.lineage(site.session, ident("sales")).edges) == 2
    with pytest.raises(NotFound):
        site.do(RecordQueries(source_id="nope", queries=log))


def test_a_transaction_does_not_fall_asleep_over_a_long_query_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.inventory(orders="id")
    asked: list[str] = []
    seen: list[int] = []

    def read(*_: object) -> Iterator[set[DerivedEdge]]:
        for _ in range(40):
            seen.append(len(asked))
            yield set()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    monkeypatch.setattr(deriving, "derive_from_queries", read)
    event.listen(site.session.get_bind(), "before_cursor_execute", note)
    site.do(RecordQueries(source_id="s1", queries=("SELECT 1",)))
    assert all(after > before for before, after in zip(seen, seen[10:], strict=False))


def test_a_cycle_is_walked_once(site: Site) -> None:
    site.inventory(a="c", b="c", e="c")
    chain(site, "a", "b", "e", "a")
    view = queries.lineage(site.session, ident("a"), 20)
    assert (len(view.edges), names_of(view)) == (3, {"a", "b", "e"})
    assert queries.impact(site.session, ident("a"), "c").assets == 2


def test_exports_say_the_same_edges(site: Site) -> None:
    site.inventory(a="c", b="c")
    told(site, "a.c", "b.c", subtype="IDENTITY")
    view = queries.lineage(site.session, ident("b"))
    (event,) = queries.as_openlineage(site.session, view, DAY)
    facet = event["outputs"][0]["facets"]["columnLineage"]
    assert facet["fields"]["c"]["inputFields"][0]["transformations"][0]["subtype"] == "IDENTITY"
    graph = queries.as_graph(view)["graph"]
    assert set(graph["nodes"]) == {ident("a"), ident("b")}
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [(ident("a"), ident("b"))]
    again = site.do(RecordLineageEvent(body=event))  # what is exported can be read in
    assert (again.kind, again.begun) == ("job", 1)


def test_a_label_travels_and_goes_with_its_last_way(site: Site) -> None:
    site.inventory(a="c", b="c", e="c", f="c")
    edges = [*chain(site, "a", "b", "e"), *chain(site, "a", "f", "e")]
    labelled(site, "a")
    assert carried(site, "e") == [("c", "carried")]
    (label,) = queries.carried_labels(site.session, ident("e"))
    assert label.roots == ((ident("a"), "c"),)
    site.do(EndEdge(edge_id=edges[1].id))
    assert carried(site, "e") == [("c", "carried")]
    site.do(EndEdge(edge_id=edges[2].id))
    assert (carried(site, "e"), carried(site, "b")) == ([], [("c", "carried")])


def test_a_label_leaves_a_cycle_when_its_root_is_gone(site: Site) -> None:
    site.inventory(a="c", b="c", e="c")
    chain(site, "a", "b", "e", "b")
    labelled(site, "a")
    assert carried(site, "e") == [("c", "carried")]
    unlabelled(site, "a")
    assert (carried(site, "b"), carried(site, "e")) == ([], [])


def test_a_scan_confirms_what_is_carried_and_a_person_refutes_it(site: Site) -> None:
    site.inventory(a="c", b="c", e="c")
    chain(site, "a", "b", "e")
    labelled(site, "a")
    labelled(site, "b")
    assert carried(site, "b") == [("c", "confirmed")]
    label = ColumnLabel(
        asset_id=ident("b"), column="c", data_class="contact.email", sensitivity="confidential", origin="human",
        state="rejected", confidence=1.0,
    )  # fmt: skip
    site.do(RecordLabels(source_id="s1", assets=(ident("b"),), labels=(label,)))
    assert (carried(site, "b"), carried(site, "e")) == ([("c", "refuted")], [])


@limits(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    edges=st.sets(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(lambda p: p[0] != p[1]), max_size=14
    ),
    concealed=st.sets(st.sampled_from("bcdefgh"), min_size=1, max_size=4),
    ada=st.booleans(),
)
def test_nothing_that_is_hidden_shows_in_any_answer(
    site: Site, edges: set[tuple[str, str]], concealed: set[str], ada: bool
) -> None:
    stamp = f"x{uuid4().hex}"  # an example may be tried again
    names = {letter: f"{letter}_{stamp}" for letter in "abcdefgh"}
    site.inventory(**dict.fromkeys(names.values(), "c"))
    site.domain(f"hr {stamp}", *(names[each] for each in concealed), members=("ada",))
    for start, end in edges:
        told(site, f"{names[start]}.c", f"{names[end]}.c", subtype="IDENTITY")
    labelled(site, names["a"])
    caller = site.person("ada" if ada else "bob", "viewer")
    shown = set("abcdefgh") if ada else set("abcdefgh") - concealed
    kept = {(start, end) for start, end in edges if {start, end} <= shown}
    below, work = set(), ["a"]
    while work:
        at = work.pop()
        fresh = {end for start, end in kept if start == at} - below
        below |= fresh
        work += sorted(fresh)
    view = queries.lineage(site.session, ident(names["a"]), 20, "down", None, caller)
    assert names_of(view) == {names[each] for each in below | {"a"}}
    assert queries.impact(site.session, ident(names["a"]), "c", 20, None, caller).assets == len(below - {"a"})
    by_column = queries.lineage(site.session, ident(names["a"]), 20, "down", None, caller, "c")
    assert names_of(by_column) == names_of(view)
    for letter in "bcdefgh":
        if letter in shown:
            way = queries.path(site.session, (ident(names["a"]), "c"), (ident(names[letter]), "c"), None, caller)
            assert bool(way.steps) is (letter in below), "there is a way that does not lead past what is hidden"
            walked = {name for step in way.steps for name in (step.from_name, step.to_name)}
            assert walked <= {f"public.{names[each]}" for each in shown}
        else:
            with pytest.raises(NotFound):
                queries.carried_labels(site.session, ident(names[letter]), caller)
            with pytest.raises(NotFound):
                queries.path(site.session, (ident(names["a"]), "c"), (ident(names[letter]), "c"), None, caller)
