"""Spans of tier 1: every form by its own examples, what is none, offsets in any script, and long texts."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from actors.classification.realtime import default_rules
from cluster.detectors.cues import REACH, Cues, CuesOfText
from cluster.detectors.span_forms import SpanForm, load_span_packs
from cluster.detectors.span_places import LONG
from cluster.detectors.spans import Span, both_tiers, find_spans

FORMS = [form for pack in load_span_packs() for form in pack.value.forms]
PIECES = [
    "my ssn is 536-22-8145", "mail ada@example.org.", "Hauptstr. 5, 10115 Berlin", "DOB: 03/12/1984",
    "call +49 30 12345678!", "see https://example.org/a.", "order 4411-2231 of 3.4.2024", "nothing here", "🎉🎉 ok",
]  # fmt: skip
NONE = """version 10.0.19045.3324 released
order 4111111111111112 shipped
tracking 1Z999AA10123456784
ISBN 978-3-16-148410-0
invoice 2024-001234 of 03/12/2024
the meeting is at 10:30-11:45 on 12.03.2024
price 1,234.56 EUR, qty 12
commit 9fceb02d0ae598e95dc970b74767f19372d61af8
uuid 123e4567-e89b-12d3-a456-426614174000
score 3-2, 15-20 people, pages 345-350
error 0x80070057, port 8080, pid 12345
SELECT * FROM t WHERE id = 123456789
ticket 555-123-4567
flight LH 430, seat 12A, gate B22
the ratio is 123.456.789
e.g. this, i.e. that, main.py and node.js
we waited for 10 years in the house of 40 people""".splitlines()


def told(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.data_class) for span in find_spans(text, default_rules())]


@pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
def test_a_form_finds_its_examples_and_no_more(form: SpanForm) -> None:
    for text, span in form.examples.found:
        assert (span, form.data_class) in told(text), text
    for text in form.examples.none:
        assert form.data_class not in {data_class for _, data_class in told(text)}, text


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_something_is_nothing(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("tel: (415) 555-0132 ext 5.", ("(415) 555-0132 ext 5", "contact.phone")),
        ("reach me at 5853527711 today", ("5853527711", "contact.phone")),
        ("mon num c'est le 06.12.34.56.78", ("06.12.34.56.78", "contact.phone")),
        ("<jane_d@mail.example.co.uk>;", ("jane_d@mail.example.co.uk", "contact.email")),
        ("الهاتف +49 30 12345678", ("+49 30 12345678", "contact.phone")),
        ("é́́ 🎉 ssn 536-22-8145", ("536-22-8145", "government.us_ssn")),
        ("\u202email ada@example.org\u202c", ("ada@example.org", "contact.email")),
        ("ǰǰǰ my ssn is 536228145", ("536228145", "government.us_ssn")),
    ],
)
def test_boundaries(text: str, span: tuple[str, str]) -> None:
    assert told(text) == [span]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12), st.integers(0, 3))
@limits(deadline=None, max_examples=40)
def test_a_long_text_says_what_its_lines_say(pieces: list[str], seed: int) -> None:
    filler = "\n".join(["plain words without any data in them"] * (40 + seed))
    text = f"\n{filler}\n".join([*pieces, ""]) + filler * 3
    assert len(text) > LONG
    assert told(text) == [span for piece in pieces for span in told(piece)]


@pytest.mark.parametrize("unit", ["a", "1", "a.", "@", "1-", "+(1", "://x", "a1 ", "ring, ", "Straße ", "\u0301"])
def test_a_text_of_one_thing_is_read_in_bounded_space(unit: str) -> None:
    """A search that went back and forth over the whole text for each place would not end."""
    text = unit * (60_000 // len(unit))
    tracemalloc.start()
    try:
        spans = find_spans(text, default_rules())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert peak < 200 * len(text)


def before(cues: Cues, text: str, place: int | None = None) -> tuple[frozenset[str], int]:
    return CuesOfText(cues, text).before(len(text) if place is None else place)


def test_a_cue_may_end_with_a_filler_and_letters_that_fold_longer_move_nothing() -> None:
    cues = Cues({"phone": ["reach me at"], "dob": ["geboren am"]}, ["at", "am", "is"])
    assert before(cues, "reach me at ") == (frozenset({"phone"}), 1)
    assert before(cues, "geboren am ")[0] == {"dob"}
    assert before(cues, "ǰ geboren am ")[0] == {"dob"}
    assert before(cues, "nothing ") == (frozenset(), REACH)


def test_of_cues_the_nearest_counts_the_longest_at_that_and_none_out_of_reach() -> None:
    cues = Cues({"phone": ["call", "call me"], "other": ["order", "me"]}, ["no"])
    assert before(cues, "order no call me ") == (frozenset({"phone"}), 1)
    assert before(cues, "call order no ") == (frozenset({"other"}), 1)
    assert before(cues, "call " + "x " * 30)[0] == frozenset()
    assert before(cues, "recall ")[0] == frozenset()


@given(st.lists(st.sampled_from(["call", "me", "order", "no", "xyz", "1234", ".", "電話"]), max_size=2500))
@limits(deadline=None, max_examples=20)
def test_reading_in_blocks_is_reading_from_each_place(words: list[str]) -> None:
    cues = Cues({"phone": ["call", "call me"], "other": ["order"], "cn": ["電話"]}, ["no"])
    text = " ".join(words)
    whole = CuesOfText(cues, text)
    for place in range(0, len(text), 37):
        assert whole.before(place) == before(cues, text, place)


def span(start: int, end: int, data_class: str, tier: str = "language") -> Span:
    return Span.model_validate({"start": start, "end": end, "data_class": data_class, "score": 0.9, "tier": tier})


def test_what_the_rules_say_goes_first_but_a_longer_street_stands() -> None:
    street, city = "location.street_address", "location.city"
    rules = [span(8, 20, street, "rules"), span(30, 40, "contact.phone", "rules")]
    assert both_tiers(rules, [span(0, 20, street), span(22, 28, city), span(29, 35, city)]) == [
        span(0, 20, street), span(22, 28, city), rules[1],
    ]  # fmt: skip
    assert both_tiers(rules, [span(0, 40, street)]) == rules
    assert both_tiers(rules, [span(10, 15, street)]) == rules
    assert both_tiers([], [span(3, 4, city)]) == [span(3, 4, city)]
