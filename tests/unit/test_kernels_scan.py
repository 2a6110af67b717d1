"""What a report says of columns of every type, and what it must not say."""

import decimal
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from detection_columns import evidence_of, report_of, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.detectors.compile import RuleSetSpec, compile
from cluster.detectors.joined import joined_bytes
from cluster.kernels.profile import outward
from cluster.kernels.report import ColumnEvidence
from cluster.kernels.shape_book import ShapeBook
from cluster.kernels.shapes import KEPT
from cluster.kernels.sketch import Hashing


def _column(array: pa.Array | list[object]) -> ColumnEvidence:
    return evidence_of({"c": array}).columns[0]


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array(["a", None]), "string"),
        (pa.array(["a", None], type=pa.string_view()), "string"),
        (pa.array(["a", None]).dictionary_encode(), "string"),
        (pa.array([1, None]).dictionary_encode(), "integer"),
        (pa.array([1, None], type=pa.uint64()), "integer"),
        (pa.array([2**64 - 1, None], type=pa.uint64()), "integer"),
        (pa.array([1.5, None], type=pa.float16()), "number"),
        (pa.array([decimal.Decimal("1.5"), None]), "number"),
        (pa.array([decimal.Decimal(10) ** 50, None], type=pa.decimal256(60)), "number"),
        (pa.array([True, None]), "boolean"),
        (pa.array([date(2024, 1, 1), None], type=pa.date64()), "date"),
        (pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], type=pa.timestamp("ns", "UTC")), "timestamp"),
        (pa.array([1, None], type=pa.time32("s")), "time"),
        (pa.array([1, None], type=pa.duration("s")), "time"),
        (pa.array([b"x", None]), "binary"),
        (pa.array([b"xy", None], type=pa.binary(2)), "binary"),
        (pa.array([[1], None]), "nested"),
        (pa.array([{"a": date(2024, 1, 1)}, None]), "nested"),
        (pa.array([[("k", 1)], None], type=pa.map_(pa.string(), pa.int64())), "nested"),
        (pa.nulls(2), "unknown"),
    ],
)  # fmt: skip
def test_every_type_is_counted(array: pa.Array, kind: str) -> None:
    column = _column(array)
    assert column.type == kind
    assert (column.profile.rows, column.profile.nulls) == (2, array.null_count)
    assert column.profile.distinct == 2 - array.null_count


def test_blank_and_nan_are_empties() -> None:
    assert _column(["", " \t", "x", None]).profile.empties == 2
    assert _column([float("nan"), 1.0]).profile.empties == 1


def test_bytes_that_are_no_text_are_unreadable() -> None:
    column = _column([b"\xff\xfe", b"ada@example.org", None])
    assert column.profile.unreadable == 1
    assert column.classes[0].scanned == 1


def test_a_huge_value_is_looked_at_in_its_head_only() -> None:
    using = compile(RuleSetSpec(text_limit=1000))
    text = "ada@example.org " + "x" * 5_000_000 + " bob@example.org"
    report = report_of(pa.record_batch({"c": [text, "y" * 2000 + " ada@example.org"]}), using=using)
    (column,) = report.columns
    assert column.detectors["contact.email"].validated == 1
    assert column.lengths == {"min": 1000, "max": 1000, "total": 2000, "truncated": 2}


def test_numbers_are_blurred_outward() -> None:
    profile = _column([12345, 67891]).profile
    assert profile.min is not None
    assert profile.max is not None
    assert float(profile.min) <= 12345
    assert float(profile.max) >= 67891
    assert "12345" not in profile.model_dump_json()
    assert outward(12345, up=True) == 13000
    assert outward(-12345, up=True) == -12000
    assert outward(0.00123, up=False) == 0.0012
    assert outward(0, up=True) == 0


def test_times_keep_year_and_month() -> None:
    profile = _column([date(1984, 7, 5), date(2001, 2, 3)]).profile
    assert (profile.min, profile.max) == ("1984-07", "2001-02")
    assert profile.quantiles["0.01"] == 198407


def test_quantiles_are_right_within_their_digits() -> None:
    quantiles = _column([float(i) for i in range(1, 1001)]).profile.quantiles
    assert quantiles["0.5"] == pytest.approx(500, rel=0.05)
    assert quantiles["0.99"] == pytest.approx(990, rel=0.05)


def test_shapes_show_the_form() -> None:
    shapes = dict(_column(["536-22-8145", "078-05-1121", "Lovelace", "Ada Byron"]).profile.shapes)
    assert shapes == {"ddd-dd-dddd": 2, "Aaaaa": 1, "Aaa Aaaaa": 1}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=80))
def test_a_shape_holds_no_digit_or_letter_of_the_value(values: list[str]) -> None:
    book = ShapeBook(Hashing(b""))
    book.add(*joined_bytes(pl.Series(values, dtype=pl.String)), np.ones(len(values), dtype=np.int64))
    shapes = book.kept()
    assert len(shapes) <= KEPT
    assert not {c for shape in shapes for c in shape if c.isalnum()} - set("aAd")


def test_no_value_is_in_a_report() -> None:
    values = {
        "s": ["536-22-8145"] * 3,
        "n": [536228145] * 3,
        "t": ["write ada.lovelace@example.org"] * 3,
        "j": [{"k": "zebra"}] * 3,
    }
    arrays = {name: pa.array(v) for name, v in values.items()}
    text = report_of(pa.record_batch(arrays)).model_dump_json()
    for planted in ("536-22-8145", "536228145", "lovelace", "example.org", "zebra"):
        assert planted not in text


def test_embedded_matches_are_not_whole() -> None:
    (item,) = _column(["write to ada@example.org", "ada@example.org", "nothing"]).classes
    assert (item.matched, item.whole, item.validated) == (2, 1, 2)
    assert len(item.examples) == 2


def test_order_of_detectors_does_not_change_a_report() -> None:
    values = [
        "ada@example.org",
        "536-22-8145",
        "2024-01-01",
        "x 4111111111111111",
        "123e4567-e89b-12d3-a456-426614174000",
    ]
    batch = pa.record_batch({"c": values * 5, "phone": ["4155552671"] * 25})
    backwards = compile(rules().spec, order=reversed(rules().order))
    assert backwards.order != rules().order
    assert backwards.digest == rules().digest
    one, two = report_of(batch), report_of(batch, using=backwards)
    assert one.columns == two.columns


def test_a_claimed_value_is_no_evidence_for_others() -> None:
    values = ["4111111111111111@example.org", "00000000-0000-4111-1111-111111111111"]
    assert {c.detector for c in _column(values).classes} == {"contact.email"}


def test_equal_column_names_do_not_stop_a_scan() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array(["a"])], names=["c", "c"])
    assert [c.name for c in report_of(batch).columns] == ["c"]
