"""Whether a text reads as the name of a person, by the words of many languages that `cluster.kernels.lexicon` knows."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Masks = npt.NDArray[np.uint64]

_SPLIT: Final = re.compile(r"[\s,.\-'’]+")
_TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "herr",
        "frau",
        "mme",
        "sr",
        "sra",
        "dott",
        "ing",
        "jr",
        "phd",
        "md",
    ]
)
_PARTICLES: Final = frozenset(
    ["de", "da", "di", "del", "der", "den", "van", "von", "la", "le", "el", "al", "bin", "y", "e"]
)
_JOINS: Final = re.compile(r"[&+/@_]|\b(?:and|und|et|och|og|ja|ve|i|en)\b")
_LONGEST: Final = 120
_MOST_WORDS: Final = 6


def person_names(values: pl.Series) -> npt.NDArray[np.bool_]:
    """Which texts hold a given name beside another name, or an initial beside a family name, and no word of firms."""
    words = [_words(text) for text in values.to_list()]
    known = _masks_of(sorted({word for some in words for word in some}))
    return np.fromiter((_reads_as_name(some, known) for some in words), np.bool_, len(words))


def person_name(text: str) -> bool:
    """The same of one text."""
    return bool(person_names(pl.Series([text]))[0])


def words_of(kind: str) -> Callable[[pl.Series], npt.NDArray[np.bool_]]:
    """The check of whether a text, or one of its words, is a word of the kind. Raises ValueError for no such kind."""
    from cluster.kernels.lexicon import load_lexicon

    bit = 1 << load_lexicon().kinds.index(kind)

    def hold(values: pl.Series) -> npt.NDArray[np.bool_]:
        texts = [value.strip().lower()[:_LONGEST] for value in values.to_list()]
        parts = [{text, *_SPLIT.split(text)} for text in texts]
        known = _masks_of(sorted({part for some in parts for part in some if part}))
        return np.fromiter((any(known.get(part, 0) & bit for part in some) for some in parts), np.bool_, len(parts))

    return hold


def _words(text: str) -> list[str]:
    lower = text.lower()
    apart = " " in text or "," in text
    if len(text) > _LONGEST or not apart or any(char.isdigit() for char in text) or _JOINS.search(lower):
        return []
    words = [word for word in _SPLIT.split(lower) if word]
    return [word for word in words if word not in _TITLES and word not in _PARTICLES]


def _reads_as_name(words: Sequence[str], known: dict[str, int]) -> bool:
    if not 2 <= len(words) <= _MOST_WORDS:
        return False
    given, family, other = _kinds()
    masks = [known[word] if len(word) > 1 else 0 for word in words]
    if any(mask & other and not mask & (given | family) for mask in masks):
        return False
    names = [mask for mask in masks if mask & (given | family)]
    initials = sum(len(word) == 1 for word in words)
    # A word that no list has may be a family name, those are without end, where a given name comes first.
    beside = len(names) + (masks.count(0) if masks[0] & given else 0)
    whole = beside >= 2 and any(mask & given for mask in names)
    return whole or bool(initials and any(mask & family for mask in names))


def _masks_of(words: list[str]) -> dict[str, int]:
    from cluster.kernels.lexicon import load_lexicon

    return dict(zip(words, load_lexicon().masks_of(words).tolist(), strict=True)) if words else {}


@cache
def _kinds() -> tuple[int, int, int]:
    """The bits of given names, of family names, and of words that names of firms, places and things hold."""
    from cluster.kernels.lexicon import load_lexicon

    kinds = load_lexicon().kinds
    bit = {kind: 1 << place for place, kind in enumerate(kinds)}
    others = ("company_word", "institution_word", "street_word", "thing", "category", "colour", "county_word", "word")
    return bit["given"], bit["family"], sum(bit[kind] for kind in others)
