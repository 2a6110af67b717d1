"""What a guess by the name alone may not say: a column about the thing is not the thing."""

import pytest
from detection_columns import evidence_of, rules

from actors.classification.refuting import tenable
from cluster.ml.guess import Guess

YES = ["yes", "no", "no", "yes"] * 10
PAY = [31_000.0 + 977 * n for n in range(40)]


def kept(name: str, values: list[object], data_class: str, tier: str = "language") -> bool:
    guess = Guess.model_validate({"data_class": data_class, "probability": 0.9, "tier": tier})
    return bool(tenable([guess], evidence_of({name: values}).columns[0], rules()))


@pytest.mark.parametrize(
    ("name", "values", "data_class"),
    [
        ("allergy_checked", YES, "health.allergy"),
        ("birthday_shown", YES, "person.birth_date"),
        ("avg_salary_dept", PAY, "financial.income"),
    ],
)
def test_a_word_that_makes_of_the_name_something_said_about_it(
    name: str, values: list[object], data_class: str
) -> None:
    assert not kept(name, values, data_class)


@pytest.mark.parametrize(
    ("name", "values", "data_class", "tier"),
    [
        ("salary", PAY, "financial.income", "language"),
        ("yearly_earned_money", PAY, "financial.income", "language"),  # no phrase of a rule: nothing is taken away
        ("blood_type", ["A+", "0-", "AB+", "B-"] * 10, "health.blood_type", "language"),  # the word is the name's own
        ("valid_email", [f"one{n}@example.org" for n in range(40)], "contact.email", "language"),  # the values pass
        ("avg_salary_dept", PAY, "financial.income", "model"),  # it has seen the values
    ],
)
def test_no_word_takes_away_what_is_the_thing(name: str, values: list[object], data_class: str, tier: str) -> None:
    assert kept(name, values, data_class, tier)
