"""Binomial statistics against published values."""

import math

import pytest

from cluster.kernels.intervals import beta_quantile, binomial_tail, clopper_pearson, regularised_beta


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R 4: binom.test(x, n)$conf.int
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.002528579, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (10, 10, 0.6915029, 1.0),
        (3, 1000, 0.0006190, 0.0087420),
    ],
)
def test_clopper_pearson(hits: int, trials: int, low: float, high: float) -> None:
    found = clopper_pearson(hits, trials)
    assert found[0] == pytest.approx(low, abs=2e-5)
    assert found[1] == pytest.approx(high, abs=2e-5)


@pytest.mark.parametrize(("hits", "trials"), [(1, 10), (81, 263), (3, 1000)])
def test_each_bound_leaves_a_fortieth_beyond(hits: int, trials: int) -> None:
    low, high = clopper_pearson(hits, trials)
    above = sum(math.comb(trials, k) * low**k * (1 - low) ** (trials - k) for k in range(hits, trials + 1))
    below = sum(math.comb(trials, k) * high**k * (1 - high) ** (trials - k) for k in range(hits + 1))
    assert (above, below) == (pytest.approx(0.025, rel=1e-6), pytest.approx(0.025, rel=1e-6))


def test_rule_of_three() -> None:
    assert clopper_pearson(0, 1_000_000)[1] == pytest.approx(-math.log(0.025) / 1_000_000, rel=1e-4)


def test_no_trials_say_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "trials", "chance"), [(1, 1, 0.1), (2, 2, 0.1), (3, 20, 0.1), (12, 90, 0.09), (7, 7, 0.5)]
)
def test_tail_equals_the_sum(hits: int, trials: int, chance: float) -> None:
    total = sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(hits, trials + 1))
    assert binomial_tail(hits, trials, chance) == pytest.approx(total, rel=1e-9)


def test_tail_at_its_ends() -> None:
    assert binomial_tail(0, 5, 0.1) == 1.0
    assert binomial_tail(6, 5, 0.1) == 0.0
    assert binomial_tail(100_000, 1_000_000, 0.1) == pytest.approx(0.5, abs=0.01)


def test_quantile_inverts_the_function() -> None:
    for a, b in [(0.5, 0.5), (2, 7), (400, 3)]:
        for p in (0.001, 0.3, 0.975):
            assert regularised_beta(a, b, beta_quantile(p, a, b)) == pytest.approx(p, rel=1e-7)


def test_the_interval_covers_in_nineteen_of_twenty() -> None:
    trials, share = 60, 0.1
    covered = sum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
        for k in range(trials + 1)
        if clopper_pearson(k, trials)[0] <= share <= clopper_pearson(k, trials)[1]
    )
    assert covered >= 0.95
