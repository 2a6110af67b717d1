"""The interval of a sample of whole partitions holds the truth as often as it says, however the values lie."""

import random

import pytest

from cluster.kernels.doubt import Part, interval, widest
from cluster.kernels.intervals import clopper_pearson, clustered_interval

SAMPLES = 500
PARTS = (10, 20, 50, 150)
SHARES = (0.001, 0.01, 0.1, 0.3, 0.5)
VALUES = 200


def mixed(chance: random.Random, parts: int, share: float) -> list[tuple[int, int]]:
    return [(VALUES, sum(chance.random() < share for _ in range(VALUES))) for _ in range(parts)]


def in_order(chance: random.Random, parts: int, share: float) -> list[tuple[int, int]]:
    """All of the class lies together, as in a table that is sorted by it."""
    hits = round(parts * VALUES * share)
    return [(VALUES, max(0, min(VALUES, hits - number * VALUES))) for number in range(parts)]


def alike(chance: random.Random, parts: int, share: float) -> list[tuple[int, int]]:
    """Each part has a share of its own."""
    own = [chance.betavariate(0.5, 0.5 * (1 - share) / share) for _ in range(parts)]
    return [(VALUES, sum(chance.random() < one for _ in range(VALUES))) for one in own]


def growing(chance: random.Random, parts: int, share: float) -> list[tuple[int, int]]:
    """The share rises from part to part, and the parts differ in size."""
    sizes = [chance.randrange(VALUES // 10, VALUES) for _ in range(parts)]
    return [(n, sum(chance.random() < 2 * share * place / parts for _ in range(n))) for place, n in enumerate(sizes)]


@pytest.mark.parametrize("table", [mixed, in_order, alike, growing])
def test_the_interval_covers_the_truth(table: object) -> None:
    chance = random.Random(9)
    held = 0
    for number in range(SAMPLES):
        total, share = PARTS[number % len(PARTS)], SHARES[number % len(SHARES)]
        parts = table(chance, total, share)  # type: ignore[operator]  # one of the functions above
        truth = sum(hits for _, hits in parts) / sum(values for values, _ in parts)
        drawn = chance.sample(parts, max(1, round(total * chance.choice((0.05, 0.1, 0.3, 0.6)))))
        low, high = clustered_interval(drawn, total)
        held += low <= truth <= high
    assert held / SAMPLES >= 0.94


def test_parts_that_are_all_read_leave_no_doubt_and_mixed_ones_little() -> None:
    parts = mixed(random.Random(3), 40, 0.3)
    share = sum(hits for _, hits in parts) / (40 * VALUES)
    assert clustered_interval(parts, 40) == (share, share)
    low, high = clustered_interval(parts, 4000)
    naive = clopper_pearson(round(share * 40 * VALUES), 40 * VALUES)
    assert high - low < 2 * (naive[1] - naive[0])
    together = clustered_interval(in_order(random.Random(3), 40, 0.3), 4000)
    assert together[1] - together[0] > 5 * (high - low)
    assert clustered_interval([], 5) == (0.0, 1.0)


def test_the_widest_interval_is_that_of_a_class_that_was_found() -> None:
    parts: list[Part] = [{"a": (100, {"x": 50, "y": 0}), "b": (100, {})}, {"a": (100, {"x": 40}), "b": (100, {"y": 1})}]
    low, high = interval(parts, "b", "y", 10)
    assert widest(parts, 10) == max(high - low, widest([{"a": part["a"]} for part in parts], 10))
    assert widest([{"a": (100, {"x": 0})}], 10) == 0.0
