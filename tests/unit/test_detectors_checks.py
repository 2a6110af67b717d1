"""Check digits of states: the same verdict as python-stdnum on valid numbers, and the stated chance on random ones."""

import random
from importlib import import_module

import polars as pl
import pytest

from cluster.detectors.compile import load_detector_packs
from cluster.detectors.national_checks import NATIONAL_CHECKS
from cluster.detectors.validators import column_validator, validator

DETECTORS = [d for pack in load_detector_packs() for d in pack.value.detectors]
# Our name, the library's, and how many digits. The library knows calendars: what it takes for valid has to be so here.
SAME = {
    "br_cpf": ("br.cpf", 11),
    "tr_kimlik": ("tr.tckimlik", 11),
    "hr_oib": ("hr.oib", 11),
    "de_idnr": ("de.idnr", 11),
    "ru_inn": ("ru.inn", 12),
    "th_pin": ("th.pin", 13),
    "jp_my_number": ("jp.in_", 12),
    "in_aadhaar": ("in_.aadhaar", 12),
    "ua_rnokpp": ("ua.rntrc", 10),
    "br_cnpj": ("br.cnpj", 14),
}
DATED = {
    "pl_pesel": ("pl.pesel", 11),
    "no_fodselsnummer": ("no.fodselsnummer", 11),
    "ee_lt_code": ("ee.ik", 11),
    "gr_amka": ("gr.amka", 11),
    "za_id": ("za.idnr", 13),
    "bg_egn": ("bg.egn", 10),
    "se_personnummer": ("se.personnummer", 10),
}
DIGITS = "0123456789"


def _random(count: int, length: int) -> list[str]:
    rolled = random.Random(length)
    return ["".join(rolled.choices(DIGITS, k=length)) for _ in range(count)]


@pytest.mark.parametrize("name", [*SAME, *DATED])
def test_a_check_agrees_with_the_library(name: str) -> None:
    module, length = {**SAME, **DATED}[name]
    texts = _random(6_000, length)
    valid = [import_module(f"stdnum.{module}").is_valid(text) for text in texts]
    ours = NATIONAL_CHECKS[name](pl.Series(texts)).tolist()
    missed = [text for text, theirs, held in zip(texts, valid, ours, strict=True) if theirs and not held]
    assert not missed
    if name in SAME:
        assert ours == valid
        assert sum(valid)


@pytest.mark.parametrize("name", NATIONAL_CHECKS)
def test_one_text_and_a_column_of_texts_are_checked_alike(name: str) -> None:
    alone, together = validator(name), column_validator(name)
    assert alone is not None
    assert together is not None
    examples = [t for d in DETECTORS if d.validator == name for t in (*d.examples.match, *d.examples.reject)]
    texts = [*examples, "", "ß", "x" * 50, "1" * 40, "٣" * 11, *_random(3, 11)]
    assert together(pl.Series(texts)).tolist() == [alone(text) for text in texts]
    assert any(map(alone, examples))


@pytest.mark.parametrize(
    "detector",
    [d for d in DETECTORS if d.validator and d.column_only and (d.id.endswith(".digits"))],
    ids=lambda d: d.id,
)
def test_the_stated_chance_is_that_of_random_digits(detector: object) -> None:
    from cluster.detectors.detector import Detector

    assert isinstance(detector, Detector)
    length = len("".join(c for c in detector.examples.match[0] if c.isdigit()))
    texts = pl.Series(_random(120_000, length)).unique()
    texts = texts.filter(texts.str.contains(f"^(?:{detector.pattern})$"))
    check = column_validator(detector.validator or "")
    assert check is not None
    passed = float(check(texts).mean())
    # Never less than it is, or chance hits would count as evidence; and not much more.
    assert passed <= detector.chance * 1.15 + 3e-4
    assert passed >= detector.chance * 0.6 - 3e-4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Lovelace", True),
        ("smith, john", True),
        ("J. Smith", True),
        ("Jean DUPONT", True),
        ("Dr. María José García López", True),
        ("Yuki Tanaka", True),
        ("Olga Ivanova-Petrova", True),
        ("Peter Xqzvbn", True),
        ("Blue Widget", False),
        ("Smith & Sons", False),
        ("Public Library", False),
        ("London", False),
        ("Ada", False),
        ("Order 66", False),
        ("x" * 500 + " Smith", False),
        ("", False),
    ],
)
def test_names_of_persons_are_read_by_their_words(text: str, expected: bool) -> None:
    check = validator("person_name")
    assert check is not None
    assert check(text) is expected
    together = column_validator("person_name")
    assert together is not None
    assert together(pl.Series([text, "Ada Lovelace"])).tolist() == [expected, True]
