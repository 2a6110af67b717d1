"""Embeddings and text entities as Serve applications without a route: called by handle, batched, scaled by demand.

The model is loaded at the first request, so that a replica that nobody asks stays small. A model that is missing or
corrupt raises ModelUnusable at each request; the replica lives on, and works when the file is there.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import ray
from numpy.typing import NDArray
from ray import serve as ray_serve

from cluster.detectors.spans import Span

EMBEDDINGS, ENTITIES = "sextant-embeddings", "sextant-entities"
MOST_TOGETHER = 32  # requests of one batch
WAIT_SECONDS = 0.01
ONGOING = 64
SCALING = {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 8, "downscale_delay_s": 300}
GPU_SHARE = 0.25  # int8 models of some 20 MB: several fit on one GPU

T = TypeVar("T")


class Lazily(Generic[T]):
    """A value made at the first use, once, also where threads ask at the same time."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock, self._made = make, threading.Lock(), False
        self._value: T | None = None

    def __call__(self) -> T:
        """The value. Raises what making it raises, and tries again the next time."""
        with self._lock:
            if not self._made:
                self._value, self._made = self._make(), True
        return self._value  # type: ignore[return-value]  # set before _made is


def together(requests: Sequence[Sequence[str]]) -> tuple[list[str], list[slice]]:
    """The texts of all requests in one list, and where those of each request lie."""
    ends = [0, *accumulate(len(texts) for texts in requests)]
    return [text for texts in requests for text in texts], [slice(start, end) for start, end in pairwise(ends)]


class Embeddings:
    """Texts to vectors; see `cluster.ml.embedding.Embedder`."""

    def __init__(self) -> None:
        self._model = Lazily(_embedder)

    @ray_serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_SECONDS)
    async def embed(self, requests: list[list[str]]) -> list[NDArray[np.float32]]:
        """For each request a matrix [texts, dimensions] with rows of length one."""
        return await asyncio.to_thread(self.embed_all, requests)

    def embed_all(self, requests: list[list[str]]) -> list[NDArray[np.float32]]:
        """The same without waiting for others."""
        texts, places = together(requests)
        vectors = self._model().embed(texts)
        return [vectors[place] for place in places]


class Entities:
    """Texts to spans; see `cluster.ml.entities.TextEntities`."""

    def __init__(self) -> None:
        self._model = Lazily(_text_entities)

    @ray_serve.batch(max_batch_size=MOST_TOGETHER, batch_wait_timeout_s=WAIT_SECONDS)
    async def find(self, requests: list[list[str]]) -> list[list[list[Span]]]:
        """For each request the spans of each of its texts."""
        return await asyncio.to_thread(self.find_all, requests)

    def find_all(self, requests: list[list[str]]) -> list[list[list[Span]]]:
        """The same without waiting for others."""
        texts, places = together(requests)
        spans = self._model().find(texts)
        return [spans[place] for place in places]


def _embedder() -> Any:
    from cluster.ml.embedding import Embedder  # onnxruntime is imported where a model is used, and nowhere else

    return Embedder.load()


def _text_entities() -> Any:
    from cluster.ml.entities import load_entities

    return load_entities()


def application(kind: type[Embeddings] | type[Entities], gpu: bool) -> ray_serve.Application:
    """The Serve application of a model; with a share of a GPU if the cluster has one."""
    resources = {"num_cpus": 1, "num_gpus": GPU_SHARE} if gpu else {"num_cpus": 1}
    # The stubs know only the decorator with options, not the call with a class.
    deployment: Any = ray_serve.deployment(  # type: ignore[call-overload,unused-ignore]
        kind,
        name=kind.__name__,
        autoscaling_config=SCALING,
        max_ongoing_requests=ONGOING,
        max_queued_requests=1000,
        ray_actor_options=resources,
    )
    bound: ray_serve.Application = deployment.bind()
    return bound


def deploy_models() -> None:
    """Runs both applications on the Serve instance of this cluster. Safe to repeat."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray has no types there
    gpu = resources.get("GPU", 0) > 0
    for name, kind in ((EMBEDDINGS, Embeddings), (ENTITIES, Entities)):
        ray_serve.run(application(kind, gpu), name=name, route_prefix=None, blocking=False)


embeddings = application(Embeddings, gpu=False)
entities = application(Entities, gpu=False)
