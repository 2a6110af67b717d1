"""Sentence embeddings of names and descriptions (tier 3), by the shipped encoder or one that a setting names.

Embed what is few: distinct names of columns, never cells.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.ml.encoder import BATCH_TOKENS, Encoder, by_length, padded
from cluster.ml.packaged import MANIFEST, manifest_of, shipped
from cluster.settings import settings

Vectors = NDArray[np.float32]
DIMENSIONS = 384
LONGEST = 256  # tokens read of a text; what is beyond does not count
CHARACTERS = 4096  # given to the tokenizer of a text
CACHED = 20_000  # vectors of 1.5 kB


class Embedder:
    """Texts to vectors of unit length. Threads may share it. The last vectors are kept by digest, never the texts."""

    def __init__(self, encode: Callable[[list[str]], Vectors], digest: str, dimensions: int = DIMENSIONS) -> None:
        self._encode, self.digest, self.dimensions = encode, digest, dimensions
        self._kept: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def identity(cls, folder: Path | None = None) -> str:
        """The digest that `load` would give, by what the manifest says. Raises ModelUnusable without one."""
        chosen = settings().embedding_model if folder is None else None
        if chosen and not (Path(chosen) / MANIFEST).exists():
            return hashlib.sha256(chosen.encode()).hexdigest()
        return manifest_of(folder or (Path(chosen) if chosen else shipped("embedding"))).digest

    @classmethod
    def load(cls, folder: Path | None = None) -> "Embedder":
        """The model of a folder, else of `SEXTANT_EMBEDDING_MODEL`, else the shipped one.

        The setting is a folder like the shipped one, or a Hugging Face folder or id, for which torch is needed.
        Raises ModelUnusable if a file is missing or corrupt, or a package is.
        """
        chosen = settings().embedding_model if folder is None else None
        if chosen and not (Path(chosen) / MANIFEST).exists():
            from cluster.ml.foreign import foreign_embedding

            encode, dimensions = foreign_embedding(chosen)
            return cls(encode, hashlib.sha256(chosen.encode()).hexdigest(), dimensions)
        encoder = Encoder(folder or (Path(chosen) if chosen else shipped("embedding")))
        encoder.tokenizer.enable_truncation(LONGEST)
        return cls(lambda texts: _encoded(encoder, texts), encoder.manifest.digest)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A matrix [texts, dimensions] of float32 with rows of length one. No texts give no rows."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        cut = [text[:CHARACTERS] for text in texts]
        digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in cut]
        with self._lock:
            known = {digest: self._kept[digest] for digest in digests if digest in self._kept}
        fresh = {digest: text for digest, text in zip(digests, cut, strict=True) if digest not in known}
        if fresh:
            known |= dict(zip(fresh, self._encode(list(fresh.values())), strict=True))
            self._keep({digest: known[digest] for digest in fresh})
        return np.stack([known[digest] for digest in digests])

    def _keep(self, vectors: dict[bytes, Vectors]) -> None:
        with self._lock:
            self._kept.update(vectors)
            while len(self._kept) > CACHED:
                self._kept.popitem(last=False)


def _encoded(encoder: Encoder, texts: list[str]) -> Vectors:
    encodings = encoder.tokenizer.encode_batch(texts)
    found = np.zeros((len(texts), DIMENSIONS), np.float32)
    for batch in by_length([len(encoding.ids) for encoding in encodings], BATCH_TOKENS):
        found[batch] = encoder.run(padded([encodings[position] for position in batch]))
    return found
