"""Drift and fairness against figures that are known without them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.errors import InvalidInput
from cluster.ml.drift import counted, drift, edges_of
from cluster.ml.fairness import Detection, fairness

counts = st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any)


def test_two_normals_a_fifth_apart_have_a_psi_of_its_square() -> None:
    chance = np.random.default_rng(1)
    old, new = chance.normal(0, 1, 400_000), chance.normal(0.2, 1, 400_000)
    edges = edges_of(old, 200)
    found = drift(counted(old, edges), counted(new, edges))
    assert found.psi == pytest.approx(0.04, abs=0.004)
    # The largest gap between two normals d apart lies halfway: 2 Phi(d / 2) - 1.
    assert found.ks == pytest.approx(0.0797, abs=0.003)
    assert found.verdict == "stable"


@given(counts, counts)
@limits(deadline=None, max_examples=60)
def test_measures_are_symmetric_bounded_and_nil_for_the_same(one: list[int], other: list[int]) -> None:
    forth, back = drift(one, other), drift(other, one)
    assert (forth.psi, forth.js, forth.ks) == pytest.approx((back.psi, back.js, back.ks))
    assert forth.psi >= 0
    assert 0 <= forth.js <= 1
    assert 0 <= forth.ks <= 1
    same = drift(one, one)
    assert (same.psi, same.js, same.ks) == pytest.approx((0, 0, 0))


def test_distributions_that_share_nothing_are_as_far_apart_as_can_be() -> None:
    found = drift([1_000_000, 0], [0, 1_000_000])
    assert (round(found.js, 3), found.ks, found.verdict) == (1.0, 1.0, "large")


@pytest.mark.parametrize(("one", "other"), [([], []), ([1], [1, 2]), ([0, 0], [1, 2]), ([1, -1], [1, 1])])
def test_what_cannot_be_compared_is_refused(one: list[int], other: list[int]) -> None:
    with pytest.raises(InvalidInput):
        drift(one, other)


def test_chance_alone_is_no_drift() -> None:
    chance = np.random.default_rng(2)
    edges = np.linspace(-2, 2, 19)
    found = drift(counted(chance.normal(0, 1, 150), edges), counted(chance.normal(0, 1, 150), edges))
    assert found.psi > 0.1
    assert found.verdict == "stable"


def test_every_value_is_in_one_bin() -> None:
    edges = edges_of([1, 1, 1, 2, 3, np.nan, np.inf], 4)
    assert counted([0, 1, 2, 2.5, 99, np.nan], edges).sum() == 5
    assert list(edges) == sorted(set(edges))


def test_the_group_that_lags_is_named_and_does_not_pass() -> None:
    seen = [Detection("latin", True, n >= 5) for n in range(100)]
    seen += [Detection("arabic", True, n >= 30) for n in range(100)]
    seen += [Detection("latin", False, n < 2) for n in range(100)] + [Detection("arabic", False, False)] * 100
    seen += [Detection("runes", True, False)] * 3
    found = fairness(seen)
    rates = {g.group: (g.tpr, g.fpr) for g in found.groups}
    assert rates == {"arabic": (0.7, 0.0), "latin": (0.95, 0.02), "runes": (0.0, None)}
    assert (round(found.odds_gap, 3), found.worst, found.passed) == (0.25, "arabic", False)
    assert round(found.parity_gap, 3) == 0.135, "three of a group say nothing"
    assert fairness(seen, limit=0.3).passed


def test_nothing_seen_is_nothing_unfair() -> None:
    assert fairness([]).passed
