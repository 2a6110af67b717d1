"""What runs in a worker process: vectors of phrases, by the shipped model or the one that a setting names."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from cluster.errors import ModelUnusable


def embed(texts: Sequence[str]) -> tuple[str, list[tuple[float, ...]]] | None:
    """The model's digest and a vector of unit length for each text; None where there is no model to ask."""
    try:
        embedder = _embedder()
    except (ImportError, ModelUnusable):
        return None
    return embedder.digest, [tuple(float(number) for number in row) for row in embedder.embed(texts)]


@cache
def _embedder() -> Any:
    from cluster.ml.embedding import Embedder

    return Embedder.load()


def identity() -> str | None:
    """The digest of the model that would be asked; None where there is none."""
    from cluster.ml.embedding import Embedder

    try:
        return Embedder.identity()
    except ModelUnusable:
        return None
