"""The models of the replica that answers: those that the registry names, loaded at the first request that wants them.

What the registry says is read at most every three seconds. A version that cannot be loaded takes no part and is said;
it is tried again at the next request.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final

from anyio.from_thread import run
from sqlalchemy import Engine

from actors.classification.model_choice import Version, Versions, versions
from actors.classification.tiers import Models, Tier
from cluster.errors import ConfigurationError, ModelUnusable
from cluster.kernels.report import ColumnEvidence
from cluster.ml.gate import ModelKind
from cluster.settings import settings
from cluster.store.engine import reading

SECONDS: Final = 3.0
DIMENSIONS: Final = 384  # of the vectors that the catalog holds
KEPT: Final = 6  # versions in memory: an active one of each kind, and their canaries
_lock = threading.Lock()


class ModelsAtHand:
    """What answers requests. Threads may share it; call it in a worker thread of the application."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._known: dict[ModelKind, tuple[float, Versions]] = {}

    def for_columns(self, tiers: Sequence[Tier], table: str) -> Models:
        """The models for a table of this name: a canary answers for its share of the names."""
        missing: dict[str, str] = {}
        return Models(
            columns=self._one("columns", "model", tiers, table, missing),
            meaning=self._one("embedding", "language", tiers, table, missing),
            entities=_WhenAsked(partial(self.loaded, "entities", table), missing) if "language" in tiers else None,
            missing=missing,
        )

    def for_texts(self, tiers: Sequence[Tier], caller: str) -> Models:
        """The models for texts: one caller gets one version."""
        missing: dict[str, str] = {}
        return Models(entities=self._one("entities", "language", tiers, caller, missing), missing=missing)

    def embedding(self, text: str) -> tuple[str, tuple[float, ...]] | None:
        """The digest of the model that the catalog's phrases were told by, and its vector of a text; None without one.

        That is the shipped model or the setting's, whichever version answers about columns.
        """
        try:
            embedder = loaded("embedding", None).embedder
        except (ConfigurationError, ImportError):
            return None
        vector = embedder.embed([text])[0]
        return (identity(), tuple(float(number) for number in vector)) if len(vector) == DIMENSIONS else None

    def version(self, kind: ModelKind, key: str) -> Version | None:
        """The version that answers; None where that is the setting's or the shipped one."""
        return self.versions(kind).answering(key)

    def versions(self, kind: ModelKind) -> Versions:
        """All versions of a kind in use, as they were at most three seconds ago."""
        until, known = self._known.get(kind, (0.0, Versions()))
        if until <= self._clock():
            with reading(self._engine) as session:
                known = versions(session, kind)
            self._known[kind] = (self._clock() + SECONDS, known)
        return known

    def loaded(self, kind: ModelKind, key: str) -> Any:
        """The model that answers. Raises ModelUnusable."""
        try:
            return loaded(kind, self.version(kind, key))
        except ImportError as error:
            name = error.name
        raise ModelUnusable(f"the package {name} is not installed", "Install it to use this tier.")

    def _one(self, kind: ModelKind, tier: Tier, tiers: Sequence[Tier], key: str, missing: dict[str, str]) -> Any:
        if tier not in tiers:
            return None
        try:
            return self.loaded(kind, key)
        except ConfigurationError as error:
            missing[tier] = error.detail
        return None


@cache
def identity() -> str:
    """The digest of the shipped embedding model, or the setting's. Raises ModelUnusable without one."""
    from cluster.ml.embedding import Embedder

    return Embedder.identity()


def loaded(kind: ModelKind, version: Version | None) -> Any:
    """The model of a version, or the setting's or shipped one; from memory if it was asked before.

    Raises ModelUnusable for missing or corrupt files, ImportError for a package that is not installed.
    """
    with _lock:
        return _loaded(kind, version.folder if version else None, version.digest if version else "")


@lru_cache(maxsize=KEPT)
def _loaded(kind: ModelKind, folder: Path | None, digest: str) -> Any:
    if settings().model_endpoints:
        from serve.models.handles import Served

        served = _Elsewhere(Served(), folder, digest)
        return _meaning(served) if kind == "embedding" else served
    if kind == "columns":
        from cluster.ml.column_model import ColumnModel

        return ColumnModel.load(folder)
    if kind == "entities":
        from cluster.ml.entities import load_entities

        return load_entities(folder)
    from cluster.ml.embedding import Embedder

    return _meaning(Embedder.load(folder))


def _meaning(embedder: Any) -> Any:
    from cluster.ml.meaning import Meaning

    return Meaning(embedder)


class _WhenAsked:
    """A model of entities that is loaded when the first text is to be read. Where it cannot be, `missing` says why."""

    def __init__(self, load: Callable[[], Any], missing: dict[str, str]) -> None:
        self._load, self._missing = load, missing
        self._model: Any = None

    @property
    def digest(self) -> str:
        return str(self._ready().digest)

    def find(self, texts: Sequence[str]) -> Any:
        return self._ready().find(texts)

    def _ready(self) -> Any:
        try:
            self._model = self._model or self._load()
        except ConfigurationError as error:
            self._missing["language"] = error.detail
            raise
        return self._model


class _Elsewhere:
    """A model of a deployment of its own, asked from a worker thread."""

    def __init__(self, served: Any, folder: Path | None, digest: str) -> None:
        self._served, self._folder, self.digest = served, folder, digest

    def find(self, texts: Sequence[str]) -> Any:
        return run(partial(self._served.find, texts, self._folder))

    def embed(self, texts: Sequence[str]) -> Any:
        return run(partial(self._served.embed, texts, self._folder))

    def guess_all(self, columns: Sequence[ColumnEvidence], table: str = "") -> Any:
        return run(partial(self._served.guess, columns, table, self._folder))

    def explain(self, columns: Sequence[ColumnEvidence], table: str, column: str, data_class: str) -> Any:
        return run(partial(self._served.explain, columns, table, self._folder, column, data_class))
