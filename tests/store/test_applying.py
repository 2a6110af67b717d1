"""Sources as a document: applied once it changes what differs, applied again nothing, and never half."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actors.sources import applying, queries
from actors.sources.contract import ApplySources, RegisterSource, SourceSpec
from actors.sources.service import service
from cluster.connectors.interface import Endpoint
from cluster.context import system
from cluster.errors import InvalidInput, SextantError
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def do(session: Session, command: Command[Any]) -> tuple[Any, list[Any]]:
    work = UnitOfWork(session, system("sources"), "sources", datetime.now(UTC))
    result = service.carry_out(work, command)
    session.flush()
    return result, work.events


def spec(number: int, **more: Any) -> SourceSpec:
    return SourceSpec(name=f"source {number}", url=f"postgresql://db{number}.example:5432/shop", **more)


FULL = spec(
    1, options={"sslmode": "require"}, endpoints=(Endpoint(url="postgresql://replica.example:5432/shop", region="eu"),),
    node_labels={"zone": "dmz"}, fetch_rows=4096,
    credential={"username": SecretStr("ada"), "password": SecretStr("ref+env://SEXTANT_SECRET_SHOP")},
)  # fmt: skip


def actions(report: Any) -> dict[str, str]:
    return {change.name: change.action for change in report.changes}


def test_what_is_applied_comes_out_again_and_changes_nothing_twice(store: Engine) -> None:
    with Session(store) as session, session.begin():
        plan, events = do(session, ApplySources(sources=(FULL, spec(2)), dry_run=True))
        assert (actions(plan), events) == ({"source 1": "create", "source 2": "create"}, [])
        assert queries.list_sources(session) == []
        made, _ = do(session, ApplySources(sources=(FULL, spec(2))))
        assert actions(made) == actions(plan)
        assert queries.credential(session, made.changes[0].source_id).references == {"password": "env"}
        exported = tuple(applying.export(session))
        assert exported[0] == FULL.model_copy(update={"credential": None})
        for document in ((FULL, spec(2)), exported):
            again, events = do(session, ApplySources(sources=document))
            assert (set(actions(again).values()), events) == ({"unchanged"}, [])


def test_only_what_differs_is_changed_and_said(store: Engine) -> None:
    with Session(store) as session, session.begin():
        do(session, ApplySources(sources=(FULL, spec(2))))
        other = FULL.model_copy(
            update={"fetch_rows": None, "credential": {"password": SecretStr("ref+env://SEXTANT_SECRET_NEW")}}
        )
        for dry_run in (True, False):
            report, _ = do(session, ApplySources(sources=(other,), prune=True, dry_run=dry_run))
            assert [(one.name, one.action, one.fields) for one in report.changes] == [
                ("source 1", "update", ("fetch_rows", "credential")), ("source 2", "retire", ()),
            ]  # fmt: skip
        assert [source.name for source in queries.list_sources(session) if source.state != "retired"] == ["source 1"]


@pytest.mark.parametrize(
    "wrong",
    [
        (spec(1), spec(1)),
        (spec(1, credential={"password": SecretStr("in clear")}),),
        (SourceSpec(name="s", url="postgresql://ada:clear@db.example/shop"),),
        (spec(1), SourceSpec(name="s", url="postgresql://169.254.169.254/shop")),
        (spec(1), SourceSpec(name="s", url="nonsense://x")),
        (spec(1), SourceSpec(name="known", url="postgresql://elsewhere.example/shop")),
    ],
)
def test_a_document_with_a_mistake_is_applied_not_at_all(store: Engine, wrong: tuple[SourceSpec, ...]) -> None:
    with Session(store) as session, session.begin():
        do(session, RegisterSource(url=SecretStr("postgresql://known.example/shop"), name="known"))
    with Session(store) as session:
        with pytest.raises(SextantError) as caught:
            do(session, ApplySources(sources=wrong))
        session.rollback()
        assert "in clear" not in str(caught.value) or isinstance(caught.value, InvalidInput)
        assert [source.name for source in queries.list_sources(session)] == ["known"]


SPECS = st.builds(
    spec, st.integers(0, 3), options=st.dictionaries(st.just("sslmode"), st.sampled_from(["require", "prefer"])),
    fetch_rows=st.none() | st.integers(256, 9999), node_labels=st.dictionaries(st.just("zone"), st.sampled_from("ab")),
)  # fmt: skip


@limits(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(SPECS, max_size=4, unique_by=lambda one: one.name), min_size=1, max_size=4))
def test_after_any_documents_the_sources_are_what_the_last_one_says(
    store: Engine, documents: list[list[SourceSpec]]
) -> None:
    with Session(store) as session, session.begin() as transaction:
        for document in documents:
            planned, _ = do(session, ApplySources(sources=tuple(document), prune=True, dry_run=True))
            done, _ = do(session, ApplySources(sources=tuple(document), prune=True))
            assert actions(done) == actions(planned)
            assert applying.export(session) == sorted(document, key=lambda one: one.name)
        transaction.rollback()
