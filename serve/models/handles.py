"""Models that are deployments of their own, as a process that answers a request asks them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ray import serve as ray_serve

from cluster.detectors.spans import Span
from serve.models.deployments import EMBEDDINGS, ENTITIES


class Served:
    """Embeddings and text entities over Ray Serve. `folder` is that of a version, None for the usual one.

    Raises what the model raises, ModelUnusable among others.
    """

    async def embed(self, texts: Sequence[str], folder: Path | None = None) -> NDArray[np.float32]:
        """[texts, dimensions], rows of length one."""
        found: NDArray[np.float32] = await ray_serve.get_app_handle(EMBEDDINGS).embed.remote((list(texts), folder))
        return found

    async def find(self, texts: Sequence[str], folder: Path | None = None) -> list[list[Span]]:
        """The spans of each text."""
        found: list[list[Span]] = await ray_serve.get_app_handle(ENTITIES).find.remote((list(texts), folder))
        return found
