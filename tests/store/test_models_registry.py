"""The registry of models: only whole files come in, only what the gate passes answers, and every step is told."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from actors.classification import model_queries
from actors.classification.contract import (
    CanaryModel,
    EvaluateModel,
    ModelView,
    PromoteModel,
    RecordEvaluation,
    RegisterModel,
    RegisterShipped,
    RetireModel,
    RollBackModel,
    ShadowModel,
)
from actors.classification.model_choice import Version, Versions, answering, versions
from actors.classification.service import service
from cluster.context import Caller
from cluster.errors import Conflict, Forbidden, InvalidInput, ModelUnusable
from cluster.ml.evaluation import Answer, evaluation_of
from cluster.ml.figures import Assessment
from cluster.ml.packaged import write_manifest
from cluster.naming import fraction_of
from cluster.security.roles import permissions_of
from cluster.settings import settings
from cluster.store.engine import make_engine
from tests.store.test_classification import carried_out

STEWARD = Caller(principal="stu", permissions=permissions_of(["steward"]))


@pytest.fixture
def session(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path))
    settings.cache_clear()
    (tmp_path / "models").mkdir()
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()
    settings.cache_clear()


def folder(name: str, content: str = "weights") -> Path:
    path = settings().home / "models" / name
    path.mkdir()
    (path / "model.bin").write_text(content)
    (path / "card.md").write_text(f"# {name}")
    write_manifest(path, name, "1", "Apache-2.0", "here", data_sha256="d" * 64, seed=7, texts=10, decisions=3)
    return path


def registered(session: Session, name: str) -> ModelView:
    folder(name, name)
    view: ModelView = carried_out(session, RegisterModel(kind="entities", folder=name))[0]
    return view


def evaluated(session: Session, model: ModelView, good: bool = True) -> Any:
    told = "a" if good else ""
    answers = [Answer("a", told, 1.0, {"locale": locale}) for locale in "xy"] * 50
    figures = evaluation_of(answers, data="d", seed=1)
    asked = carried_out(session, EvaluateModel(model_id=model.id))[0]
    made = Assessment(digest=model.digest, evaluation=figures, per_second=1e6)
    return carried_out(session, RecordEvaluation(evaluation_id=asked.id, assessment=made))[0]


def refused(session: Session, error: type[Exception], command: Any) -> str:
    with pytest.raises(error) as told:
        carried_out(session, command)
    session.rollback()
    return str(told.value)


def states(session: Session) -> dict[str, str]:
    return {model.name: model.state for model in model_queries.models(session)}


def test_a_folder_comes_in_with_its_card_and_lineage_and_once_only(session: Session) -> None:
    first = registered(session, "one")
    again, events = carried_out(session, RegisterModel(kind="entities", folder="one"))
    assert (again, events) == (first, [])
    told = model_queries.model(session, first.id)
    assert (told.card, told.state, told.gate_passed) == ("# one", "registered", None)
    assert told.lineage.model_dump() == {
        "origin": "here", "generator": None, "data": "d" * 64, "base": None, "seed": 7, "examples": 10, "decisions": 3,
    }  # fmt: skip


def test_files_that_differ_and_folders_elsewhere_are_refused(session: Session, tmp_path: Path) -> None:
    (folder("torn") / "model.bin").write_text("other")
    refused(session, ModelUnusable, RegisterModel(kind="entities", folder="torn"))
    (tmp_path / "models" / "way").symlink_to(shutil.copytree(folder("whole"), tmp_path / "outside"))
    refused(session, InvalidInput, RegisterModel(kind="entities", folder="way"))
    refused(session, InvalidInput, RegisterModel(kind="entities", folder="none"))
    with pytest.raises(ValueError):
        RegisterModel(kind="entities", folder="../outside")
    assert states(session) == {}


def test_the_gate_refuses_with_reasons_until_a_version_is_good_or_a_person_answers_for_it(session: Session) -> None:
    model = registered(session, "one")
    assert "not evaluated" in refused(session, Conflict, PromoteModel(model_id=model.id))
    done = evaluated(session, model, good=False)
    assert (done.passed, model_queries.model(session, model.id).gate_passed) == (False, False)
    for command in (PromoteModel(model_id=model.id), CanaryModel(model_id=model.id, share=0.5)):
        assert "macro_f1 is 0 and has to be at least" in refused(session, Conflict, command)
    forced = PromoteModel(model_id=model.id, override="The old one is broken.")
    with pytest.raises(Forbidden):
        _as(session, STEWARD, forced)
    session.rollback()
    view, events = carried_out(session, forced)
    assert (view.state, view.override) == ("active", "The old one is broken.")
    assert [event.kind for event in events] == ["classification.model_gate_overridden", "classification.model_promoted"]
    better = registered(session, "two")
    assert evaluated(session, better).passed
    assert _as(session, STEWARD, PromoteModel(model_id=better.id)).override is None
    assert states(session) == {"one": "retired", "two": "active"}


def _as(session: Session, caller: Caller, command: Any) -> Any:
    from datetime import UTC, datetime

    from cluster.runtime.commands import UnitOfWork

    result = service.carry_out(UnitOfWork(session, caller, "classification", datetime.now(UTC)), command)
    session.commit()
    return result


def test_rolling_back_brings_the_version_before_and_ends_a_canary(session: Session) -> None:
    one, two = registered(session, "one"), registered(session, "two")
    for model in (one, two):
        evaluated(session, model)
    carried_out(session, PromoteModel(model_id=one.id))
    carried_out(session, CanaryModel(model_id=two.id, share=0.25))
    assert versions(session, "entities").share == 0.25
    assert carried_out(session, RollBackModel(model_id=two.id, reason="slow"))[0].id == one.id
    assert states(session) == {"one": "active", "two": "registered"}
    carried_out(session, PromoteModel(model_id=two.id))
    refused(session, Conflict, RetireModel(model_id=two.id))
    back, events = carried_out(session, RollBackModel(model_id=two.id, reason="It finds no towns."))
    assert (back.id, states(session)) == (one.id, {"one": "active", "two": "retired"})
    assert events[0].after is not None
    assert events[0].after["reason"] == "It finds no towns."
    refused(session, Conflict, RollBackModel(model_id=one.id, reason="x"))


def test_one_shadow_one_canary_and_files_that_are_there(session: Session) -> None:
    one, two = registered(session, "one"), registered(session, "two")
    carried_out(session, ShadowModel(model_id=one.id))
    refused(session, Conflict, ShadowModel(model_id=two.id))
    assert answering(session, "entities", "t") is None, "a shadow never answers"
    shutil.rmtree(settings().home / "models" / "two")
    refused(session, Conflict, ShadowModel(model_id=two.id))
    carried_out(session, RetireModel(model_id=one.id))
    assert states(session) == {"one": "retired", "two": "registered"}


def test_figures_of_other_files_are_no_figures(session: Session) -> None:
    model = registered(session, "one")
    asked = carried_out(session, EvaluateModel(model_id=model.id))[0]
    assert carried_out(session, EvaluateModel(model_id=model.id))[0].id == asked.id
    other = Assessment(digest="0" * 64, evaluation=None, per_second=1.0)
    done = carried_out(session, RecordEvaluation(evaluation_id=asked.id, assessment=other))[0]
    assert (done.state, done.passed) == ("failed", None)
    assert model_queries.pending(session) == []


def test_the_shipped_model_answers_at_once_and_gives_way_to_a_promoted_one(session: Session) -> None:
    shipped = carried_out(session, RegisterShipped(kind="entities"))[0]
    assert (shipped.state, shipped.place) == ("active", "shipped")
    assert carried_out(session, RegisterShipped(kind="entities"))[1] == []
    found = answering(session, "entities", "any")
    assert found is not None
    assert json.loads((found.folder / "manifest.json").read_text())["name"] == shipped.name
    mine = registered(session, "mine")
    evaluated(session, mine)
    carried_out(session, PromoteModel(model_id=mine.id))
    assert carried_out(session, RegisterShipped(kind="entities"))[0].state == "retired"
    assert states(session)["mine"] == "active"


def test_a_setting_comes_before_the_registry(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    carried_out(session, RegisterShipped(kind="entities"))
    monkeypatch.setenv("SEXTANT_ENTITIES_MODEL", "somebody/else")
    settings.cache_clear()
    assert answering(session, "entities", "t") is None


KEYS = [f"public.table_{number}" for number in range(2000)]
ONE, OTHER = Version("one", "1", Path()), Version("other", "2", Path())


@limits(max_examples=30, deadline=None)
@given(share=st.floats(0, 1), more=st.floats(0, 1))
def test_a_canary_answers_for_its_share_and_keeps_its_tables_as_the_share_grows(share: float, more: float) -> None:
    low, high = sorted((share, more))
    small = {key for key in KEYS if Versions(ONE, OTHER, low).answering(key) is OTHER}
    large = {key for key in KEYS if Versions(ONE, OTHER, high).answering(key) is OTHER}
    assert small <= large
    assert abs(len(small) / len(KEYS) - low) < 0.05
    assert all(0 <= fraction_of(key) < 1 for key in KEYS[:10])
