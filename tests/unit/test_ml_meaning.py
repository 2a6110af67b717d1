"""Names of columns against the meanings of classes, in any wording, and an honest none."""

import pytest

from cluster.detectors.taxonomy import load_taxonomy
from cluster.ml.embedding import Embedder
from cluster.ml.meaning import Column, Meaning
from cluster.ml.meaning_calibration import calibration_error, logistic
from cluster.ml.wordings import load_meanings, phrase_of, words_of


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return Meaning(Embedder.load())


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Column("custPhoneNo", "customers"), "contact.phone"),
        (Column("contact_mail"), "contact.email"),
        (Column("wohnort"), "location.city"),
        (Column("vorname", "kunden"), "person.given_name"),
        (Column("gross_pay", "payroll"), "financial.income"),
        (Column("rhesus"), "health.blood_type"),
        (Column("dx_cd", "visits"), "health.diagnosis_code"),
        (Column("name", "patients", ("dob", "sex", "mrn")), "person.full_name"),
        (Column("faith"), "person.religion"),
        (Column("col7", description="street and house number where the customer lives"), "location.street_address"),
    ],
)
def test_a_name_in_other_words_finds_its_class(meaning: Meaning, column: Column, expected: str) -> None:
    (first, *_) = meaning.match(column.name, column.table, column.neighbours, column.description)
    assert first.data_class == expected
    assert first.tier == "language"


@pytest.mark.parametrize(
    "column",
    [
        Column("email_verified", "users"),
        Column("has_email"),
        Column("phone_type"),
        Column("email_count"),
        Column("name", "products", ("sku", "price")),
        Column("title", "films"),
        Column("order_no", "orders"),
        Column("created_at"),
        Column("quantity"),
        Column("weight_kg", "parcels"),
        Column("hostname"),
        Column("x1"),
        Column(""),
        Column("\x00☃"),
    ],
)
def test_what_is_of_no_class_gets_no_guess(meaning: Meaning, column: Column) -> None:
    assert meaning.match(column.name, column.table, column.neighbours) == ()


def test_guesses_are_probabilities_in_order(meaning: Meaning) -> None:
    for guesses in meaning.match_all([Column(text) for text in meaning.texts[:200]]):
        chances = [guess.probability for guess in guesses]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1.001


def test_every_reported_class_has_a_wording() -> None:
    told = load_meanings().value.classes
    assert {name for name, each in load_taxonomy().value.classes.items() if each.reported} <= told.keys()


def test_names_become_phrases() -> None:
    told = load_meanings().value
    assert phrase_of("custPhoneNo", told) == "customer phone number"
    assert phrase_of("DOB", told) == "date of birth"
    assert words_of("PatientSSN_2") == ["patient", "ssn", "2"]
    assert words_of("größeÄnderung") == ["größe", "änderung"]


def test_the_fit_finds_the_weights_that_made_the_answers() -> None:
    import numpy as np

    drawn = np.random.default_rng(1)
    rows = drawn.normal(size=(4000, 3))
    chance = 1 / (1 + np.exp(-(rows @ [2.0, -1.0, 0.5] + 0.3)))
    right = (drawn.random(4000) < chance).astype(float)
    assert logistic(rows, right) == pytest.approx([2.0, -1.0, 0.5, 0.3], abs=0.25)
    assert calibration_error(chance, right) < 0.03
