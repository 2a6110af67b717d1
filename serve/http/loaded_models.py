"""The models of the replica that answers: loaded at the first request that wants them, once, or served elsewhere."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from anyio.from_thread import run

from actors.classification.tiers import NONE, Models, Tier
from cluster.detectors.spans import Span
from cluster.errors import ConfigurationError
from cluster.settings import settings

_lock = threading.Lock()
_loaded: dict[str, Any] = {}
_missing: dict[str, str] = {}


def models_for(tiers: Sequence[Tier], *, texts: bool) -> Models:
    """The models that these tiers need. One that cannot be used is left out, and `missing` says why.

    Called in a worker thread of the application; loads only what was not loaded before.
    """
    if tuple(tiers) == ("rules",):
        return NONE
    with _lock:
        if texts:
            return Models(entities=_one("language", "entities", _entities, tiers), missing=dict(_missing))
        return Models(meaning=_one("language", "meaning", _meaning, tiers), missing=dict(_missing))


def _one(tier: Tier, name: str, load: Callable[[], Any], tiers: Sequence[Tier]) -> Any:
    if tier not in tiers:
        return None
    if name not in _loaded:
        try:
            _loaded[name] = load()
        except ConfigurationError as error:
            _loaded[name], _missing[tier] = None, error.detail
        except ImportError as error:
            _loaded[name], _missing[tier] = None, f"the package {error.name} is not installed"
    return _loaded[name]


def _meaning() -> Any:
    from cluster.ml.embedding import Embedder
    from cluster.ml.meaning import Meaning

    return Meaning(Embedder.load())


def _entities() -> Any:
    if settings().model_endpoints:
        from serve.models.handles import Models as Served

        return _Elsewhere(Served())
    from cluster.ml.entities import load_entities

    return load_entities()


class _Elsewhere:
    """Text entities of a deployment of their own, asked from a worker thread."""

    def __init__(self, served: Any) -> None:
        self._served = served

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        found: list[list[Span]] = run(partial(self._served.find, texts))
        return found
