"""Models as Serve applications without a route: called by handle, batched, scaled by demand.

A request names the folder of the version that shall answer, None for the setting's or the shipped one: versions stand
side by side in one replica, so that a canary or the way back needs no deployment. A version is loaded at the first
request that names it. One that is missing or corrupt raises ModelUnusable at each request; the replica lives on, and
works when the files are there.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from ray import serve as ray_serve

from cluster.detectors.spans import Span
from cluster.kernels.report import ColumnEvidence
from cluster.ml.guess import Guess

EMBEDDINGS, ENTITIES, COLUMNS = "sextant-embeddings", "sextant-entities", "sextant-columns"
MOST_TOGETHER = 32  # requests of one batch
WAIT_SECONDS = 0.01
ONGOING = 64
VERSIONS = 3  # in the memory of a replica: an active one, a canary, and a shadow
SCALING = {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 8, "downscale_delay_s": 300}
CPU_SHARE = 0.25  # a replica uses a core only while it is asked; a small cluster has to have some left for scans
GPU_SHARE = 0.25  # int8 models of some 20 MB: several fit on one GPU

T = TypeVar("T")
Request = tuple[Sequence[str], Path | None]
"""Texts, and the folder of the version that they are for."""
TableRequest = tuple[Sequence[ColumnEvidence], str, Path | None]
"""The columns of one table, its name, and the folder of the version."""


class Loaded(Generic[T]):
    """Models by folder, each loaded at its first use, once, also where threads ask at the same time; the last three."""

    def __init__(self, load: Callable[[Path | None], T]) -> None:
        self._load, self._lock = load, threading.Lock()
        self._models: OrderedDict[Path | None, T] = OrderedDict()

    def __call__(self, folder: Path | None = None) -> T:
        """The model. Raises what loading it raises, and tries again the next time."""
        with self._lock:
            if folder not in self._models:
                self._models[folder] = self._load(folder)
            self._models.move_to_end(folder)
            while len(self._models) > VERSIONS:
                self._models.popitem(last=False)
            return self._models[folder]


def together(requests: Sequence[Sequence[str]]) -> tuple[list[str], list[slice]]:
    """The texts of all requests in one list, and where those of each request lie."""
    ends = [0, *accumulate(len(texts) for texts in requests)]
    return [text for texts in requests for text in texts], [slice(start, end) for start, end in pairwise(ends)]


def by_version(requests: Sequence[Request], answer: Callable[[Path | None, list[str]], Any]) -> list[Any]:
    """The answer to each request, where all that are for one version are asked about together."""
    found: list[Any] = [None] * len(requests)
    for folder in dict.fromkeys(folder for _, folder in requests):
        mine = [place for place, (_, wanted) in enumerate(requests) if wanted == folder]
        texts, places = together([requests[place][0] for place in mine])
        answers = answer(folder, texts)
        for place, part in zip(mine, places, strict=True):
            found[place] = answers[part]
    return found


class Embeddings:
    """Texts to vectors; see `cluster.ml.embedding.Embedder`."""

    def __init__(self) -> None:
        self._models = Loaded(_embedder)

    @ray_serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_SECONDS)
    async def embed(self, requests: list[Request]) -> list[NDArray[np.float32]]:
        """For each request a matrix [texts, dimensions] with rows of length one."""
        return await asyncio.to_thread(self.embed_all, requests)

    def embed_all(self, requests: Sequence[Request]) -> list[NDArray[np.float32]]:
        """The same without waiting for others."""
        return by_version(requests, lambda folder, texts: self._models(folder).embed(texts))


class Entities:
    """Texts to spans; see `cluster.ml.entities.TextEntities`."""

    def __init__(self) -> None:
        self._models = Loaded(_text_entities)

    @ray_serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_SECONDS)
    async def find(self, requests: list[Request]) -> list[list[list[Span]]]:
        """For each request the spans of each of its texts."""
        return await asyncio.to_thread(self.find_all, requests)

    def find_all(self, requests: Sequence[Request]) -> list[list[list[Span]]]:
        """The same without waiting for others."""
        return by_version(requests, lambda folder, texts: self._models(folder).find(texts))


class Columns:
    """Columns to guesses; see `cluster.ml.column_model.ColumnModel`. Each request holds the columns of one table."""

    def __init__(self) -> None:
        self._models = Loaded(_column_model)

    @ray_serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_SECONDS)
    async def guess(self, requests: list[TableRequest]) -> list[list[tuple[Guess, ...]]]:
        """For each request the guesses of each of its columns."""
        return await asyncio.to_thread(self.guess_tables, requests)

    def guess_tables(self, requests: Sequence[TableRequest]) -> list[list[tuple[Guess, ...]]]:
        """The same without waiting for others. A table is judged by itself, so that no answer depends on a batch."""
        return [self._models(folder).guess_all(columns, table) for columns, table, folder in requests]

    async def explain(self, request: TableRequest, column: str, data_class: str) -> dict[str, float]:
        """What speaks for a class of one column, see `ColumnModel.explain`."""
        columns, table, folder = request
        told: dict[str, float] = await asyncio.to_thread(
            lambda: self._models(folder).explain(columns, table, column, data_class)
        )
        return told


def _column_model(folder: Path | None) -> Any:
    from cluster.ml.column_model import ColumnModel

    return ColumnModel.load(folder)


def _embedder(folder: Path | None) -> Any:
    from cluster.ml.embedding import Embedder  # onnxruntime is imported where a model is used, and nowhere else

    return Embedder.load(folder)


def _text_entities(folder: Path | None) -> Any:
    from cluster.ml.entities import load_entities

    return load_entities(folder)


def application(
    kind: type[Embeddings] | type[Entities] | type[Columns], gpu: bool, scaling: dict[str, Any] | None = None
) -> ray_serve.Application:
    """The Serve application of a model; with a share of a GPU if the cluster has one. `scaling` replaces the usual."""
    resources = {"num_cpus": CPU_SHARE} | ({"num_gpus": GPU_SHARE} if gpu else {})
    # The stubs know only the decorator with options, not the call with a class.
    deployment: Any = ray_serve.deployment(  # type: ignore[call-overload,unused-ignore]
        kind,
        name=kind.__name__,
        autoscaling_config=scaling or SCALING,
        max_ongoing_requests=ONGOING,
        max_queued_requests=1000,
        ray_actor_options=resources,
    )
    bound: ray_serve.Application = deployment.bind()
    return bound


def deploy_models(scaling: dict[str, Any] | None = None) -> None:
    """Runs the applications on the Serve instance of this cluster. Safe to repeat."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray has no types there
    gpu = resources.get("GPU", 0) > 0
    for name, kind in ((EMBEDDINGS, Embeddings), (ENTITIES, Entities), (COLUMNS, Columns)):
        ray_serve.run(application(kind, gpu, scaling), name=name, route_prefix=None, blocking=False)


embeddings = application(Embeddings, gpu=False)
entities = application(Entities, gpu=False)
columns = application(Columns, gpu=False)
