"""Models that are deployments of their own, as a process that answers a request asks them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ray import serve as ray_serve

from cluster.detectors.spans import Span
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess
from serve.models.deployments import COLUMNS, EMBEDDINGS, ENTITIES


class Served:
    """The models over Ray Serve. `folder` is that of a version, None for the setting's or the shipped one.

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

    async def guess(
        self, columns: Sequence[ColumnEvidence], table: str, folder: Path | None = None
    ) -> list[tuple[Guess, ...]]:
        """The guesses of each column of a table."""
        handle = ray_serve.get_app_handle(COLUMNS)
        found: list[tuple[Guess, ...]] = await handle.guess.remote((list(columns), table, folder))
        return found

    async def explain(
        self, columns: Sequence[ColumnEvidence], table: str, folder: Path | None, column: str, data_class: str
    ) -> dict[str, float]:
        """What speaks for a class of one column. Raises KeyError for a class that the model does not know."""
        handle = ray_serve.get_app_handle(COLUMNS)
        found: dict[str, float] = await handle.explain.remote((list(columns), table, folder), column, data_class)
        return found
