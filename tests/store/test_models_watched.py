"""Models at work: drift is told once it happens, shadows are counted, and training is proposed, asked for and ended."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from actors.classification import model_drift, model_queries, model_retraining, model_shadows, model_watch, queries
from actors.classification.contract import (
    BeginRetraining,
    ClassifyAssets,
    DismissRetraining,
    FinishRetraining,
    GuessTier,
    PromoteModel,
    RecordEvaluation,
    RecordObservations,
    RequestRetraining,
    ShadowModel,
)
from actors.classification.model_places import folder_of
from actors.classification.service import service
from actors.classification.worker import Questions, ask
from cluster.context import system
from cluster.detectors.compile import load_rule_set
from cluster.errors import Conflict, InvalidInput
from cluster.kernels.report import AssetEvidence, ColumnProfile
from cluster.ml.evaluation import Answer, evaluation_of
from cluster.ml.figures import Assessment, read_evaluation, write_evaluation
from cluster.ml.guess import Guess
from cluster.ml.packaged import write_manifest
from cluster.ml.watched import EDGES, FEATURES, watched_features
from cluster.runtime.commands import UnitOfWork
from tests.store.test_classification import EMAIL, ROWS, carried_out, classify, decide, evidence
from tests.store.test_classification_guesses import KUNDEN, evidence_of
from tests.store.test_models_registry import folder, refused
from tests.store.test_models_registry import session as _session

COLUMNS = 60
session = _session  # the fixture, with a home of its own


def of_shape(asset: str, nulls: int, matched: int = ROWS) -> AssetEvidence:
    """Columns of which a share is null and, of the rest, some are addresses."""
    given = evidence({f"mail{number}": {EMAIL: matched} for number in range(COLUMNS)}, asset=asset)
    profile = ColumnProfile(rows=ROWS, nulls=nulls, empties=0, unreadable=0, distinct=ROWS - nulls, distinct_exact=True)
    return given.model_copy(update={"columns": tuple(c.model_copy(update={"profile": profile}) for c in given.columns)})


def observe(session: Session, days: int = 0) -> list[Any]:
    """An observation as the loop makes it, so many days from now; the events."""
    work = UnitOfWork(session, system("classification"), "classification", datetime.now(UTC) + timedelta(days=days))
    service.carry_out(work, RecordObservations(source_id="s1"))
    session.commit()
    return work.events


def verdicts(session: Session) -> dict[str, str]:
    newest = next(one for one in model_watch.observations(session, "s1") if one.scorer == "labels")
    return {figure.name: figure.verdict for figure in newest.drift if figure.against == "first"}


def test_counts_are_of_what_stands_and_a_source_is_due_once(session: Session) -> None:
    classify(session, of_shape("public.a", nulls=0))
    assert model_watch.due(session) == ["s1"]
    observe(session)
    observe(session)
    (seen,) = model_watch.observations(session, "s1")
    assert seen.counts["null_share"] == (COLUMNS, *[0] * 9)
    assert sum(seen.counts[f"confidence:{EMAIL}"]) == COLUMNS
    assert seen.drift == ()
    work = UnitOfWork(session, system("classification"), "classification", datetime.now(UTC))
    assert work.events == []
    assert model_watch.due(session) == []


def test_drift_is_told_on_the_day_it_begins_and_proposes_to_train(session: Session) -> None:
    classify(session, of_shape("public.a", nulls=0))
    observe(session)
    assert observe(session, days=1) == []
    assert set(verdicts(session).values()) == {"stable"}
    classify(session, of_shape("public.a", nulls=ROWS // 2))
    events = observe(session, days=2)
    kinds = [event.kind.removeprefix("classification.") for event in events]
    assert kinds == ["model_drifted", "retraining_proposed"]
    assert verdicts(session)["null_share"] == "large"
    told = events[0].after
    assert told is not None
    assert "null_share" in {figure["name"] for figure in told["drift"]}
    assert observe(session, days=3) == [], "what is known is not told again"
    (proposed,) = model_retraining.retrainings(session)
    assert (proposed.state, proposed.kind) == ("proposed", "columns")
    assert any("null_share has moved far" in reason for reason in proposed.reasons)


def test_little_is_no_drift_and_training_is_told_apart_from_the_first_day() -> None:
    few = {"null_share": (10, *[0] * 9)}
    assert model_drift.figures_of(few, few, {}) == []
    many = {"null_share": (100, *[0] * 9)}
    features = {name: [0.05] * 60 + [0.95] * 60 for name in ("null_share", "another")}
    trained = evaluation_of([Answer("a", "a", 1.0)] * 60, data="d", seed=1, features=features).reference
    assert trained["null_share"].edges == EDGES["null_share"]
    told = model_drift.figures_of(many, {"null_share": (90, 10, *[0] * 8)}, trained)
    assert {(one.against, one.verdict) for one in told} == {("first", "moderate"), ("training", "large")}


def test_the_figures_of_a_profile_fit_their_bins() -> None:
    profile = ColumnProfile(rows=0, nulls=0, empties=0, unreadable=0, distinct=0, distinct_exact=True)
    assert set(watched_features(profile)) == set(FEATURES)
    full = profile.model_copy(update={"rows": 10, "nulls": 5, "distinct": 9, "length_max": 3})
    assert watched_features(full) == {"null_share": 0.5, "distinct_share": 1.8, "longest": 3.0, "rows": 10.0}


def test_labels_that_people_take_back_propose_to_train(session: Session) -> None:
    assets = [f"public.t{number}" for number in range(24)]
    classify(session, *(evidence({"mail": {EMAIL: ROWS}}, asset=asset) for asset in assets))
    for number, asset in enumerate(assets):
        decide(session, "mail", EMAIL, "reject" if number < 8 else "confirm", asset=asset)
    observe(session)
    (proposed,) = model_retraining.retrainings(session)
    assert "people approved 67% of 24 automatic labels" in proposed.reasons[0]
    assert carried_out(session, DismissRetraining(retraining_id=proposed.id))[0].state == "dismissed"


def test_a_training_is_asked_for_begun_and_ends_with_a_shadow_that_is_evaluated(session: Session) -> None:
    refused(session, InvalidInput, RequestRetraining(kind="entities", reason="x"))
    asked = carried_out(session, RequestRetraining(kind="columns", reason="New kinds of tables."))[0]
    assert model_retraining.requested(session) == [asked.id]
    assert carried_out(session, RequestRetraining(kind="columns", reason="again"))[0].id == asked.id
    carried_out(session, BeginRetraining(retraining_id=asked.id))
    assert (model_retraining.requested(session), model_retraining.running(session)) == ([], [asked.id])
    refused(session, Conflict, DismissRetraining(retraining_id=asked.id))
    folder("columns-new")
    done = carried_out(session, FinishRetraining(retraining_id=asked.id, folder="columns-new"))[0]
    assert done.state == "done"
    versions = model_retraining.model_registry.in_state(session, "columns", "shadow")
    assert versions is not None
    assert versions.id == done.model_id
    again = carried_out(session, FinishRetraining(retraining_id=asked.id, problem="late"))[0]
    assert again == done


def test_a_training_without_a_model_has_failed_and_says_why(session: Session) -> None:
    asked = carried_out(session, RequestRetraining(kind="columns", reason="x"))[0]
    done = carried_out(session, FinishRetraining(retraining_id=asked.id, folder="nothing"))[0]
    assert (done.state, done.model_id) == ("failed", None)
    assert "There is no folder" in (done.problem or "")


def guess(name: str, probability: float) -> tuple[Guess, ...]:
    return (Guess(data_class=name, probability=probability, tier="model"),)


def test_a_shadow_is_compared_by_what_it_says_first() -> None:
    told = [guess("a", 0.95), guess("a", 0.4), (), guess("b", 1.0)]
    beside = [guess("a", 0.55), guess("b", 0.9), (), ()]
    seen = model_shadows.compared("columns", "f", told, beside)
    assert (seen.columns, seen.agreed) == (4, 2)
    assert seen.scores == (2, 0, 0, 0, 0, 1, 0, 0, 0, 1)
    assert seen.against_scores == (1, 0, 0, 0, 1, 0, 0, 0, 0, 2)


def test_what_a_shadow_answers_in_a_run_is_added_up_and_changes_no_label(session: Session) -> None:
    import shutil

    from cluster.ml.packaged import shipped
    from cluster.settings import settings

    other = shutil.copytree(shipped("embedding"), settings().home / "models" / "other")
    write_manifest(other, "other", "2", "Apache-2.0", "here")
    model = carried_out(session, _register("embedding", "other"))[0]
    carried_out(session, ShadowModel(model_id=model.id))
    plain = ask(_questions())
    answers = ask(_questions(shadow=folder_of("home", "other")))
    assert answers.guesses == plain.guesses
    (seen,) = answers.shadows
    asked = sum(answer.tier == "language" for answer in plain.guesses)
    assert (seen.columns, seen.agreed) == (asked, asked), "it is the same model"
    assert asked
    for _ in range(2):
        command = ClassifyAssets(
            source_id="s1", evidence=(evidence_of(KUNDEN),), guesses=answers.guesses, shadows=answers.shadows
        )
        carried_out(session, command)
    told = model_shadows.report(session, model.id)
    assert (told.columns, told.agreement) == (2 * seen.columns, 1.0)
    assert ask(_questions(shadow=Path("/nowhere"))) == plain, "a shadow that fails is left out"
    assert queries.shadow_folders(session) == {"language": folder_of("home", "other")}


def _register(kind: Any, name: str) -> Any:
    from actors.classification.contract import RegisterModel

    return RegisterModel(kind=kind, folder=name)


def _questions(shadow: Path | None = None) -> Questions:
    shadows: dict[GuessTier, Path] = {"language": shadow} if shadow else {}
    return Questions(evidence=(evidence_of(KUNDEN),), rules=load_rule_set().value, shadows=shadows)


def test_a_version_with_figures_is_held_against_its_training_in_the_bins_of_training(session: Session) -> None:
    path = folder("learned")
    answers = [Answer("a", "a", 1.0, {"locale": locale}) for locale in "xy"] * 50
    features = {"profile:nulls": [0.0] * 30 + [0.1, 0.2, 0.9] * 30, "traits:entropy": [1.0, 2.0] * 50}
    write_evaluation(path, evaluation_of(answers, data="d", seed=1, features=features))
    write_manifest(path, "learned", "1", "Apache-2.0", "here")
    model = carried_out(session, _register("columns", "learned"))[0]
    (asked,) = model_queries.evaluations(session, model.id)
    assert asked.state == "pending", "figures that a model brings are taken up by themselves"
    told = Assessment(digest=model.digest, evaluation=read_evaluation(path), per_second=1e6)
    carried_out(session, RecordEvaluation(evaluation_id=asked.id, assessment=told))
    carried_out(session, PromoteModel(model_id=model.id))
    classify(session, of_shape("public.a", nulls=ROWS // 2))
    observe(session)
    (seen,) = (one for one in model_watch.observations(session, model_id=model.id) if one.scorer == "columns")
    assert set(seen.counts) == {"profile:nulls"}
    assert [(one.name, one.against, one.verdict) for one in seen.drift] == [("profile:nulls", "training", "large")]
