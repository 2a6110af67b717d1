"""Checks over a column say what the same check says of each value; a dictionary is as good as its values."""

from functools import cache

import polars as pl
import pyarrow as pa
import pytest
from detection_columns import report_of, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.detectors.column_checks import _MANY
from cluster.detectors.patterns import EDGES
from cluster.detectors.validators import column_validator, validator

NAMES = ("iban", "ipv4", "ipv6", "phone_international", "phone_national")
KNOWN = (
    *("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606", "XK051212012345678906"),
    *("192.168.1.20", "31.31.31.31", "1.2.3.32", "0.1.2.200", "01.2.3.200", "256.1.1.1", "٣.3.3.90"),
    *("2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::8", "1::2", "\u00a0::ffff:1", "fe80::1%eth", "::ffff:1.2.3.4"),
    *("\x1c2001:db8::1", "1:2:3:4:5:6::8", "12:30:45", "1:2:3:4:5:6:7:8:9", "1:::2:3:4"),
    *("+49 30 1234567", "(415) 555-2671", "001-415-555-2671x123", "0049 30 123456", "020 7946 0958 ext 3", "+0", "++"),
    *("1-415-555-2671", "415-911-2671", "+999 12345678", "12345678901234567890", "0000000000", "0151 23456789", ""),
)


@cache
def _examples() -> tuple[str, ...]:
    return tuple(text for d in rules().detectors for text in (*d.examples.match, *d.examples.found_in))


TEXTS = st.lists(
    st.builds(
        lambda text, place, char, edge: edge + text[:place] + char + text[place + 1 :] + edge,
        st.sampled_from(KNOWN + _examples()),
        st.integers(0, 30),
        st.sampled_from([*"0123456789 :.+-xX%éA", "", "\u00a0"]),
        st.sampled_from(["", " ", "(", "[", ":"]),
    ),
    max_size=40,
)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_a_check_over_a_column_is_the_check_of_each_match(name: str, texts: list[str]) -> None:
    single, column = validator(name), column_validator(name)
    assert single is not None
    assert column is not None
    every = [*texts, *KNOWN]
    assert column(pl.Series(every)).tolist() == [single(text.strip(EDGES)) for text in every]


def test_many_numbers_of_a_country_are_held_against_its_plan() -> None:
    single, column = validator("phone_international"), column_validator("phone_international")
    assert single is not None
    assert column is not None
    texts = [f"+4930{n * 7919 % 10**size:0{size}d}" for size in range(2, 13) for n in range(_MANY // 5)]
    found = column(pl.Series(texts)).tolist()
    assert found == [single(text) for text in texts]
    assert 0 < sum(found) < len(found)


def test_a_dictionary_is_as_good_as_its_values() -> None:
    texts = ["ada@example.org", "536-22-8145", None, "ada@example.org", " ", "x" * 300, "ada@example.org"]
    plain = pa.array(texts)
    unused = pa.DictionaryArray.from_arrays([0, 1, None, 0, 2, 4, 5], [*texts[:2], " ", "never", texts[5], texts[0]])
    with_null = pa.DictionaryArray.from_arrays([0, 1, 2, 0, 3, 4, 0], [*texts[:3], " ", texts[5]])
    whole = report_of(pa.record_batch({"c": plain}))
    for other in (plain.dictionary_encode(), unused, with_null):
        assert report_of(pa.record_batch({"c": other})).columns == whole.columns
    assert whole.columns[0].detectors["contact.email"].matched == 3
