"""Gates are looked for in groups, and what is found does not depend on the groups."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.detectors.joined import joined_bytes
from cluster.kernels import automaton as module
from cluster.kernels.union import Group, Union

GATES = ("[0-9]{3}-[0-9]{2}", "[13][0-9A-Za-z]{4}", "(?i:key)=", "[A-Z]{2}[0-9]{2}", "[0-9]{4}", "x[ab]{3}c")


def _held(union: Union, texts: list[str]) -> list[bool]:
    joined = joined_bytes(pl.Series(texts, dtype=pl.String))
    held = np.zeros(len(texts), dtype=np.bool_)
    for group in union.groups:
        held[union.holding(group, *joined, np.arange(len(texts)))] = True
    return held.tolist()


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("0123-aAkey=xbc "), max_size=12), min_size=1, max_size=40))
def test_a_text_holds_one_of_the_gates(texts: list[str]) -> None:
    held = _held(Union(GATES), texts)
    assert held == [any(re.search(gate, text) for gate in GATES) for text in texts]


def test_a_group_of_too_many_states_is_halved_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WORK", 300)
    module.automaton.cache_clear()
    texts = [f"{'x' * (n % 3)}{n * 7919 % 99991}-{n % 100}key{'=' * (n % 2)}{chr(65 + n % 26)}B{n}" for n in range(500)]
    union = Union(GATES)
    held = [_held(union, texts) for _ in range(6)]
    module.automaton.cache_clear()
    assert held == [[any(re.search(gate, text) for gate in GATES) for text in texts]] * 6
    assert len(union.groups) > 2


def test_gates_of_digits_and_signs_are_told_by_shapes() -> None:
    union = Union(GATES)
    assert [group.gates for group in union.groups if group.shown] == [("[0-9]{3}-[0-9]{2}", "[0-9]{4}")]
    shapes = pl.Series(["ddd-dd", "dd-ddd", "dddd a", ""])
    assert Group(("[0-9]{3}-[0-9]{2}", "[0-9]{4}")).passing(shapes).tolist() == [True, False, True, False]
