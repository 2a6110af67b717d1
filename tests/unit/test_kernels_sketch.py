"""Distinct sketches: what they count, that merging is exact, and that nothing can be read from them."""

import base64

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.kernels.sketch import EXACT_LIMIT, DistinctSketch, Hashing

_HASHING = Hashing(b"salt")


def _sketch(values: list[str], hashing: Hashing = _HASHING, step: int = 10_000) -> DistinctSketch:
    sketch = DistinctSketch()
    for start in range(0, len(values), step):
        series = pl.Series(values[start : start + step], dtype=pl.String).unique()
        sketch.add(series, hashing.registers_of(series), hashing)
    return sketch


def test_few_values_are_counted_exactly() -> None:
    assert _sketch([]).estimate() == (0, True)
    assert _sketch([f"v{i}" for i in range(EXACT_LIMIT)] * 3).estimate() == (EXACT_LIMIT, True)


def test_repeated_values_do_not_use_up_the_exact_places() -> None:
    series = pl.Series([f"v{i % 200}" for i in range(1_000)])
    sketch = DistinctSketch()
    sketch.add(series, _HASHING.registers_of(series), _HASHING)
    assert sketch.estimate() == (200, True)
    assert sketch.encode() == _sketch([f"v{i}" for i in range(200)]).encode()


@pytest.mark.parametrize("size", [257, 1_000, 20_000, 300_000])
def test_many_values_are_estimated_within_five_percent(size: int) -> None:
    estimate, exact = _sketch([f"value {i}" for i in range(size)]).estimate()
    assert not exact
    assert abs(estimate - size) <= 0.05 * size


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 700), max_size=700), st.integers(1, 300), st.integers(1, 300))
def test_the_state_depends_on_the_set_alone(numbers: list[int], step: int, other: int) -> None:
    values = [str(n) for n in numbers]
    assert _sketch(values, step=step).encode() == _sketch(values[::-1], step=other).encode()


@settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(0, 900), max_size=600), st.sets(st.integers(0, 900), max_size=600))
def test_merging_is_the_union(a: set[int], b: set[int]) -> None:
    one, two = _sketch([str(n) for n in a]), _sketch([str(n) for n in b])
    before = two.encode()
    one.merge(two)
    assert one.encode() == _sketch([str(n) for n in a | b]).encode()
    assert two.encode() == before


@pytest.mark.parametrize("size", [0, 3, 256, 257, 5_000])
def test_encoding_round_trips(size: int) -> None:
    text = _sketch([str(i) for i in range(size)]).encode()
    assert DistinctSketch.decode(text).encode() == text


@pytest.mark.parametrize("text", ["", "RQ==x", "eHh4", base64.b64encode(b"E123").decode()])
def test_text_that_is_no_sketch_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        DistinctSketch.decode(text)


def test_the_salt_changes_everything_kept() -> None:
    one, two = _sketch(["536-22-8145"]), _sketch(["536-22-8145"], Hashing(b"another"))
    assert one.encode() != two.encode()
    assert b"536" not in base64.b64decode(one.encode())
