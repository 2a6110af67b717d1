"""What a column is called, and how sure that is."""

import random
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from detection_columns import classes_of, evidence_of, labels_of, rules

from actors.classification.verdict import Label, verdict
from cluster.detectors.compile import RuleSetSpec, compile
from cluster.detectors.taxonomy import load_taxonomy

_R = random.Random(7)
_N = 300


def _luhn(body: str) -> str:
    total = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def _card(lead: str = "4", length: int = 16) -> str:
    return _luhn(lead + "".join(_R.choices("0123456789", k=length - 1 - len(lead))))


def _ssn() -> str:
    return (
        f"{_R.choice([*range(1, 666), *range(667, 900)]):03d}-{_R.randrange(1, 100):02d}-{_R.randrange(1, 10000):04d}"
    )


def _phone() -> str:
    return f"({_R.randrange(201, 989) // 100 * 100 + 5:03d}) {_R.randrange(220, 999)}-{_R.randrange(10000):04d}"


def _iban() -> str:
    body = "".join(_R.choices("0123456789", k=18))
    check = 98 - int(body + "131400") % 97
    return f"DE{check:02d}{body}"


FIRST = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Linus", "Zoë", "Jean-Luc"]
LAST = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Hamilton", "O'Brien", "van der Berg"]
POSITIVE: dict[str, tuple[str, list[Any] | pa.Array, str]] = {
    "email by content": ("col7", [f"user{i}@example{i % 5}.org" for i in range(_N)], "contact.email"),
    "email by name": ("email_address", [f"user{i}@example.org" for i in range(_N)], "contact.email"),
    "ssn by content": ("col3", [_ssn() for _ in range(_N)], "government.us_ssn"),
    "ssn digits by name": ("ssn", [_ssn().replace("-", "") for _ in range(_N)], "government.us_ssn"),
    "ssn as integer": ("ssn", [int(_ssn().replace("-", "")) for _ in range(_N)], "government.us_ssn"),
    "card by content": ("ref", [_card() for _ in range(_N)], "payment.card_number"),
    "card as integer": ("n", [int(_card("5" + str(_R.randrange(1, 6)))) for _ in range(_N)], "payment.card_number"),
    "card as float": ("n", [float(_card()) for _ in range(_N)], "payment.card_number"),
    "card in groups": (
        "col",
        [" ".join(c[i : i + 4] for i in (0, 4, 8, 12)) for c in (_card() for _ in range(_N))],
        "payment.card_number",
    ),
    "security code": ("cvv", [_R.randrange(1000) for _ in range(_N)], "payment.card_security_code"),
    "iban": ("x", [_iban() for _ in range(_N)], "financial.iban"),
    "phone by content": ("c1", [_phone() for _ in range(_N)], "contact.phone"),
    "phone digits by name": ("mobile_phone", [4_155_550_000 + i * 7919 for i in range(_N)], "contact.phone"),
    "phone as float with nulls": ("phone", [None, *[4155550000.0 + i * 7919 for i in range(_N)]], "contact.phone"),
    "ip by content": (
        "c",
        [f"{_R.randrange(40, 220)}.{_R.randrange(256)}.3.{i % 250}" for i in range(_N)],
        "network.ip_address",
    ),
    "private ip by name": ("client_ip", [f"10.0.0.{i % 30}" for i in range(_N)], "network.ip_address"),
    "ipv6": ("c", [f"2001:db8::{i:x}" for i in range(_N)], "network.ip_address"),
    "mac": ("c", [":".join(f"{_R.randrange(256):02x}" for _ in range(6)) for _ in range(_N)], "network.mac_address"),
    "url": ("c", [f"https://example.org/p/{i}" for i in range(_N)], "network.url"),
    "vin": ("vin", ["1HGCM82633A004352", "1M8GDM9AXKP042788", "5GZCZ43D13S812715"] * 30, "vehicle.vin"),
    "first name": ("first_name", [_R.choice(FIRST) for _ in range(_N)], "person.given_name"),
    "surname": ("surname", [_R.choice(LAST) for _ in range(_N)], "person.family_name"),
    "full name": ("customer_name", [f"{_R.choice(FIRST)} {_R.choice(LAST)}" for _ in range(_N)], "person.full_name"),
    "name with common given names": (
        "name",
        [f"{_R.choice(['Mary', 'John', 'Peter', 'Xqz'])} {_R.choice(LAST)}" for _ in range(_N)],
        "person.full_name",
    ),
    "date of birth": (
        "date_of_birth",
        [date(1950, 1, 1) + timedelta(days=i * 50) for i in range(_N)],
        "person.birth_date",
    ),
    "date of birth as text": (
        "dob",
        [(date(1950, 1, 1) + timedelta(days=i * 50)).strftime("%d/%m/%Y") for i in range(_N)],
        "person.birth_date",
    ),
    "year of birth": ("birth_year", [1940 + i % 60 for i in range(_N)], "person.birth_year"),
    "zip": ("zip_code", [f"{i * 311 % 99999:05d}" for i in range(_N)], "location.postal_code"),
    "zip as integer": ("zip", [501 + i * 311 for i in range(_N)], "location.postal_code"),
    "street": ("street_address", [f"{i} Oak Street" for i in range(_N)], "location.street_address"),
    "gender": ("gender", [_R.choice("MF") for _ in range(_N)], "person.gender"),
    "ethnicity": (
        "ethnicity",
        [_R.choice(["White", "Asian", "Hispanic or Latino", "Black or African American"]) for _ in range(_N)],
        "person.ethnicity",
    ),
    "religion": (
        "religion",
        [_R.choice(["Catholic", "Muslim", "Hindu", "None"]) for _ in range(_N)],
        "person.religion",
    ),
    "password hash": (
        "pw",
        ["$2b$12$" + "".join(_R.choices("abcABC019./", k=53)) for _ in range(50)],
        "credential.password_hash",
    ),
    "password": ("password", ["".join(_R.choices("abcABC019!?", k=10)) for _ in range(_N)], "credential.password"),
    "aws key": (
        "c",
        ["AKIA" + "".join(_R.choices("ABCDEFG234567", k=16)) for _ in range(30)],
        "credential.aws_access_key",
    ),
    "api key by name": (
        "api_key",
        ["".join(_R.choices("abcdefghijABCDEFGHIJ0123456789", k=40)) for _ in range(60)],
        "credential.api_key",
    ),
    "icd-10": (
        "diagnosis_code",
        [f"{_R.choice('EIJMS')}{_R.randrange(10, 99)}.{_R.randrange(9)}" for _ in range(_N)],
        "health.diagnosis_code",
    ),
    "npi": ("npi", [_luhn("808401" + f"{i:08d}")[5:] for i in range(_N)], "health.provider_npi"),
    "record number": ("mrn", [f"MRN-{i:06d}" for i in range(_N)], "health.medical_record_number"),
    "nhs": ("nhs_number", ["9434765870", "9434765919", "4010232137", "9876543210"], "government.uk_nhs"),
    "codice fiscale": (
        "x",
        ["RCCMNL83S18D969H", "MRTMTT91D08F205J", "RSSMRA85T10A562S"],
        "government.it_codice_fiscale",
    ),
    "json with emails": ("payload", [{"mail": f"u{i}@example.org"} for i in range(_N)], "contact.email"),
    "categories": (
        "email",
        pa.array([f"u{i % 9}@example.org" for i in range(_N)]).dictionary_encode(),
        "contact.email",
    ),
    "bytes": ("email", [f"u{i % 9}@example.org".encode() for i in range(_N)], "contact.email"),
}


