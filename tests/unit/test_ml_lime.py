"""Local explanations: of a sum they are its terms, and of anything they are the same each time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.ml.lime import SAMPLES, Mask, lime

TERMS = st.lists(st.floats(-1, 1), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(TERMS)
def test_of_a_sum_the_weights_are_its_terms(terms: list[float]) -> None:
    parts = [str(place) for place in range(len(terms))]
    told = lime(parts, lambda mask: 0.25 + float(mask @ np.array(terms)))
    found = {weight.part: weight.weight for weight in told.weights}
    assert found == pytest.approx(dict(zip(parts, terms, strict=True)), abs=0.02)
    assert told.probability == pytest.approx(0.25 + sum(terms))
    assert told.without == pytest.approx(0.25)
    assert [abs(weight.weight) for weight in told.weights] == sorted(map(abs, found.values()), reverse=True)
    assert told.asked <= SAMPLES + 2 + 2 * len(terms)


def test_a_part_that_needs_another_is_told_by_the_fit() -> None:
    both = lime(["a", "b", "c"], lambda mask: float(mask[0] and mask[1]))
    assert {weight.part for weight in both.weights[:2]} == {"a", "b"}
    assert abs(both.weights[2].weight) < 0.05
    assert 0.5 < both.fit < 1


def test_no_mask_is_asked_twice_and_the_same_seed_asks_the_same() -> None:
    asked: list[bytes] = []

    def ask(mask: Mask) -> float:
        asked.append(mask.tobytes())
        return float(mask[3])

    parts = [str(place) for place in range(30)]
    first = lime(parts, ask)
    once = list(asked)
    assert len(set(once)) == len(once) == first.asked
    asked.clear()
    assert lime(parts, ask) == first
    assert asked == once


def test_nothing_to_leave_out_is_no_error() -> None:
    assert lime([], lambda mask: 0.5).weights == ()
