"""The demo's numbers pass the checks of their kind, by another implementation of them."""

import numpy as np
import phonenumbers
import polars as pl
import pytest
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.us import itin, ssn

from serve.demo import identifiers
from serve.demo.customers import customers, identity_documents
from serve.demo.population import COUNTRIES
from serve.demo.shape import Shape

SHAPE = Shape(40_000, 7)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_cards_pass_luhn_and_order_numbers_only_by_chance(rng: np.random.Generator) -> None:
    assert all(luhn.is_valid(n) and len(n) == 16 for n in identifiers.card_numbers(rng, 2_000))
    orders = identifiers.order_numbers(rng, 5_000)
    assert orders.n_unique() == 5_000
    assert 0.08 < sum(map(luhn.is_valid, orders)) / 5_000 < 0.12
    assert set(orders.str.slice(0, 1)) == {"4", "5", "6"}


def test_ibans_are_valid(rng: np.random.Generator) -> None:
    assert all(map(iban.is_valid, identifiers.ibans(rng, 1_000)))


def test_part_numbers_are_neither_ssn_nor_itin(rng: np.random.Generator) -> None:
    assert all(map(ssn.is_valid, identifiers.social_security_numbers(rng, 2_000)))
    assert not [n for n in identifiers.part_number(rng, 2_000) if ssn.is_valid(n) or itin.is_valid(n)]


@pytest.mark.parametrize(
    ("column", "check"),
    [
        ("ssn", ssn),
        ("idnr", idnr),
        ("nir", nir),
        ("nif", dni),
        ("codice_fiscale", codicefiscale),
        ("bsn", bsn),
        ("pesel", pesel),
    ],
)
def test_national_numbers_are_valid_and_of_one_country(column: str, check: object) -> None:
    numbers = identity_documents(SHAPE)[column].drop_nulls()
    assert len(numbers) > 50
    assert [n for n in numbers if not check.is_valid(n)] == []  # type: ignore[attr-defined]  # stdnum's modules


def test_national_insurance_numbers_have_the_published_form() -> None:
    numbers = identity_documents(SHAPE)["nino"].drop_nulls()
    assert numbers.str.contains(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$").all()
    assert not numbers.str.contains(r"^(BG|GB|KN|NK|NT|TN|ZZ)").any()


def test_every_customer_has_exactly_one_national_number() -> None:
    documents = identity_documents(SHAPE).drop("customer_id", "checked_on")
    held = documents.select(pl.sum_horizontal(pl.all().is_not_null()))
    assert held.to_series().unique().to_list() == [1]


def test_most_telephone_numbers_are_valid_in_their_country() -> None:
    found = customers(SHAPE).select("country", "phone").drop_nulls().rows()
    valid = [phonenumbers.is_valid_number(phonenumbers.parse(number, country)) for country, number in found]
    assert sum(valid) / len(valid) > 0.9
    assert {country for country, _ in found} == set(COUNTRIES)