@pytest.mark.parametrize("case", POSITIVE)
def test_found(case: str) -> None:
    name, values, expected = POSITIVE[case]
    labels = labels_of(name, values)
    assert labels, case
    assert labels[0].data_class == expected
    assert labels[0].state == "automatic", labels[0]
    assert labels[0].reasons


def _only(labels: tuple[Label, ...], data_class: str) -> Label:
    return next(label for label in labels if label.data_class == data_class)


def test_one_ssn_in_many_ids_is_an_occurrence() -> None:
    values = [f"CASE-{i:07d}" for i in range(100_000)]
    values[71_234] = "536-22-8145"
    (label,) = labels_of("case_ref", values)
    assert (label.data_class, label.matched, label.scanned) == ("government.us_ssn", 1, 100_000)
    assert not label.whole_column
    assert label.sensitivity == "Restricted"
    assert label.low == label.high == label.prevalence == 1e-5
    assert label.state == "automatic"


def test_one_ssn_in_free_text_is_an_occurrence() -> None:
    values = [f"ticket {i} is about a broken thing" for i in range(20_000)]
    values[3] = "my social is 536-22-8145, call me"
    assert classes_of("body", values) == {"government.us_ssn": "some automatic"}


def test_one_grouped_card_and_one_phone_in_free_text() -> None:
    values = [f"order {i} came late" for i in range(5_000)]
    values[10] = "charged 4111 1111 1111 1111 twice"
    values[20] = "ring me: 415-555-2671."
    values[30] = "mail ada@example.org"
    found = classes_of("body", values)
    assert found == {
        "payment.card_number": "some automatic",
        "contact.phone": "some automatic",
        "contact.email": "some automatic",
    }


