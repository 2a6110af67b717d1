"""Automata answer as polars' own regexes do: on any text, for any regex that they understand, and for all that ship."""

import re

import polars as pl
import pytest
from detection_columns import rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.detectors.joined import joined_bytes
from cluster.detectors.patterns import embedded_regex, whole_regex
from cluster.kernels import automaton as module
from cluster.kernels.automaton import Automaton, automaton
from cluster.kernels.shape_regex import shape_regex

SIGNS = "ab1éK\u212aſß•\u2003\n -"
DETECTORS = tuple(d for d in rules().detectors if d.pattern)
LEFT_TO_POLARS = {
    "credential.url_password",
    "person.gender",
}  # repeated repeats, and letters of either case beyond ASCII
PLAIN = ("a", "b", "é", "•", "1", " ", r"\-", r"\n", r"\s", ".", "(?s:.)", "[ab]", "[^a]", r"[^\s1]", "[0-9]", "[é-•]")
CASES = ("(?i:k)", "(?i:s)", "(?i:É)", "(?i:ß)", "(?i:[a-z])", "(?i:[^k])")
ATOMS = st.sampled_from((*PLAIN, *CASES, "^", "$", r"\x61", "[]a]", "[^]b-]", "[1-]"))
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "+?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)
TEXTS = st.lists(st.text(st.sampled_from(SIGNS), max_size=12), max_size=20)


def _holds(found: Automaton, texts: list[str]) -> list[bool]:
    values = pl.Series(texts, dtype=pl.String)
    return found.holds(*joined_bytes(values), pl.arange(0, len(texts), eager=True).to_numpy()).tolist()


@settings(deadline=None, max_examples=250)
@given(REGEXES, TEXTS)
def test_an_automaton_answers_as_polars_does(regex: str, texts: list[str]) -> None:
    found = Automaton(regex)
    assert found.usable
    assert _holds(found, texts) == pl.Series(texts, dtype=pl.String).str.contains(regex).to_list()


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(DETECTORS), st.text(st.sampled_from("a0 -.:é@"), max_size=5), st.booleans())
def test_the_shipped_detectors_are_understood(data: st.DataObject, detector: object, beside: str, cut: bool) -> None:
    d = next(d for d in DETECTORS if d is detector)
    text = data.draw(st.from_regex(re.compile(d.pattern or ""), fullmatch=True))
    texts = [text, beside + text, text + beside, f"{beside} {text} {beside}", text[1:] if cut else text[:-1], beside]
    shapes = shape_regex(d.pattern or "")
    for regex in (whole_regex(d), embedded_regex(d), d.gate, shapes):
        if regex is not None:
            assert _holds(automaton(regex), texts) == pl.Series(texts).str.contains(regex).to_list()
            assert Automaton(regex).usable or d.id in LEFT_TO_POLARS


@pytest.mark.parametrize("regex", [r"\d+", r"a\b", r"\p{L}", "[[:alpha:]]", "(?i:ω)", "(?m:^a)", "[a&&b]", "a{1001}"])
def test_what_is_not_understood_is_left_to_polars(regex: str) -> None:
    texts = ["a1", "٣", "ω", "Ω", "x\na", "", "a" * 1001]
    assert not Automaton(regex).usable
    assert _holds(Automaton(regex), texts) == pl.Series(texts).str.contains(regex).to_list()


def test_too_many_states_are_left_to_polars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATES", 40)
    texts = [f"{n:011b}"[:5] + "1" + f"{n:011b}"[5:] for n in range(2_000)]
    found = Automaton("1[01]{9}0$")
    assert _holds(found, texts) == pl.Series(texts).str.contains("1[01]{9}0$").to_list()
    assert not found.usable
