"""Words of many languages by what they are of (given names, towns, medications, ...), as hashes.

`configs/words/words.npz`, made by `python -m serve.jobs.collect_words`: sorted 32-bit hashes, and for each a bit of
every kind that holds the word. A word is in small letters. Among a hundred thousand words, one look-up in 40,000 is a
collision, which sums over columns bear.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]
Masks = npt.NDArray[np.uint64]
MOST_KINDS = 64


class Lexicon:
    """Look-up of words. Threads may share it."""

    def __init__(self, kinds: Sequence[str], hashes: Hashes, masks: Masks) -> None:
        self.kinds = tuple(kinds)
        self._hashes, self._masks = hashes, masks

    @classmethod
    def of(cls, words: Mapping[str, Iterable[str]]) -> "Lexicon":
        """From the words of each kind. Raises ValueError for more than `MOST_KINDS` kinds."""
        if len(words) > MOST_KINDS:
            raise ValueError("too many kinds of words")
        known: dict[int, int] = {}
        for place, kind in enumerate(words):
            for word in words[kind]:
                key = hash_of(word.lower())
                known[key] = known.get(key, 0) | 1 << place
        keys = sorted(known)
        return cls(tuple(words), np.array(keys, np.uint32), np.array([known[key] for key in keys], np.uint64))

    def masks_of(self, words: Sequence[str]) -> Masks:
        """For each word, in small letters, the bits of its kinds; 0 if none holds it."""
        wanted = np.fromiter((hash_of(word) for word in words), np.uint32, len(words))
        if not len(self._hashes):
            return np.zeros(len(words), np.uint64)
        places = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        return np.where(self._hashes[places] == wanted, self._masks[places], np.uint64(0))

    def without(self, share: float, seed: int) -> "Lexicon":
        """The same without a share of the words, drawn by the seed: what a model sees of words that nobody listed."""
        kept = np.random.default_rng(seed).random(len(self._hashes)) >= share
        return Lexicon(self.kinds, self._hashes[kept], self._masks[kept])

    def save(self, path: str) -> None:
        """Writes the file that `load_lexicon` reads."""
        np.savez_compressed(path, kinds=np.array(self.kinds), hashes=self._hashes, masks=self._masks)


def hash_of(word: str) -> int:
    """CRC-32 of the word in UTF-8."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


@cache
def load_lexicon() -> Lexicon:
    """The shipped words."""
    with as_file(files("configs").joinpath("words", "words.npz")) as path, np.load(path) as told:
        return Lexicon([str(kind) for kind in told["kinds"]], told["hashes"], told["masks"])
