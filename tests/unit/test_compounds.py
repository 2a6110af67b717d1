"""Names of columns that were written together or without vowels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.classification.realtime import classify_columns
from cluster.detectors.compounds import taken_apart, vocabulary, without_vowels, written_out
from cluster.detectors.words import phrases_of, split_name


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("insurancememberno", ("insurance", "member", "no")),
        ("employeesalary", ("employee", "salary")),
        ("imsino", ("imsi", "no")),
        ("emailverified", ("email", "verified")),
        ("percentage", ("percentage",)),
        ("passengers", ("passengers",)),
        ("casino", ("casino",)),
        ("qwertyuiop", ("qwertyuiop",)),
    ],
)
def test_a_run_of_letters_is_taken_apart_only_where_all_of_it_is_words(word: str, words: tuple[str, ...]) -> None:
    assert taken_apart(word) == words


@given(st.text(alphabet="abcdefghilmnoprstuvyz", min_size=1, max_size=24))
def test_no_letter_is_lost(word: str) -> None:
    assert "".join(taken_apart(word)) == word


@given(st.sampled_from(sorted(word for word in vocabulary() if word.isascii())))
def test_a_word_of_the_packs_stays_whole(word: str) -> None:
    assert taken_apart(word) == (word,)


@pytest.mark.parametrize(
    ("short", "word"), [("BRTH", "birth"), ("GNDR", "gender"), ("SLRY", "salary"), ("STTS", "status")]
)
def test_a_word_without_vowels_is_read_as_the_word(short: str, word: str) -> None:
    assert without_vowels(word) == short.lower()
    assert written_out(short.lower()) == word


def test_spellings_of_number_code_and_date_are_one() -> None:
    assert split_name("policy_nbr") == split_name("PolicyNo") == split_name("policy number")
    assert "birthdate" in phrases_of("BRTH_DT")


@pytest.mark.parametrize("name", ["patientphoneno", "PTNT_PHN_NMBR", "CUST_TEL_NBR"])
def test_such_names_are_evidence(name: str) -> None:
    values = [f"20155{number:05}" for number in range(20)]
    labels = classify_columns({name: values}, tiers=[1])[name]
    assert [label.data_class for label in labels] == ["contact.phone"]


@pytest.mark.parametrize("name", ["emailverified", "phonetype", "CSTMR_STTS", "birthdatequality"])
def test_words_about_the_thing_count_within_such_names_too(name: str) -> None:
    assert classify_columns({name: ["Y", "N", "Y", "N", "Y"]}, tiers=[1])[name] == ()
