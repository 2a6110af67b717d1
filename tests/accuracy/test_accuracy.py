"""The cheap tests of the evaluation: its sets are what they say, its figures are right, the product answers to them."""

import random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.accuracy.answers import ask
from tests.accuracy.columns import NONE, Column
from tests.accuracy.made_tables import classes, made_tables
from tests.accuracy.makers import values_of
from tests.accuracy.measures import Score, confusions, expected_calibration_error, macro_f1, micro, reliability, scores
from tests.accuracy.negatives import COUNT, negatives
from tests.accuracy.plot import reliability_plot
from tests.accuracy.spans import group_of, judged
from tests.accuracy.text_peers import MAPPING, PresidioTexts
from tests.accuracy.texts import Gold, Text, texts

PAIRS = [("a", "a"), ("a", NONE), ("b", "a"), (NONE, "b"), (NONE, NONE), ("b", "b")]


def test_scores_by_class() -> None:
    found = scores(PAIRS)
    assert found == {"a": Score(1, 1, 1), "b": Score(1, 1, 1)}
    assert (found["a"].precision, found["a"].recall, found["a"].f1) == (0.5, 0.5, 0.5)
    assert macro_f1(found) == 0.5
    assert micro(PAIRS) == Score(2, 2, 2)
    assert confusions(PAIRS) == [("a", NONE, 1), ("b", "a", 1), (NONE, "b", 1)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"))))
def test_f1_is_the_harmonic_mean(pairs: list[tuple[str, str]]) -> None:
    for score in scores(pairs).values():
        both = score.precision + score.recall
        expected = 2 * score.precision * score.recall / both if score.hits else 0.0
        assert score.f1 == pytest.approx(expected)


def test_calibration_error_is_the_weighted_distance() -> None:
    rows = reliability([(0.95, True), (0.95, False), (0.55, True), (1.0, True)])
    assert [(row.count, row.right) for row in rows] == [(1, 1.0), (3, pytest.approx(2 / 3))]
    assert expected_calibration_error(rows) == pytest.approx((0.45 + 3 * abs(2.9 / 3 - 2 / 3)) / 4)


def test_the_plot_has_a_point_for_each_bin() -> None:
    plot = reliability_plot(reliability([(0.95, True), (0.55, False)]))
    assert plot.count("<circle") == 2
    assert ElementTree.fromstring(plot).tag.endswith("svg")


def test_an_answer_that_is_as_right_counts_as_the_truth() -> None:
    column = Column("fax", (), "contact.fax", frozenset({"contact.phone"}))
    assert column.judged("contact.phone") == "contact.fax"
    assert column.judged("contact.email") == "contact.email"


@pytest.mark.parametrize("language", ["en", "fi"])
def test_every_class_can_be_made(language: str) -> None:
    for data_class in classes():
        assert len(values_of(random.Random(1), data_class, language, 3)) == 3, data_class


def test_tables_hold_their_class_and_are_the_same_again() -> None:
    tables = made_tables(6, of=["contact.email"])
    assert all(any(column.truth == "contact.email" for column in table.columns) for table in tables)
    assert any("no header" in column.slices for column in tables[2].columns)
    assert tables == made_tables(6, of=["contact.email"])


def test_there_are_as_many_hard_negatives_as_said() -> None:
    found = negatives()
    assert len(found) == COUNT == 500
    assert {column.truth for table in found for column in table.columns} == {NONE}


def test_spans_stand_where_they_are_said_to() -> None:
    made = texts(1)
    assert any(text.form == "lower case" for text in made)
    for text in made:
        ends = [0]
        for gold in text.gold:
            assert ends[-1] <= gold.start < gold.end <= len(text.content)
            assert text.content[gold.start : gold.end].strip() == text.content[gold.start : gold.end]
            ends.append(gold.end)


def test_a_span_counts_when_both_ends_are_right() -> None:
    text = Text("Ann of Ulm", (Gold(0, 3, "person.given_name"), Gold(7, 10, "location.city")), "en", "chat", "as it is")
    found = judged([text], [[(0, 3, "person.full_name"), (6, 10, "location.city")]], group_of, group_of)
    assert found == {"person": Score(1, 0, 0), "place": Score(0, 1, 1)}
    beside = judged([text], [[(7, 10, "contact.email")]], lambda c: None if c == "location.city" else c, group_of)
    assert beside["person.given_name"] == Score(0, 0, 1)
    assert "contact.email" not in beside


def test_of_the_spans_of_presidio_that_overlap_the_surest_stays() -> None:
    spans = [[(0, 9, "EMAIL_ADDRESS", 1.0), (4, 9, "URL", 0.5), (12, 15, "PERSON", 0.85)]]
    peer = PresidioTexts(spans, 1.0, frozenset(MAPPING))
    assert peer.found(0.0) == [[(0, 9, "EMAIL_ADDRESS"), (12, 15, "PERSON")]]
    assert peer.found(0.9) == [[(0, 9, "EMAIL_ADDRESS")]]


def test_the_product_answers_through_its_own_door() -> None:
    asked = ask(made_tables(2, of=["contact.email"]), {"1": (1,)})["1"]
    assert any(answer.right and answer.told == "contact.email" for answer in asked.answers)
    assert not asked.skipped
