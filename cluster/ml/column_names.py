"""How near the name of a column is in meaning to names of known columns: of each class, and of things of no class.

The known names are those of `configs/training/columns` and the wordings of `configs/meanings.yaml`, as vectors of the
embedder that made them. A name that another embedder makes a vector of cannot be compared: it counts as unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.ml.embedding import Embedder
from cluster.ml.wordings import load_meanings, phrase_of, singular, words_of

Nearness = NDArray[np.float32]
NAMES_FILE = "names.npz"
NONE = "none"  # what is of no class
CHECKED = "checked"  # what tier 1 tells by checks and telling forms
SCALE = 127.0  # vectors of length one are kept as whole numbers of 8 bits


@dataclass(frozen=True)
class KnownNames:
    """Vectors [names, dimensions] of known names, the class that each is of, and who made the vectors."""

    classes: tuple[str, ...]
    owners: NDArray[np.int16]
    vectors: NDArray[np.int8]
    digest: str

    @classmethod
    def of(cls, names: dict[str, Sequence[str]], embedder: Embedder) -> "KnownNames":
        """From the names of each class in its order; the first is what is of no class."""
        meanings = load_meanings().value
        phrases = [phrase_of(name, meanings) for texts in names.values() for name in texts]
        owners = [place for place, texts in enumerate(names.values()) for _ in texts]
        vectors = np.round(embedder.embed(phrases) * SCALE).astype(np.int8)
        return cls(tuple(names), np.array(owners, np.int16), vectors, embedder.digest)

    def save(self, folder: Path) -> None:
        """Writes `names.npz`, the same bytes for the same names."""
        np.savez_compressed(
            folder / NAMES_FILE, classes=np.array(self.classes), owners=self.owners, vectors=self.vectors,
            digest=np.array(self.digest),
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> "KnownNames":
        """What `save` wrote."""
        with np.load(folder / NAMES_FILE) as told:
            classes = tuple(str(name) for name in told["classes"])
            return cls(classes, told["owners"], told["vectors"], str(told["digest"]))

    def nearness(self, names: Sequence[str], embedder: Embedder | None) -> Nearness:
        """[names, classes]: cosine of the nearest known name of each class; NaN for a name that says nothing."""
        found = np.full((len(names), len(self.classes)), np.nan, np.float32)
        if embedder is None or embedder.digest != self.digest:
            return found
        spoken = [place for place, name in enumerate(names) if says_something(name)]
        if not spoken:
            return found
        meanings = load_meanings().value
        vectors = embedder.embed([singular(phrase_of(names[place], meanings)) for place in spoken])
        cosines = (vectors @ self.vectors.T.astype(np.float32)) / SCALE
        best = np.full((len(spoken), len(self.classes)), -1.0, np.float32)
        for place in range(len(self.classes)):
            of_class = self.owners == place
            if of_class.any():
                best[:, place] = cosines[:, of_class].max(1)
        found[spoken] = best
        return found


_EMPTY = frozenset({"col", "column", "field", "c", "f", "v", "x", "unnamed", "var", "attr", "data", "val"})


def says_something(name: str) -> bool:
    """Whether a name is more than a number or what a program calls a column without a name."""
    words = [word for word in words_of(name) if not word.isdigit()]
    return bool(words) and not all(word in _EMPTY for word in words)
