"""Which of many words a text holds, without a search for each."""

from collections.abc import Iterable
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

_COMMON: Final = "xqzjkvwbypgfmculdhrsnioate"  # letters, the rarest first; others are rarer still
_LONG: Final = 1_000  # characters from which on a table of a text's trigrams is worth its making
_BITS: Final = 16
_PIECE: Final = 1 << 16


class Words:
    """Some words, to be looked for together. Threads may share it.

    A short text lacks some letters, and is not searched for the words that have them. A long one lacks most trigrams:
    it is searched for the words of which it has all trigrams.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted(words)
        self._by_char: dict[str, list[str]] = {}
        for word in self._words:
            self._by_char.setdefault(min(word, key=_COMMON.find), []).append(word)
        trigrams = [_trigrams(word) for word in self._words]
        widest = max(map(len, trigrams), default=0)
        # The place behind the table's last is always set: it fills the rows of short words.
        self._table = np.full((len(self._words), max(1, widest)), 1 << _BITS, np.int64)
        for row, found in zip(self._table, trigrams, strict=True):
            row[: len(found)] = found

    def held_in(self, low: str) -> Iterable[str]:
        """The words that stand anywhere in a text of lower case, also as parts of others."""
        if len(low) < _LONG:
            likely = [word for char, words in self._by_char.items() if char in low for word in words]
        else:
            seen = np.zeros((1 << _BITS) + 1, np.bool_)
            seen[-1] = True
            for start in range(0, len(low), _PIECE):  # a text of a hundred megabytes takes no more than its piece
                seen[_trigrams(low[start : start + _PIECE + 2])] = True
            likely = [self._words[row] for row in np.flatnonzero(seen[self._table].all(1))]
        return compress(likely, map(low.__contains__, likely))


def _trigrams(text: str) -> npt.NDArray[np.int64]:
    """A number of each three bytes that follow each other; different ones may have the same."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64)
    return ((data[:-2] << 10) ^ (data[1:-1] << 5) ^ data[2:]) & ((1 << _BITS) - 1)
