"""Review: what is worth most is asked first, many answers are one batch, and answers teach about like columns."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from actors.classification import feedback, precision, queries, review
from actors.classification.contract import ClassifyAssets, DecideLabels, DecisionBatch, MoveDecisions, UndoDecisions
from actors.classification.decisions import LabelFacts
from actors.classification.precedents import Precedent, adjusted, name_key
from actors.classification.queries import LabelFilter
from cluster.detectors.compile import load_rule_set
from cluster.errors import NotFound
from cluster.naming import asset_id
from cluster.store.engine import make_engine
from tests.store.test_classification import (
    EMAIL,
    FULL,
    IBAN,
    PHONE,
    ROWS,
    carried_out,
    classify,
    decide,
    evidence,
    shown,
)

FEW = ROWS // 50


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def ids(session: Session, *columns: str) -> tuple[str, ...]:
    return tuple(label.id for (column, _), label in sorted(shown(session).items()) if column in columns)


def many(session: Session, labels: tuple[str, ...], decision: Any, **more: Any) -> DecisionBatch:
    batch: DecisionBatch = carried_out(session, DecideLabels(label_ids=labels, decision=decision, **more))[0]
    return batch


def review_of(session: Session, *assets: str, **columns: dict[str, int]) -> None:
    strict = load_rule_set().value.model_copy(update={"automatic_at": 0.9})
    for asset in assets:
        carried_out(session, ClassifyAssets(source_id="s1", evidence=(evidence(columns, asset=asset),), rules=strict))


def test_the_queue_holds_what_is_open_and_pages_without_gap(session: Session) -> None:
    review_of(session, "public.a", "public.b", "public.c", remark={EMAIL: FEW}, note={PHONE: FEW}, mail={EMAIL: ROWS})
    whole = review.queue(session, LabelFilter())
    assert whole
    assert {item.label.state for item in whole} == {"review"}
    assert [item.value for item in whole] == sorted((item.value for item in whole), reverse=True)
    assert {item.alike for item in whole} == {3}
    seen, after = [], None
    while part := review.queue(session, LabelFilter(), after, 2):
        seen += part
        after = review.cursor(part[-1])
    assert seen == whole
    assert review.queue(session, LabelFilter(data_class=PHONE)) == [i for i in whole if i.label.data_class == PHONE]


def test_one_answer_settles_all_that_are_alike_and_is_undone_at_once(session: Session) -> None:
    review_of(session, "public.a", "public.b", "public.c", remark={EMAIL: FEW}, note={PHONE: FEW})
    before = shown(session)
    first = next(i.label for i in review.queue(session, LabelFilter()) if i.label.column == "remark")
    batch = many(session, (first.id, "f" * 32), "reject", reason_code="test_data", alike=True)
    assert (batch.decided, batch.unchanged, batch.unknown) == (3, 0, ("f" * 32,))
    assert {label.state for (column, _), label in shown(session).items() if column == "remark"} == {"rejected"}
    assert {i.label.column for i in review.queue(session, LabelFilter())} == {"note"}
    undone = carried_out(session, UndoDecisions(batch_id=batch.batch_id))[0]
    assert undone.decided == 3
    after = shown(session)
    assert {k: v.model_copy(update={"updated_at": before[k].updated_at}) for k, v in after.items()} == before
    assert carried_out(session, UndoDecisions(batch_id=batch.batch_id))[0].decided == 0


def test_undoing_a_batch_brings_back_what_it_had_ended_and_leaves_what_came_after(session: Session) -> None:
    classify(session, evidence(FULL))
    decide(session, "mail", EMAIL, "reject")
    batch = many(session, ids(session, "mail", "tel"), "confirm")
    assert batch.decided == 2
    decide(session, "tel", PHONE, "reject")
    undone = carried_out(session, UndoDecisions(batch_id=batch.batch_id))[0]
    assert (undone.decided, undone.unchanged) == (1, 1)
    assert {column: label.state for (column, _), label in shown(session).items()} == {
        "mail": "rejected", "tel": "rejected",
    }  # fmt: skip
    assert shown(session)["mail", EMAIL].reasons[0] == "Rejected by ada."


@pytest.mark.parametrize("meanwhile", ["nothing", "renamed", "gone", "undone twice"])
def test_undoing_brings_back_wherever_the_column_is_by_then(session: Session, meanwhile: str) -> None:
    classify(session, evidence(FULL))
    decide(session, "mail", EMAIL, "reject")
    batch = many(session, ids(session, "mail"), "confirm")
    path = "public.b" if meanwhile == "renamed" else "public.a"
    if meanwhile == "renamed":
        ids_of = asset_id("s1", "public.a"), asset_id("s1", path)
        carried_out(session, MoveDecisions(source_id="s1", moves=((*ids_of, path),)))
    if meanwhile == "gone":
        classify(session, evidence({"tel": {PHONE: ROWS}}))
    if meanwhile == "undone twice":
        again = many(session, ids(session, "mail"), "reject")
        carried_out(session, UndoDecisions(batch_id=again.batch_id))
    carried_out(session, UndoDecisions(batch_id=batch.batch_id))
    classify(session, evidence(FULL, asset=path))
    labels = {label.column: label for label in queries.labels_of_source(session, "s1") if label.asset == path}
    assert (labels["mail"].state, labels["mail"].reasons[0]) == ("rejected", "Rejected by ada.")


def test_a_repeated_batch_changes_nothing_and_an_unknown_one_cannot_be_undone(session: Session) -> None:
    classify(session, evidence(FULL))
    many(session, ids(session, "mail", "tel"), "confirm")
    again = many(session, ids(session, "mail", "tel"), "confirm")
    assert (again.decided, again.unchanged) == (0, 2)
    with pytest.raises(NotFound):
        carried_out(session, UndoDecisions(batch_id="nothing"))


def test_what_people_reject_elsewhere_goes_to_review(session: Session) -> None:
    for asset in ("public.a", "public.b", "public.c", "public.d"):
        classify(session, evidence({"mail": {EMAIL: ROWS}}, asset=asset))
    for asset in ("public.a", "public.b", "public.c"):
        decide(session, "mail", EMAIL, "reject", asset)
    classify(session, evidence({"mail": {EMAIL: ROWS}, "Mail": {IBAN: ROWS}}, asset="public.d"))
    labels = {(v.asset, v.column, v.data_class): v for v in queries.labels_of_source(session, "s1")}
    assert labels["public.d", "mail", EMAIL].state == "review"
    assert "approved it on 0 of 3" in labels["public.d", "mail", EMAIL].reasons[-1]
    assert labels["public.d", "Mail", IBAN].state == "automatic"  # of another class nothing was said


def test_precedents_say_too_little_below_three_assets_and_nothing_of_their_own() -> None:
    label = LabelFacts(
        data_class=EMAIL, sensitivity="Confidential", confidence=0.9, method="census", tier="rules", state="automatic"
    )
    key = (EMAIL, name_key("E-Mail"))
    two = {key: [Precedent("a", False), Precedent("a", False), Precedent("b", False), Precedent("me", False)]}
    assert adjusted(label, "eMail", "me", two, 0.8) == label
    three = {key: [*two[key], Precedent("c", True)]}
    assert adjusted(label, "eMail", "me", three, 0.8).confidence == round((0.9 * 3 + 1) / 6, 4)
    assert adjusted(label, "other", "me", three, 0.8) == label


def test_what_people_reject_all_over_an_asset_goes_to_review_there_and_nowhere_else(session: Session) -> None:
    columns = {name: {EMAIL: ROWS} for name in ("a", "b", "c", "d")}
    classify(session, evidence(columns), evidence({"d": {EMAIL: ROWS}}, asset="public.other"))
    for column in ("a", "b"):
        decide(session, column, EMAIL, "reject")
    classify(session, evidence(columns))
    assert shown(session)["d", EMAIL].state == "automatic"  # two say too little
    decide(session, "c", EMAIL, "reject")
    classify(session, evidence(columns), evidence({"d": {EMAIL: ROWS}}, asset="public.other"))
    found = {(v.asset, v.column): v for v in queries.labels_of_source(session, "s1")}
    assert found["public.a", "d"].state == "review"
    assert "rejected it on 3 of 3 other columns" in found["public.a", "d"].reasons[-1]
    assert found["public.other", "d"].state == "automatic"
    told = [(one.scope, one.place) for one in feedback.exceptions(session)]
    assert told == [("asset", asset_id("s1", "public.a"))]


def test_a_class_that_people_refuse_too_often_is_no_longer_automatic(session: Session) -> None:
    names = [f"x{n}" for n in range(12)]
    for number, name in enumerate(names):
        classify(session, evidence({name: {EMAIL: ROWS}}, asset=f"public.t{number}"))
        decide(session, name, EMAIL, "reject" if number % 2 else "confirm", f"public.t{number}")
    fresh = evidence({"new": {EMAIL: ROWS}, "tel": {PHONE: ROWS}}, asset="public.fresh")
    classify(session, fresh)
    labels = {label.column: label for label in queries.labels_of_source(session, "s1") if label.asset == "public.fresh"}
    assert (labels["new"].state, labels["tel"].state) == ("review", "automatic")
    assert "those of 6 of 12 assets" in labels["new"].reasons[-1]
    assert [one.data_class for one in feedback.exceptions(session)] == [EMAIL]
    for number, name in enumerate(names):  # people come to another view: the exception ends by itself
        decide(session, name, EMAIL, "confirm", f"public.t{number}")
    classify(session, fresh)
    assert shown(session)["new", EMAIL].state == "automatic"
    assert feedback.exceptions(session) == []


def test_precision_counts_what_the_machine_had_said(session: Session) -> None:
    for asset in ("public.a", "public.b"):
        classify(session, evidence(FULL, asset=asset))
    decide(session, "mail", EMAIL, "confirm", "public.a")
    decide(session, "mail", EMAIL, "reject", "public.b")
    decide(session, "note", IBAN, "assign", "public.a")
    (found,) = precision.precision_by_class(session)
    assert (found.data_class, found.decided, found.approved, found.automatic_decided) == (EMAIL, 2, 1, 2)
    assert found.low < found.precision == 0.5 < found.high


def test_no_interleaving_of_batches_and_scans_loses_a_decision(session: Session) -> None:
    chance = random.Random(3)
    said: dict[tuple[str, str], str] = {}
    for _ in range(40):
        if chance.random() < 0.5 or not shown(session):
            columns = {name: {c: chance.choice((FEW, ROWS)) for c in (EMAIL, PHONE)} for name in ("x", "y", "z")}
            classify(session, evidence(columns))
            continue
        keys = chance.sample(sorted(shown(session)), k=2)
        decision = chance.choice(("confirm", "reject"))
        many(session, tuple(shown(session)[key].id for key in keys), decision)
        said |= dict.fromkeys(keys, {"confirm": "confirmed", "reject": "rejected"}[decision])
        assert {key: shown(session)[key].state for key in said} == said