def test_one_bare_card_in_free_text_waits_for_review() -> None:
    values = [f"order {i} came late" for i in range(5_000)]
    values[10] = "charged 4111111111111111 twice"
    assert classes_of("body", values) == {"payment.card_number": "some review"}


def test_a_sample_has_an_interval_and_says_so() -> None:
    column = evidence_of({"c": [f"u{i}@example.org" for i in range(50)] + ["none given"] * 50}).columns[0]
    item = column.classes[0].model_copy(update={"low": 0.4, "high": 0.6})
    column = column.model_copy(update={"classes": (item,)})
    (label,) = verdict(column, "t", (), load_taxonomy().value, rules(), method="sample")
    assert (label.low, label.high, label.method) == (0.4, 0.6, "sample")


def test_context_decides_between_review_and_automatic() -> None:
    values = [round(_R.uniform(-60, 60), 5) for _ in range(_N)]
    assert classes_of("latitude", values, "airports", ("name", "tz")) == {"location.coordinates": "review"}
    assert classes_of("latitude", values, "trips.parquet", ("rider",)) == {"location.coordinates": "automatic"}


def test_dates_like_births_need_people_around_and_review() -> None:
    values = [date(1940, 1, 1) + timedelta(days=_R.randrange(60 * 365)) for _ in range(_N)]
    assert classes_of("d1", values, "patients", ("first_name",)) == {"person.birth_date": "review"}
    assert classes_of("opened", values, "patients", ("first_name",)) == {}
    assert classes_of("d1", values, "machines", ("part",)) == {"person.birth_date": "review"}


def test_thresholds_of_the_rule_set_are_obeyed() -> None:
    values = [f"u{i}@example.org" for i in range(70)] + [f"none {i}" for i in range(30)]
    column = evidence_of({"c": values}).columns[0]
    strict = compile(RuleSetSpec(min_match_share=0.9))
    loose = compile(RuleSetSpec(min_match_share=0.5))
    taxonomy = load_taxonomy().value
    assert not verdict(column, "t", (), taxonomy, strict)[0].whole_column
    assert verdict(column, "t", (), taxonomy, loose)[0].whole_column
    assert compile(RuleSetSpec(automatic_at=0.99)).digest == strict.digest
    assert verdict(column, "t", (), taxonomy, compile(RuleSetSpec(automatic_at=0.99)))[0].state == "review"
    assert verdict(column, "t", (), taxonomy, compile(RuleSetSpec(exclude=("contact.*",)))) == ()


def test_an_attribute_word_takes_the_name_away_but_not_the_content() -> None:
    assert classes_of("active_email", [f"u{i}@example.org" for i in range(50)])["contact.email"] == "automatic"
    assert classes_of("email_status", ["ok", "bounced"] * 25) == {}


def test_reasons_say_figures_and_no_value() -> None:
    labels = labels_of("card", [_card() for _ in range(_N)])
    text = " ".join(_only(labels, "payment.card_number").reasons)
    assert "300 of 300" in text
    assert "different candidates pass the check, where chance lets" in text
    assert "the column's name says so" in text


def test_an_empty_column_has_no_label() -> None:
    assert labels_of("ssn", pa.array([], type=pa.string())) == ()
    assert labels_of("email", pa.nulls(10)) == ()
    assert labels_of("email", ["", " ", None]) == ()


def test_a_settled_column_keeps_no_lesser_reading() -> None:
    assert set(classes_of("ssn", [_ssn() for _ in range(_N)])) == {"government.us_ssn"}
    assert set(classes_of("card_number", [_card() for _ in range(_N)])) == {"payment.card_number"}
    assert set(classes_of("fax", [_phone() for _ in range(_N)])) <= {"contact.fax", "contact.phone"}


def test_one_number_among_a_thousand_of_its_form_that_cannot_be_one_is_shown_to_a_person() -> None:
    decoys = [
        f"part {_R.randrange(900, 1000)}-{_R.randrange(10, 99)}-{_R.randrange(1000, 9999)} sent" for _ in range(1200)
    ]
    values = [*decoys, "his number is 536-22-8145", *(f"nothing {i}" for i in range(5000))]
    found = {label.data_class: label for label in labels_of("note", values, "support.events", ("id", "kind"))}
    label = found["government.us_ssn"]
    assert (label.matched, label.scanned, label.state, label.whole_column) == (1, len(values), "review", False)
    assert label.prevalence == pytest.approx(1 / len(values))
