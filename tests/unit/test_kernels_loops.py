"""The compiled loops give what a few lines of Python give, one text at a time."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.detectors.joined import joined_bytes
from cluster.kernels.loops import blank, different
from cluster.kernels.sketch import Hashing

TEXTS = st.lists(st.text(st.sampled_from("ab \t\né\x00"), max_size=4), max_size=60)


def _different(texts: list[str], weights: list[int], hashes: list[int]) -> list[tuple[str, int]]:
    firsts, counts = np.empty(len(texts), dtype=np.int64), np.empty(len(texts), dtype=np.int64)
    slots = np.full(128, -1, dtype=np.int32)
    joined = joined_bytes(pl.Series(texts, dtype=pl.String))
    found = different(*joined, np.array(hashes, np.uint64), np.array(weights, np.int64), slots, firsts, counts)
    return [(texts[first], count) for first, count in zip(firsts[:found], counts[:found].tolist(), strict=True)]


@settings(deadline=None)
@given(st.data(), TEXTS)
def test_texts_are_told_apart_even_where_their_hashes_are_equal(data: st.DataObject, texts: list[str]) -> None:
    weights = data.draw(st.lists(st.integers(0, 9), min_size=len(texts), max_size=len(texts)))
    expected: dict[str, int] = {}
    for text, weight in zip(texts, weights, strict=True):
        expected[text] = expected.get(text, 0) + weight
    by_hash = Hashing(b"s").registers_of(pl.Series(texts, dtype=pl.String)).tolist()
    for hashes in (by_hash, [len(text) for text in texts], [2**64 - 1] * len(texts)):
        assert _different(texts, weights, hashes) == list(expected.items())


@settings(deadline=None)
@given(TEXTS)
def test_blank_texts_are_found(texts: list[str]) -> None:
    flags = np.empty(len(texts), dtype=np.bool_)
    found = blank(*joined_bytes(pl.Series(texts, dtype=pl.String)), flags)
    assert flags.tolist() == [not text.strip(" \t\r\n\x00") for text in texts]
    assert found == flags.sum()
