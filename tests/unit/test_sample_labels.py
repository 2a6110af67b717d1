"""From a sample scan to a label: the interval that it states holds the truth, and a census misses nothing.

The way is the real one: partitions drawn as a scan draws them, scanned by the kernels, folded and judged. `make test`
takes 500 samples, LONG_TESTS=1 ten times as many.
"""

import os
import random

import pyarrow as pa

from actors.classification.machine import machine_labels
from actors.classification.observing import Observed
from actors.scans.contract import Sampling
from actors.scans.evidence import packed, unpacked
from actors.scans.planner import first_states
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels.merge import fold
from cluster.kernels.report import PartitionReport
from tests.unit.detection_columns import report_of, rules

SAMPLES = 5_000 if os.environ.get("LONG_TESTS") else 500
VALUES = 50
SHARES = (0.02, 0.1, 0.4, 0.8)
ONE_IN = 1_000_000


def mixed(chance: random.Random, parts: int, share: float) -> list[int]:
    return [sum(chance.random() < share for _ in range(VALUES)) for _ in range(parts)]


def in_order(chance: random.Random, parts: int, share: float) -> list[int]:
    hits = round(parts * VALUES * share)
    return [max(0, min(VALUES, hits - number * VALUES)) for number in range(parts)]


def alike(chance: random.Random, parts: int, share: float) -> list[int]:
    own = [chance.betavariate(0.5, 0.5 * (1 - share) / share) for _ in range(parts)]
    return [sum(chance.random() < one for _ in range(VALUES)) for one in own]


class Table:
    """A column whose partitions hold so many e-mail addresses each, with the report of every partition."""

    def __init__(self, hits: list[int]) -> None:
        self.truth = sum(hits) / (VALUES * len(hits))
        self.reports = [self._report(number, count) for number, count in enumerate(hits)]
        self.keys = [f"{number:064}" for number in range(len(hits))]

    @staticmethod
    def _report(number: int, hits: int) -> PartitionReport:
        mails = [f"p{number}x{n}@example.org" for n in range(hits)]
        values = mails + [f"note {number} {n}" for n in range(VALUES - hits)]
        return unpacked(packed(report_of(pa.record_batch({"remark": pa.array(values)}), number=number)))

    def sampled(self, share: float, seed: int) -> "dict[str, tuple[float, float]]":
        """By class the interval that the label of a sample states."""
        states = first_states("a" * 32, self.keys, (), Sampling(method="fraction", share=share, seed=seed))
        drawn = [report for report, state in zip(self.reports, states, strict=True) if state == "pending"]
        found = fold(drawn, len(self.reports), 0, len(drawn))
        assert found.method == ("census" if len(drawn) == len(self.reports) else "sample")
        observed = [Observed(column, found.method == "census", frozenset()) for column in found.columns]
        labels = machine_labels("public.notes", observed, {}, load_taxonomy().value, rules())["remark"]
        return {name: (label.low, label.high) for name, label in labels.items() if label.low is not None}  # type: ignore[misc]


def test_the_interval_of_a_label_covers_the_truth() -> None:
    chance = random.Random(11)
    tables = {
        kind: [Table(kind(chance, parts, share)) for parts in (10, 24) for share in SHARES]
        for kind in (mixed, in_order, alike)
    }
    held = dict.fromkeys(tables, 0)
    for kind, some in tables.items():
        seed = stated = 0
        while stated < SAMPLES // len(tables) + 1:
            seed += 1
            table = some[seed % len(some)]
            found = table.sampled(chance.choice((0.1, 0.3, 0.6)), seed).get("contact.email")
            if found is not None:  # a sample that found nothing states nothing
                stated += 1
                held[kind] += found[0] <= table.truth <= found[1]
        print(f"{kind.__name__}: {held[kind]} of {stated}")
        assert held[kind] / stated >= 0.9
    assert sum(held.values()) / (3 * (SAMPLES // 3 + 1)) >= 0.94


def test_one_planted_value_of_a_million_is_found_by_a_census() -> None:
    chance = random.Random(4)
    place = chance.randrange(ONE_IN)
    size = ONE_IN // 8
    reports = []
    for number in range(8):
        values = [f"ticket {n % 997} closed" for n in range(size)]
        if place // size == number:
            values[place % size] = "call about 536-22-8714 again"
        reports.append(report_of(pa.record_batch({"note": pa.array(values)}), number=number))
    chance.shuffle(reports)
    found = fold(reports, 8, 0, 8)
    observed = [Observed(column, True, frozenset({"government.us_ssn"})) for column in found.columns]
    (label,) = machine_labels("support.events", observed, {}, load_taxonomy().value, rules())["note"].values()
    assert (label.data_class, label.matched, label.scanned) == ("government.us_ssn", 1, ONE_IN)
    assert (label.low, label.high, label.method, label.whole_column) == (1 / ONE_IN, 1 / ONE_IN, "census", False)
