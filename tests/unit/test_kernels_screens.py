"""What a screen leaves out cannot match, and checks over a column say what the same check says of each value."""

import re

import numpy as np
import polars as pl
import pytest
from detection_columns import report_of, rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.detectors import checksums, validators
from cluster.detectors.check_digits import COLUMN_CHECKS
from cluster.detectors.detector import Detector
from cluster.detectors.joined import joined_bytes
from cluster.detectors.needs import NOTHING, Need, needs_of
from cluster.kernels.screens import Screen

OPEN = tuple(d for d in rules().detectors if d.pattern and not d.needs_name)
NUMBERS = st.text(st.sampled_from("0123456789"), max_size=20)
SPACED = st.builds("{}{}-{}".format, st.sampled_from(["", " ", "4", "51", "37", "6011", "é"]), NUMBERS, NUMBERS)


def _bits(chars: str) -> int:
    return sum(1 << ord(char) for char in chars)


@pytest.mark.parametrize(
    ("regex", "needs"),
    [
        ("ab{2}", (Need(frozenset({_bits("a"), _bits("b")}), 3, 0),)),
        ("[0-9]{3}-?|x+", (Need(frozenset({_bits("0123456789")}), 3, 3), Need(frozenset({_bits("x")}), 1, 0))),
        ("(?i:ab)@", (Need(frozenset({_bits("@")}), 3, 0),)),
        ("[^a]\\s.$", (Need(width=3),)),
        ("(?:a|b)?", (NOTHING,)),
        ("a(?=b)", (NOTHING,)),
        ("\\p{L}a", (NOTHING,)),
        ("[[:alpha:]]a", (NOTHING,)),
    ],
)
def test_needs_are_read_off_a_regex(regex: str, needs: tuple[Need, ...]) -> None:
    assert needs_of(regex) == needs


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(OPEN))
def test_a_screen_passes_whatever_a_pattern_matches(data: st.DataObject, detector: Detector) -> None:
    assert detector.pattern is not None
    text = data.draw(st.from_regex(re.compile(detector.pattern), fullmatch=True))
    screen = Screen(d.pattern or "" for d in OPEN)
    values = pl.Series(["", "x" * 30, f"é {text} ü"])
    traits = screen.traits(values)
    assert screen.passing(detector.pattern, traits)[2]
    assert detector.pattern in screen.able(traits.together())
    assert detector.pattern in screen.able(screen.together(*joined_bytes(values)))


@pytest.mark.parametrize("detector", OPEN, ids=lambda d: d.id)
def test_a_screen_passes_every_example(detector: Detector) -> None:
    screen = Screen([detector.pattern or ""])
    values = pl.Series([*detector.examples.match, *detector.examples.found_in])
    assert screen.passing(detector.pattern or "", screen.traits(values)).all()


def test_a_screen_leaves_out_what_cannot_match() -> None:
    card, email = (rules().detector(i) for i in ("payment.card.digits", "contact.email"))
    assert card is not None
    assert email is not None
    screen = Screen([card.pattern or "", email.pattern or ""])
    traits = screen.traits(pl.Series(["4111 and 4111", "ada@example.org", "4111111111111111"]))
    assert screen.passing(card.pattern or "", traits).tolist() == [False, False, True]
    assert screen.passing(email.pattern or "", traits).tolist() == [False, True, False]
    assert screen.able(screen.whole_numbers(12)) == frozenset()
    assert screen.able(screen.whole_numbers(13)) == {card.pattern}


def test_traits_do_not_depend_on_the_pieces() -> None:
    screen = Screen(d.pattern or "" for d in OPEN)
    texts = ["a@b.example", "", "x" * 3_000_000, "12-34", "$"]
    whole = screen.traits(pl.Series(texts))
    for place, text in enumerate(texts):
        one = screen.traits(pl.Series([text]))
        assert (one.bits[0], one.lengths[0], one.digits[0]) == (
            whole.bits[place],
            whole.lengths[place],
            whole.digits[place],
        )


@pytest.mark.parametrize("name", sorted(COLUMN_CHECKS))
@settings(deadline=None, max_examples=60)
@given(st.lists(SPACED | NUMBERS, max_size=30))
def test_a_check_over_a_column_is_the_check_of_each_value(name: str, texts: list[str]) -> None:
    # Every last digit, so that some of them pass.
    every = [text + digit for text in texts for digit in "0123456789"] + texts
    single = getattr(checksums, name)
    assert COLUMN_CHECKS[name](pl.Series(every, dtype=pl.String)).tolist() == [single(text) for text in every]


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("payment_card", "4111111111111111"),
        ("ssn", "536-22-8145"),
        ("aba_routing", "021000021"),
        ("npi", "1234567893"),
        ("imei", "490154203237518"),
        ("luhn", "18"),
    ],
)
def test_a_check_over_a_column_accepts_a_known_number(name: str, holds: str) -> None:
    wrong = holds[:-1] + str((int(holds[-1]) + 1) % 10) if name != "ssn" else "666-22-8145"
    assert COLUMN_CHECKS[name](pl.Series([holds, wrong, ""])).tolist()[:2] == [True, False]


def test_an_iban_is_judged_by_its_country_each_time() -> None:
    check = validators.validator("iban")
    assert check is not None
    texts = [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "DE88370400440532013000",
        "XX82WEST12345698765432",
    ]
    assert [check(text) for text in texts * 2] == [True, True, False, False] * 2
    library = validators._iban_library()
    assert [library(text) for text in texts] == [True, True, False, False]


def test_an_address_beside_a_foreign_sign_does_not_stop_a_scan() -> None:
    (column,) = report_of(pl.DataFrame({"c": ["§203.0.113.7 "]}).to_arrow().to_batches()[0]).columns
    assert column.detectors["network.ipv4"].validated == 0


def test_a_column_of_mixed_forms_is_counted_in_full() -> None:
    texts = [f"{400 + i % 99}-22-{1000 + i}" for i in range(3000)]
    texts += [f"user{i}@example.org" for i in range(3000)]
    texts += [f"see 4111 1111 1111 1111, {i}" for i in range(3000)]
    texts += [f"plain {i}" for i in range(3000)]
    order = np.random.default_rng(5).permutation(len(texts))
    frame = pl.DataFrame({"c": [texts[i] for i in order]})
    whole = report_of(frame.to_arrow().combine_chunks().to_batches()[0])
    pieces = report_of(*(frame[i : i + 700].to_arrow().to_batches()[0] for i in range(0, len(texts), 700)))
    assert whole.columns == pieces.columns
    counts = whole.columns[0].detectors
    assert counts["contact.email"].validated == 3000
    assert counts["government.us_ssn"].validated == 3000
    assert (counts["payment.card.grouped"].validated, counts["payment.card.grouped"].whole) == (3000, 0)
