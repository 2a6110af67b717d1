"""Models for whoever answers a request: over the deployments if they are on, else loaded in this process."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from ray import serve as ray_serve

from cluster.detectors.spans import Span
from cluster.settings import settings
from serve.models.deployments import EMBEDDINGS, ENTITIES, Embeddings, Entities


class Models:
    """Embeddings and text entities, each available from its first use. Raises ModelUnusable where a model is."""

    def __init__(self) -> None:
        self._embeddings, self._entities = Embeddings(), Entities()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[texts, dimensions], rows of length one."""
        if settings().model_endpoints:
            vectors: NDArray[np.float32] = await ray_serve.get_app_handle(EMBEDDINGS).embed.remote(list(texts))
            return vectors
        return (await asyncio.to_thread(self._embeddings.embed_all, [list(texts)]))[0]

    async def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        if settings().model_endpoints:
            spans: list[list[Span]] = await ray_serve.get_app_handle(ENTITIES).find.remote(list(texts))
            return spans
        return (await asyncio.to_thread(self._entities.find_all, [list(texts)]))[0]
