"""Exact binomial statistics without a numerical library: intervals, tails, and the beta quantile beneath them."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

_TINY: Final = 1e-300
_ROUNDS: Final = 500
_NORMAL: Final = 1.959963984540054


def regularised_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), by the continued fraction of DLMF 8.17.22 (Lentz's method). a, b > 0; 0 <= x <= 1."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - regularised_beta(b, a, 1.0 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(log_front) * _fraction(a, b, x) / a)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, _inverse(1.0 - (a + b) * x / (a + 1.0))
    result = d
    # The fraction needs some sqrt(max(a, b)) rounds.
    for m in range(1, _ROUNDS + 10 * math.isqrt(int(max(a, b)) + 1)):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = _inverse(1.0 + term * d)
            c = 1.0 + term / c
            c = c if abs(c) > _TINY else _TINY
            step = c * d
            result *= step
        if abs(step - 1.0) < 1e-14:
            break
    return result


def _inverse(value: float) -> float:
    return 1.0 / (value if abs(value) > _TINY else _TINY)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x for which I_x(a, b) is the probability, by bisection to 1e-12 relative."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if regularised_beta(a, b, middle) < probability:
            low = middle
        else:
            high = middle
        if high - low <= 1e-12 * high:
            break
    return (low + high) / 2


def clopper_pearson(hits: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """The two-sided exact interval of a binomial proportion (Clopper and Pearson 1934); (0, 1) without trials.

    Effective numbers of hits and trials need not be whole.
    """
    if trials <= 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2
    low = 0.0 if hits <= 0 else beta_quantile(tail, hits, trials - hits + 1)
    high = 1.0 if hits >= trials else beta_quantile(1.0 - tail, hits + 1, trials - hits)
    return low, high


def clustered_interval(parts: Sequence[tuple[int, int]], total: int) -> tuple[float, float]:
    """The 95 % interval of a share, from (values, hits) of each of some parts that were drawn at random out of `total`.

    Values of one part are often alike, so they are not as many independent trials as they are values. Their effective
    number follows from how much the parts differ (variance of a ratio estimator over clusters with its correction for
    finite populations, Cochran 1977), and Clopper and Pearson's interval is taken of it, as Korn and Graubard (1998)
    propose. Where the parts cannot show how alike their values are, all of the same hits or only one of them, a part
    counts as one trial.
    """
    values, hits = sum(n for n, _ in parts), sum(x for _, x in parts)
    if not values:
        return 0.0, 1.0
    share = hits / values
    if len(parts) >= total:
        return share, share
    trials = min(float(values), _effective(parts, share, total))
    low, high = clopper_pearson(share * trials, trials)
    return min(low, share), max(high, share)


def _effective(parts: Sequence[tuple[int, int]], share: float, total: int) -> float:
    count, values = len(parts), sum(n for n, _ in parts)
    left = 1.0 - count / total
    if count < 2 or share in {0.0, 1.0}:
        return count / left
    spread = sum((hits - share * n) ** 2 for n, hits in parts) / (count - 1)
    variance = left * spread * count / values**2
    if variance <= 0.0:
        return float(values)
    return share * (1.0 - share) / variance * (_NORMAL / _student(count - 1)) ** 2


@cache
def _student(freedom: int) -> float:
    """The quantile of Student's t that 2.5 % lie above, by way of the beta distribution (DLMF 8.17)."""
    x = beta_quantile(0.05, freedom / 2, 0.5)
    return math.sqrt(freedom * (1.0 - x) / x)


def binomial_tail(hits: int, trials: int, chance: float) -> float:
    """The probability of at least `hits` in `trials` at this chance each."""
    if hits <= 0:
        return 1.0
    if hits > trials:
        return 0.0
    return regularised_beta(hits, trials - hits + 1, chance)
