"""Figures of a model from its answers, and the gate that they are held to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ModelUnusable
from cluster.ml.evaluation import Answer, evaluation_of
from cluster.ml.figures import Evaluation, read_evaluation, write_evaluation
from cluster.ml.gate import KINDS, gate, thresholds

NAMES = ("", "a", "b", "c")
GROUPS = st.fixed_dictionaries({"locale": st.sampled_from(("x", "y"))})
ANSWERS = st.builds(Answer, st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(0, 1), GROUPS)


def of(answers: list[Answer]) -> Evaluation:
    return evaluation_of(answers, data="d", seed=1)


def right(count: int, locale: str, probability: float = 1.0) -> list[Answer]:
    return [Answer("a", "a", probability, {"locale": locale})] * count


@given(st.lists(ANSWERS, min_size=1))
def test_counts_add_up_and_figures_are_shares(answers: list[Answer]) -> None:
    told = of(answers)
    assert sum(score.support for score in told.classes) == sum(answer.truth != "" for answer in answers)
    assert sum(each.count for each in told.reliability) == sum(answer.told != "" for answer in answers)
    assert sum(c.found + c.missed + c.wrong + c.left for c in told.groups) == len(answers)
    assert sum(told.reference["score"].counts) == len(answers)
    for figure in (told.macro_f1, told.micro_f1, told.calibration_error):
        assert 0 <= figure <= 1 + 1e-12
    assert Evaluation.model_validate_json(told.model_dump_json()) == told


def test_figures_of_a_small_case_by_hand() -> None:
    told = of([Answer("a", "a", 0.9), Answer("a", "", 0.2), Answer("", "a", 0.9), Answer("b", "b", 0.9)])
    scores = {score.data_class: (score.precision, score.recall, score.f1) for score in told.classes}
    assert scores == {"a": (0.5, 0.5, 0.5), "b": (1, 1, 1)}
    assert told.macro_f1 == 0.75
    assert math.isclose(told.micro_f1, 4 / 6)
    assert math.isclose(told.calibration_error, abs(0.9 - 2 / 3))


def test_the_figures_of_a_folder_come_back_and_a_torn_file_is_told(tmp_path: object) -> None:
    assert read_evaluation(tmp_path) is None  # type: ignore[arg-type]
    told = of(right(5, "x"))
    write_evaluation(tmp_path, told)  # type: ignore[arg-type]
    assert read_evaluation(tmp_path) == told  # type: ignore[arg-type]
    (tmp_path / "evaluation.json").write_text('{"data"')  # type: ignore[operator]
    with pytest.raises(ModelUnusable):
        read_evaluation(tmp_path)  # type: ignore[arg-type]


GOOD = [*right(100, "x"), *right(100, "y")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_fault_passes_every_gate(kind: object) -> None:
    assert gate(kind, of(GOOD), 1e6).refusals == ()  # type: ignore[arg-type]


MISSED = [Answer("a", "", 0.4, {"locale": "y"})] * 100
BAD = {
    "accuracy": [*GOOD, *[Answer("b", "a", 0.95, {"locale": "x"})] * 10],
    "calibration": [*right(100, "x", 0.3), *right(100, "y", 0.3)],
    "fairness": [*GOOD, *MISSED],
}


@pytest.mark.parametrize("aspect", BAD)
def test_each_aspect_keeps_a_version_out(aspect: str) -> None:
    refused = {check.aspect for check in gate("columns", of(BAD[aspect]), 1e6).checks if not check.passed}
    assert aspect in refused
    assert "speed" not in refused


def test_what_was_not_measured_does_not_pass() -> None:
    nothing = gate("columns", None, None)
    assert {check.aspect for check in nothing.checks} == {"accuracy", "calibration", "fairness", "speed"}
    assert not any(check.passed for check in nothing.checks)
    assert len(nothing.refusals) == 4
    assert [check.aspect for check in gate("columns", of(GOOD), 0.1).checks if not check.passed] == ["speed"]


def test_a_version_worse_than_the_one_that_answers_is_refused_only_on_the_same_data() -> None:
    worse = of([*right(95, "x"), *right(95, "y"), *[Answer("a", "", 0.1, {"locale": x}) for x in "xy"] * 5])
    names = {check.name for check in gate("columns", worse, 1e6, of(GOOD)).checks if not check.passed}
    assert names == {"macro_f1_of_the_active"}
    other = of(GOOD).model_copy(update={"data": "another"})
    assert gate("columns", worse, 1e6, other).passed


def test_a_waived_dimension_is_shown_with_its_reason() -> None:
    reason = thresholds().value.gates["entities"].waived["script"]
    some = [answer._replace(groups={"script": answer.groups["locale"]}) for answer in [*GOOD, *MISSED]]
    fair = [check for check in gate("entities", of(some), 1e6).checks if check.aspect == "fairness"]
    assert all(check.passed for check in fair)
    assert any(reason in check.detail and (check.measured or 0) > check.threshold for check in fair)
    assert not gate("columns", of(some), 1e6).passed
