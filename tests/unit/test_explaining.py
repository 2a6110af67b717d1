"""Explanations name what carries the answer, and hold no value of what is explained."""

import pytest

from actors.classification.explaining import EVIDENCE, NAME, NEIGHBOURS, Place, explain_column, explain_text
from actors.classification.realtime import default_rules, evidence_of
from actors.classification.tiers import NONE, Models
from cluster.errors import InvalidInput, NotFound
from cluster.ml.column_model import ColumnModel
from cluster.ml.column_reasons import GROUPS
from cluster.ml.embedding import Embedder
from cluster.ml.meaning import Meaning

MAILS = [f"person{number}@example.org" for number in range(40)]
PHONES = [f"0{300_000_000 + 7919 * number}" for number in range(40)]


def place(column: str, values: list[str], table: str = "", **others: list[str]) -> Place:
    evidence = evidence_of({column: values, **others}, default_rules())
    return Place(evidence[column], table, tuple(found for name, found in evidence.items() if name != column))


def strongest(told: object) -> str:
    return told.local.weights[0].part  # type: ignore[attr-defined]


def test_values_that_tell_are_what_carries_the_class() -> None:
    told = explain_column(place("mail", MAILS, "people", qty=["1", "2"]), NONE, default_rules())
    assert told.data_class == "contact.email"
    assert strongest(told) == f"{EVIDENCE}contact.email"
    assert told.local.probability > 0.9 > 0.1 > told.local.without
    assert "contact.email has a confidence of" in told.sentence
    assert not any(value in told.model_dump_json() for value in MAILS)


def test_a_name_that_tells_is_what_carries_the_class() -> None:
    models = Models(meaning=Meaning(Embedder.load()))
    told = explain_column(place("email_address", ["x", "y", "z"], zip_code=["1", "2"]), models, default_rules())
    assert (told.data_class, strongest(told)) == ("contact.email", NAME)
    weights = {weight.part: weight.weight for weight in told.local.weights}
    assert abs(weights[NEIGHBOURS]) < weights[NAME]


def test_of_a_text_the_words_are_named_by_their_place() -> None:
    text = "Please write to ada@example.org, or call."
    told = explain_text(text, NONE, default_rules())
    start, end = map(int, strongest(told).split(":"))
    assert (told.data_class, text[start:end]) == ("contact.email", "ada@example.org,")
    assert "ada" not in told.model_dump_json()


def test_far_into_a_long_text_the_words_are_those_around_the_span() -> None:
    text = "word " * 20_000 + "ada@example.org " + "word " * 1000
    start, end = map(int, strongest(explain_text(text, NONE, default_rules())).split(":"))
    assert text[start:end] == "ada@example.org"


def test_what_is_not_there_cannot_be_explained() -> None:
    with pytest.raises(InvalidInput):
        explain_text("nothing at all", NONE, default_rules())
    with pytest.raises(InvalidInput):
        explain_column(place("qty", ["1", "2"]), NONE, default_rules())
    with pytest.raises(NotFound):
        explain_column(place("mail", MAILS), NONE, default_rules(), data_class="no.such")
    against = explain_column(place("mail", MAILS), NONE, default_rules(), data_class="contact.phone")
    assert against.local.probability == 0


def test_where_the_column_model_takes_part_its_trees_say_what_they_go_by() -> None:
    model = ColumnModel.load()
    names = ["Amelia", "Noah", "Olivia", "Liam", "Emma", "Oliver", "Sophia", "Elijah"] * 4
    there = place("first_name", names, "employees", last_name=["Smith", "Jones", "Brown", "Garcia"] * 8)
    models = Models(columns=model)
    (guess, *_) = model.guess_all([there.column, *there.neighbours], there.table)[0]
    told = explain_column(there, models, default_rules(), data_class=guess.data_class)
    added = dict(told.contributions)
    assert set(added) <= set(GROUPS.values())
    assert [abs(value) for _, value in told.contributions] == sorted(map(abs, added.values()), reverse=True)
    evidence = [there.column, *there.neighbours]
    (whole, *_) = model.contributions(model.features(evidence, there.table), guess.data_class)
    assert sum(added.values()) == pytest.approx(sum(whole.values()) - whole["bias"], abs=0.01)
    assert explain_column(there, models, default_rules(), ("rules",), "contact.email").contributions == ()
