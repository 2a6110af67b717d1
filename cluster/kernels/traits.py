"""Traits of a column: what its values look like, as sums that merge, so that a model can judge it without a value.

Of each partition the 128 distinct values with the smallest keyed hash count, a random sample that depends on the set of
values alone. Their figures (`trait_figures`) are summed. Sums merge by addition, in any order and grouping, and are the
same for any division of a partition into batches, though not for another cut into partitions. N-grams and characters by
position are left out of a partition with fewer than 8 distinct values, so that no value can be read from them.
"""

import base64
import zlib
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from cluster.kernels.lexicon import Lexicon, load_lexicon
from cluster.kernels.sketch import Hashes
from cluster.kernels.trait_figures import SPELLING, Figures, figures_of, names_of
from cluster.kernels.value_sample import ValueSample

SAMPLE: Final = 128
FEWEST: Final = 8
VERSION: Final = "1"  # of the figures; raised with each change of what one of them counts
_SPELLED: Final = 1  # the figure that tells how many values contributed to the spelling
_CUT: Final = 512


class TraitSample:
    """Collects the values of a column of one partition that count. Holds at most `SAMPLE` of them at a time."""

    def __init__(self) -> None:
        self._sample = ValueSample(SAMPLE, _short)

    def add(self, values: pl.Series, hashes: Hashes) -> None:
        """Takes distinct values of a batch, with their hashes in order."""
        self._sample.add(values, hashes)

    def encode(self, lexicon: Lexicon | None = None) -> str | None:
        """The sums as text, see `decode`; None if there was no value."""
        texts = [text for _, text in self._sample.drawn() if text and not text.isspace()]
        if not texts:
            return None
        figures = figures_of(texts, lexicon or load_lexicon())
        if len(texts) < FEWEST:
            figures[-SPELLING:] = 0
            figures[_SPELLED] = 0
        return encode(figures)


def _short(text: str) -> str:
    return text[:_CUT]


def encode(figures: Figures) -> str:
    """Sums as text: the version, and base64 of packed whole numbers of 32 bits."""
    packed = zlib.compress(np.minimum(figures, 2**32 - 1).astype("<u4").tobytes(), 6)
    return f"{VERSION}:{base64.b64encode(packed).decode('ascii')}"


def decode(text: str | None) -> Figures | None:
    """The sums by `trait_names()`; None where there are none, or those of another version of the figures."""
    version, _, packed = (text or "").partition(":")
    if version != VERSION:
        return None
    return np.frombuffer(zlib.decompress(base64.b64decode(packed)), "<u4").astype(np.int64)


def merge_traits(a: str | None, b: str | None) -> str | None:
    """The traits of both parts together. A part without any adds nothing, and of two versions the newer one counts."""
    if a is None or b is None:
        return a or b
    told, other = a.partition(":")[0], b.partition(":")[0]
    if told != other:
        return max(a, b, key=lambda text: int(text.partition(":")[0]))
    first, second = decode(a), decode(b)
    if first is None or second is None:
        return max(a, b)
    return encode(first + second)


@cache
def trait_names() -> tuple[str, ...]:
    """What the sums are sums of, in their order."""
    return names_of(load_lexicon().kinds)


def shares(figures: Figures) -> npt.NDArray[np.float32]:
    """The sums as means a value, spelling by those that contributed to it; NaN where nothing did."""
    means = np.full(len(figures), np.nan, np.float32)
    means[:-SPELLING] = figures[:-SPELLING] / max(int(figures[0]), 1)
    if figures[_SPELLED]:
        means[-SPELLING:] = figures[-SPELLING:] / figures[_SPELLED]
    means[0] = min(int(figures[0]), SAMPLE)
    return means
