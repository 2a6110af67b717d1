"""Whatever way rows are cut into batches and partitions, the evidence is the same."""

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest
from detection_columns import report_of
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.errors import Internal
from cluster.kernels.merge import fold, merge
from cluster.kernels.report import AssetEvidence, PartitionReport

_ROWS = 900


def _table() -> pa.RecordBatch:
    r = random.Random(11)
    words = ["north", "Blue", "x-1", "", "  ", None, "ä", "call 415-555-2671 now", "536-22-8145", "a@b.org"]
    return pa.record_batch(
        {
            "id": pa.array(range(_ROWS)),
            "card": pa.array([str(4_000_000_000_000_000 + r.randrange(10**12)) for _ in range(_ROWS)]),
            "text": pa.array([r.choice(words) for _ in range(_ROWS)]),
            "mail": pa.array([f"user{r.randrange(500)}@example.org" for _ in range(_ROWS)]),
            "number": pa.array(
                [r.choice([None, float("nan"), float("inf"), 0.0, -0.0, r.gauss(0, 100)]) for _ in range(_ROWS)]
            ),
            "day": pa.array([date(1950, 1, 1) + timedelta(days=r.randrange(20_000)) for _ in range(_ROWS)]),
            "at": pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(_ROWS)]),
            "flag": pa.array([r.choice([True, False, None]) for _ in range(_ROWS)]),
            "raw": pa.array([r.choice([b"a@b.org", b"\xff\xfe", None]) for _ in range(_ROWS)]),
            "nested": pa.array([{"m": r.choice(["a@b.org", "no"])} for _ in range(_ROWS)]),
            "shapes": pa.array(["".join(r.choices("aA1-./", k=r.randrange(1, 9))) for _ in range(_ROWS)]),
        }
    )


_TABLE = _table()


def _content(evidence: AssetEvidence) -> AssetEvidence:
    # Traits are sums over a sample of each partition: they alone depend on where the partitions are cut.
    columns = tuple(column.model_copy(update={"traits": None}) for column in evidence.columns)
    return evidence.model_copy(update={"partitions": 0, "partitions_read": 0, "columns": columns})


def _timeless(report: PartitionReport) -> PartitionReport:
    return report.model_copy(update={"detector_seconds": {}, "partition": 0, "fingerprint": ""})


_WHOLE = _content(fold([report_of(_TABLE)], 1, 0))


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, _ROWS), max_size=5), st.lists(st.integers(0, _ROWS), max_size=3), st.randoms())
def test_fold_of_partitions_is_the_whole(cuts: list[int], batch_cuts: list[int], order: random.Random) -> None:
    reports = []
    for number, part in enumerate(_cut(_TABLE, cuts)):
        reports.append(report_of(*_cut(part, batch_cuts), number=number))
    order.shuffle(reports)
    assert _content(fold(reports, len(reports), 0)) == _WHOLE


def _cut(table: pa.RecordBatch, cuts: list[int]) -> list[pa.RecordBatch]:
    ends = sorted({0, table.num_rows, *(c for c in cuts if c < table.num_rows)})
    return [table.slice(a, b - a) for a, b in pairwise(ends)] or [table]


def test_merge_is_associative_and_commutative() -> None:
    a, b, c = (report_of(part, number=n) for n, part in enumerate(_cut(_TABLE, [200, 500])))
    assert _timeless(merge(merge(a, b), c)) == _timeless(merge(a, merge(b, c)))
    assert _timeless(merge(a, b)) == _timeless(merge(b, a))


def test_a_detector_that_matched_in_one_part_has_scanned_both() -> None:
    one = report_of(pa.record_batch({"c": ["plain"] * 40}), number=0)
    two = report_of(pa.record_batch({"c": ["a@b.org", "plain", None]}), number=1)
    (column,) = fold([one, two], 2, 0).columns
    (item,) = column.classes
    assert (item.scanned, item.validated, item.prevalence) == (42, 1, 1 / 42)


def test_a_missing_partition_makes_a_sample_with_an_interval() -> None:
    report = report_of(pa.record_batch({"c": ["a@b.org"] * 5 + ["plain"] * 95}))
    census, sample = fold([report], 1, 0), fold([report], 4, 0)
    assert census.method == "census"
    assert sample.method == "sample"
    item = census.columns[0].classes[0]
    assert (item.low, item.high, item.missed_at_most) == (0.05, 0.05, 0)
    item = sample.columns[0].classes[0]
    assert item.low < 0.001  # one part says next to nothing of the other three
    assert item.high > 0.9
    assert item.missed_at_most > 270
    assert fold([report], 2, 1).method == "sample"


def test_types_that_differ_become_text() -> None:
    one = report_of(pa.record_batch({"c": pa.array([1, 2])}), number=0)
    two = report_of(pa.record_batch({"c": pa.array(["x"])}), number=1)
    three = report_of(pa.record_batch({"c": pa.nulls(4)}), number=2)
    assert fold([one, two], 2, 0).columns[0].type == "string"
    assert fold([one, three], 2, 0).columns[0].type == "integer"


def test_columns_that_one_part_lacks_are_kept() -> None:
    one = report_of(pa.record_batch({"a": [1]}), number=0)
    two = report_of(pa.record_batch({"b": [1]}), number=1)
    assert {c.column for c in fold([one, two], 2, 0).columns} == {"a", "b"}


def test_reports_of_different_rules_are_refused() -> None:
    report = report_of(pa.record_batch({"a": [1]}))
    with pytest.raises(Internal):
        merge(report, report.model_copy(update={"rules_digest": "other"}))
    with pytest.raises(Internal):
        fold([], 1, 1)


def test_an_empty_partition_names_its_columns() -> None:
    report = report_of(pa.record_batch({"a": pa.array([], type=pa.int64())}))
    assert [(c.name, c.type, c.rows) for c in report.columns] == [("a", "integer", 0)]
    assert fold([report_of()], 1, 0).columns == ()
