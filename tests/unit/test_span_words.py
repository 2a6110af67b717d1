"""Looking for many words at once finds what looking for each one does, in short texts and long ones."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.detectors.span_words import Words

_LETTERS = st.text(st.sampled_from("abzé ñ.@国$"), min_size=1, max_size=6)


@given(st.lists(_LETTERS, min_size=1, max_size=12, unique=True), st.text("abzé ñ.@国$", max_size=40), st.booleans())
def test_the_words_of_a_text_are_those_that_stand_in_it(words: list[str], text: str, long: bool) -> None:
    whole = text + "q" * 2_000 if long else text
    assert sorted(Words(words).held_in(whole)) == sorted(word for word in words if word in whole)


def test_a_word_across_two_pieces_of_a_long_text_is_found() -> None:
    for place in range(65_525, 65_540):
        assert list(Words(["zébra", "lion"]).held_in("q" * place + "zébra")) == ["zébra"]


def test_no_word_is_an_empty_list() -> None:
    assert list(Words([]).held_in("x" * 5_000)) == []
    assert list(Words(["ab"]).held_in("")) == []
