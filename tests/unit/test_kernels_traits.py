"""Traits of a column: sums that merge in any order and grouping, and from which no value can be read."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from cluster.kernels.lexicon import Lexicon, load_lexicon
from cluster.kernels.merge import merge, merge_columns
from cluster.kernels.report import ColumnReport
from cluster.kernels.sketch import Hashing
from cluster.kernels.trait_figures import SPELLING, figures_of, names_of
from cluster.kernels.traits import FEWEST, SAMPLE, TraitSample, decode, encode, merge_traits, shares, trait_names
from tests.unit.detection_columns import evidence_of, report_of

HASHING = Hashing(b"salt")
LEXICON = Lexicon.of({"given": ["ada", "grace"], "city": ["paris", "new york"]})
SUMS = st.lists(st.text(max_size=12), max_size=20).map(
    lambda texts: encode(figures_of([t for t in texts if t.strip()], LEXICON)) if any(map(str.strip, texts)) else None
)


def sampled(*batches: list[str]) -> str | None:
    sample = TraitSample()
    for batch in batches:
        values = pl.Series(batch, dtype=pl.String)
        sample.add(values, HASHING.registers_of(values))
    return sample.encode(LEXICON)


@given(SUMS, SUMS, SUMS)
@limits(deadline=None, max_examples=60)
def test_merging_is_associative_and_commutative(a: str | None, b: str | None, c: str | None) -> None:
    assert merge_traits(a, b) == merge_traits(b, a)
    assert merge_traits(merge_traits(a, b), c) == merge_traits(a, merge_traits(b, c))
    assert merge_traits(a, None) == a


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, min_size=1, max_size=400), st.integers(0, 400))
@limits(deadline=None, max_examples=40)
def test_the_sample_is_the_same_however_values_are_cut_and_ordered(values: list[str], cut: int) -> None:
    whole = sampled(values)
    assert sampled(values[:cut], values[cut:]) == whole
    assert sampled(values[::-1]) == whole
    assert sampled(values, values[:cut]) == whole  # a value that comes again counts once


def test_no_more_than_the_sample_counts() -> None:
    figures = decode(sampled([f"value {n}" for n in range(5_000)]))
    assert figures is not None
    assert figures[0] == SAMPLE


def test_every_figure_has_a_name_and_adds_up() -> None:
    some, others = ["Ada Lovelace", "12.50"], ["new york", "a@b.org", "Ελλάδα"]
    lexicon = load_lexicon()
    assert len(figures_of(some, lexicon)) == len(trait_names())
    assert (figures_of(some, lexicon) + figures_of(others, lexicon) == figures_of([*some, *others], lexicon)).all()


def test_what_could_spell_a_value_is_left_out_of_few_values() -> None:
    few = decode(sampled([f"Secret{n}" for n in range(FEWEST - 1)]))
    more = decode(sampled([f"Secret{n}" for n in range(FEWEST)]))
    assert few is not None
    assert more is not None
    assert not few[-SPELLING:].any()
    assert more[-SPELLING:].any()
    assert np.isnan(shares(few)[-SPELLING:]).all()
    assert not np.isnan(shares(more)).any()


def test_words_are_found_whole_at_the_ends_and_within() -> None:
    figures = figures_of(["Ada", "Grace Hopper of Paris", "New  York"], LEXICON)
    told = dict(zip(names_of(LEXICON.kinds), figures.tolist(), strict=True))
    assert (told["is_given"], told["begins_given"], told["ends_city"], told["is_city"]) == (1, 2, 1, 1)


def test_words_that_nobody_listed_are_not_found() -> None:
    assert LEXICON.masks_of(["ada", "paris", "zzyzx"]).tolist() == [1, 2, 0]
    assert not LEXICON.without(1.0, seed=1).masks_of(["ada", "paris"]).any()


@pytest.mark.parametrize("array", [pa.array([3, 17, 99]), pa.array([3.0, 17.0, 99.0]), pa.array(["3", "17", "99"])])
def test_numbers_have_the_traits_of_their_digits(array: pa.Array) -> None:
    told = decode(evidence_of({"n": array}).columns[0].traits)
    assert told is not None
    assert dict(zip(trait_names(), told.tolist(), strict=True))["share_digit"] == 3 * 255


def test_dates_have_none_and_an_older_report_counts_without_them() -> None:
    report = report_of(pa.record_batch({"d": pa.array(["2020-01-01"]).cast(pa.date32()), "t": pa.array(["x y"])}))
    dates, texts = report.columns
    assert dates.traits is None
    assert texts.traits is not None
    older = ColumnReport.model_validate(texts.model_dump(exclude={"traits"}))
    assert merge_columns(older, texts).traits == texts.traits


def test_reports_of_two_partitions_carry_the_sum() -> None:
    a = report_of(pa.record_batch({"c": pa.array(["red", "green"])}))
    b = report_of(pa.record_batch({"c": pa.array(["blue"])}), number=1)
    told = decode(merge(a, b).columns[0].traits)
    assert told is not None
    assert told[0] == 3


def test_traits_of_another_version_are_none_and_the_newer_ones_stay() -> None:
    ours = sampled(["a"])
    assert ours is not None
    newer = f"9:{ours.partition(':')[2]}"
    assert decode(newer) is None
    assert merge_traits(ours, newer) == merge_traits(newer, ours) == newer
