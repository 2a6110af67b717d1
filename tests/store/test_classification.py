"""Classification: machine labels follow the evidence, decisions stay, and only what changed is told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from actors.classification import queries
from actors.classification.contract import ClassifyAssets, DecideLabel, ForgetAssets, LabelView, WithdrawDecision
from actors.classification.labelling import facts_of, machine_of
from actors.classification.queries import LabelFilter
from actors.classification.service import service
from actors.classification.tables import Decision, Evidence, Label
from cluster.context import Caller, system
from cluster.errors import InvalidInput, NotFound
from cluster.events.feed import EventDraft
from cluster.kernels.report import AssetEvidence, ClassEvidence, ColumnEvidence, ColumnProfile
from cluster.naming import asset_id
from cluster.runtime.commands import Command, UnitOfWork
from cluster.store.engine import make_engine

EMAIL, PHONE, IBAN = "contact.email", "contact.phone", "financial.iban"
DETECTORS = {IBAN: "payment.iban"}
ADA = Caller(principal="ada", permissions=frozenset({"*"}))
ROWS = 1000


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session:
        yield session


def carried_out(session: Session, command: Command[Any]) -> tuple[Any, list[EventDraft]]:
    work = UnitOfWork(
        session,
        system("classification") if command.permission.endswith(":internal") else ADA,
        "classification",
        datetime.now(UTC),
    )
    result = service.carry_out(work, command)
    session.commit()
    return result, work.events


def found(data_class: str, validated: int, method: str = "census") -> ClassEvidence:
    share = validated / ROWS
    spread = 0.0 if method == "census" else 0.01
    return ClassEvidence(
        detector=DETECTORS.get(data_class, data_class), data_class=data_class,
        scanned=ROWS, distinct=ROWS, matched=validated, whole=validated,
        distinct_matched=validated, validated=validated, distinct_validated=validated, prevalence=share,
        low=max(0.0, share - spread), high=min(1.0, share + spread), missed_at_most=0, chance=0.0001,
    )  # fmt: skip


def evidence(
    columns: dict[str, dict[str, int]],
    method: Any = "census",
    asset: str = "public.a",
    read: int = 1,
    rules: str = "r1",
) -> AssetEvidence:
    profile = ColumnProfile(rows=ROWS, nulls=0, empties=0, unreadable=0, distinct=ROWS, distinct_exact=True)
    return AssetEvidence(
        asset=asset, method=method, partitions=1, partitions_read=read, rows=ROWS, bytes=1, rules_digest=rules,
        columns=tuple(
            ColumnEvidence(
                column=name, type="string", profile=profile,
                classes=tuple(found(data_class, count, method) for data_class, count in classes.items()),
            )
            for name, classes in columns.items()
        ),
    )  # fmt: skip


def classify(session: Session, *given: AssetEvidence, source: str = "s1") -> tuple[Any, list[EventDraft]]:
    return carried_out(session, ClassifyAssets(source_id=source, evidence=given))


def decide(session: Session, column: str, data_class: str, decision: Any, asset: str = "public.a") -> LabelView:
    command = DecideLabel(asset_id=asset_id("s1", asset), column=column, data_class=data_class, decision=decision)
    view: LabelView = carried_out(session, command)[0]
    return view


def shown(session: Session, source: str = "s1") -> dict[tuple[str, str], LabelView]:
    return {(label.column, label.data_class): label for label in queries.labels_of_source(session, source)}


def kinds(events: list[EventDraft]) -> list[str]:
    return sorted(event.kind.removeprefix("classification.") for event in events)


FULL = {"mail": {EMAIL: ROWS}, "tel": {PHONE: ROWS}, "note": {}}


def test_equal_evidence_changes_nothing_and_is_not_told(session: Session) -> None:
    receipt, events = classify(session, evidence(FULL))
    assert (receipt.columns, receipt.created, receipt.unchanged) == (3, 2, 0)
    assert kinds(events) == ["labelled"]  # one event for the asset, not one for each column
    assert events[0].after is not None
    assert {label["column"] for label in events[0].after["labels"]} == {"mail", "tel"}
    before, labels = queries.digest(session, "s1"), shown(session)
    receipt, events = classify(session, evidence(FULL))
    assert (receipt.created, receipt.changed, receipt.withdrawn, receipt.unchanged, events) == (0, 0, 0, 2, [])
    assert (queries.digest(session, "s1"), shown(session)) == (before, labels)
    label = labels["mail", EMAIL]
    assert (label.origin, label.state, label.method, label.matched, label.scanned) == (
        "machine", "automatic", "census", ROWS, ROWS)  # fmt: skip


def test_new_evidence_creates_changes_and_withdraws(session: Session) -> None:
    classify(session, evidence(FULL))
    before = queries.digest(session, "s1")
    receipt, events = classify(session, evidence({"mail": {EMAIL: ROWS - 50}, "tel": {}, "note": {IBAN: ROWS}}))
    assert (receipt.created, receipt.changed, receipt.withdrawn) == (1, 1, 1)
    assert kinds(events) == ["labelled", "relabelled", "withdrawn"]
    assert set(shown(session)) == {("mail", EMAIL), ("note", IBAN)}
    assert queries.digest(session, "s1") != before


def test_a_sample_never_takes_back_what_a_census_of_the_same_rules_found(session: Session) -> None:
    classify(session, evidence({"note": {IBAN: 1}, "mail": {EMAIL: ROWS}}))
    rare = shown(session)["note", IBAN]
    receipt, events = classify(session, evidence({"note": {}, "mail": {EMAIL: ROWS}}, "sample"))
    assert (receipt.withdrawn, events, shown(session)["note", IBAN]) == (0, [], rare)
    assert [view.method for view in queries.evidence(session, asset_id("s1", "public.a"), "note")] == [
        "census",
        "sample",
    ]
    _, events = classify(session, evidence({"note": {PHONE: ROWS}, "mail": {EMAIL: ROWS}}, "sample"))
    assert shown(session)["note", PHONE].method == "sample"
    assert shown(session)["note", IBAN].method == "census"
    classify(
        session, evidence({"note": {}, "mail": {}}, "sample", rules="r2")
    )  # the rules changed: the old census is void
    assert shown(session) == {}
    classify(session, evidence({"note": {IBAN: 1}, "mail": {}}))
    classify(session, evidence({"note": {}, "mail": {}}))
    assert shown(session) == {}


def test_what_could_not_be_read_is_no_evidence(session: Session) -> None:
    classify(session, evidence(FULL))
    receipt, events = classify(session, evidence({}, "sample", read=0))
    assert (receipt.columns, events, len(shown(session))) == (0, [], 2)


def test_a_decision_stays_whatever_the_machine_says(session: Session) -> None:
    classify(session, evidence(FULL))
    assert decide(session, "mail", EMAIL, "reject").state == "rejected"
    assert decide(session, "tel", PHONE, "confirm").state == "confirmed"
    assert decide(session, "note", IBAN, "assign").origin == "human"
    _, events = classify(session, evidence(FULL))
    assert events == []
    classify(session, evidence({"mail": {}, "tel": {}, "note": {}}))
    labels = shown(session)
    assert {key: (label.state, label.drifted) for key, label in labels.items()} == {
        ("mail", EMAIL): ("rejected", False), ("tel", PHONE): ("confirmed", True), ("note", IBAN): ("confirmed", False),
    }  # fmt: skip
    assert labels["tel", PHONE].method == "decision"
    decide(session, "tel", PHONE, "confirm")  # said again in view of the new evidence: no longer drifted
    assert not shown(session)["tel", PHONE].drifted


def test_a_rejection_drifts_when_the_evidence_becomes_strong(session: Session) -> None:
    classify(session, evidence({"note": {}}))
    decide(session, "note", EMAIL, "assign")
    decide(session, "note", EMAIL, "reject")
    classify(session, evidence({"note": {EMAIL: ROWS}}))
    label = shown(session)["note", EMAIL]
    assert (label.state, label.drifted, label.matched) == ("rejected", True, ROWS)
    assert [label.id] == [view.id for view in queries.labels(session, LabelFilter(drifted=True))]


def test_a_column_that_comes_back_has_its_decision(session: Session) -> None:
    classify(session, evidence(FULL))
    decided = decide(session, "mail", EMAIL, "reject")
    classify(session, evidence({"tel": {PHONE: ROWS}}))
    assert set(shown(session)) == {("tel", PHONE)}
    classify(session, evidence(FULL))
    assert (shown(session)["mail", EMAIL].id, shown(session)["mail", EMAIL].state) == (decided.id, "rejected")

    receipt, events = carried_out(session, ForgetAssets(source_id="s1", assets=(asset_id("s1", "public.a"),)))
    assert (receipt.withdrawn, kinds(events), shown(session)) == (2, ["withdrawn"], {})
    receipt, events = carried_out(session, ForgetAssets(source_id="s1", assets=(asset_id("s1", "public.a"),)))
    assert (receipt.withdrawn, events) == (0, [])
    classify(session, evidence(FULL))
    assert shown(session)["mail", EMAIL].state == "rejected"


def test_a_decision_can_be_taken_back_and_is_remembered(session: Session) -> None:
    classify(session, evidence(FULL))
    machine = shown(session)["mail", EMAIL]
    label = decide(session, "mail", EMAIL, "reject")
    back, events = carried_out(session, WithdrawDecision(label_id=label.id))
    assert kinds(events) == ["decision_withdrawn"]
    assert back.model_dump(exclude={"updated_at"}) == machine.model_dump(exclude={"updated_at"})
    with pytest.raises(NotFound):
        carried_out(session, WithdrawDecision(label_id=label.id))
    assigned = decide(session, "note", IBAN, "assign")
    carried_out(session, WithdrawDecision(label_id=assigned.id))
    assert ("note", IBAN) not in shown(session)
    history = queries.decisions(session, asset_id("s1", "public.a"))
    assert [(entry.column, entry.decision, entry.ended_by) for entry in history] == [
        ("mail", "reject", "ada"), ("note", "assign", "ada")]  # fmt: skip


def test_a_decision_needs_something_to_decide_on(session: Session) -> None:
    classify(session, evidence(FULL))
    for column, data_class, decision in (
        ("nope", EMAIL, "assign"), ("note", EMAIL, "confirm"), ("note", EMAIL, "reject"),
        ("note", "no.class", "assign"),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            decide(session, column, data_class, decision)
    with pytest.raises(InvalidInput):
        decide(session, "ma\0il", EMAIL, "confirm")
    decide(session, "mail", EMAIL, "confirm")
    command = DecideLabel(asset_id=asset_id("s1", "public.a"), column="mail", data_class=EMAIL, decision="confirm")
    assert carried_out(session, command)[1] == []
    assert len(queries.decisions(session, asset_id("s1", "public.a"))) == 1


def test_labels_are_filtered_counted_and_paged(session: Session) -> None:
    classify(session, evidence(FULL), evidence({"x": {EMAIL: ROWS}, "y": {IBAN: ROWS}}, asset="public.b"))
    decide(session, "tel", PHONE, "reject")
    pages, after = [], None
    while page := queries.labels(session, after=after, limit=3):
        pages += page
        after = page[-1].id
    assert len({label.id for label in pages}) == len(pages) == 4
    assert len(queries.labels(session, LabelFilter(data_class=EMAIL))) == 2
    assert len(queries.labels(session, LabelFilter(state="rejected"))) == 1
    assert len(queries.labels(session, LabelFilter(asset_id=asset_id("s1", "public.b")))) == 2
    assert len(queries.labels(session, LabelFilter(min_sensitivity="Public"))) == 4
    assert {label.sensitivity for label in queries.labels(session, LabelFilter(min_sensitivity="Restricted"))} <= {
        "Restricted"
    }
    assert queries.labels(session, LabelFilter(source_id="other")) == []
    summary = {entry.data_class: (entry.columns, entry.assets) for entry in queries.summary(session, "s1")}
    assert summary == {EMAIL: (2, 2), IBAN: (1, 1)}
    assert queries.get_label(session, pages[0].id) == pages[0]
    with pytest.raises(NotFound):
        queries.get_label(session, "nope")
    with pytest.raises(NotFound):
        queries.evidence(session, asset_id("s1", "public.a"), "nope")


columns = st.sampled_from(["c1", "c2"])
classes = st.sampled_from([EMAIL, PHONE])
counts = st.sampled_from([0, 1, 300, ROWS])
runs = st.dictionaries(columns, st.dictionaries(classes, counts), max_size=2).map(lambda found: ("run", found))
decided = st.tuples(st.sampled_from(["confirm", "reject", "assign", "withdraw"]), columns, classes)


@limits(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(runs | decided, max_size=10), runs)
def test_no_interleaving_loses_a_decision_or_bends_a_machine_label(engine: Engine, steps: list[Any], last: Any) -> None:
    """Against a model: decisions in force by label. After a final census, decided labels show the decision, and all
    machine labels are those of a source on which only that census was ever made."""
    with Session(engine, expire_on_commit=False) as session:
        for table in (Decision, Label, Evidence):
            session.execute(delete(table))
        session.commit()
        in_force: dict[tuple[str, str], str] = {}
        for kind, *rest in [*steps, last]:
            if kind == "run":
                classify(session, evidence(rest[0]))
                continue
            key = (rest[0], rest[1])
            try:
                if kind == "withdraw":
                    mine = select(Decision.label_id).where(
                        Decision.column == key[0], Decision.data_class == key[1], Decision.ended_at.is_(None)
                    )
                    carried_out(session, WithdrawDecision(label_id=session.scalars(mine).first() or "none"))
                    del in_force[key]
                else:
                    decide(session, *key, kind)
                    in_force[key] = kind
            except NotFound:
                session.rollback()
        classify(session, evidence(last[1]), source="fresh")
        fresh = {(row.column, row.data_class): facts_of(row) for row in _rows(session, "fresh")}
        mine = {(row.column, row.data_class): row for row in _rows(session, "s1")}
        present = {key for key in in_force if key[0] in last[1]}
        assert mine.keys() == fresh.keys() | present
        for key, row in mine.items():
            assert machine_of(row) == fresh.get(key)
            if key in in_force:
                assert row.state == ("rejected" if in_force[key] == "reject" else "confirmed")
            else:
                assert facts_of(row) == fresh[key]
        standing = select(Decision.column, Decision.data_class).where(Decision.ended_at.is_(None))
        assert {tuple(row) for row in session.execute(standing)} == in_force.keys()


def _rows(session: Session, source: str) -> list[Label]:
    return list(session.scalars(select(Label).where(Label.source_id == source)))
