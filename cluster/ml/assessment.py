"""Measuring a version of a model where it is registered: the figures of its training, else anew, and its speed here."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cluster.kernels.report import ColumnEvidence, ColumnProfile
from cluster.ml.figures import Assessment, Evaluation, read_evaluation
from cluster.ml.gate import ModelKind
from cluster.ml.packaged import verified

WORDS: Final = ("invoice", "customer", "street", "Lena", "Adeyemi", "shipped", "Rotterdam", "status", "born", "phone")
TOGETHER: Final = 200


def assess(kind: ModelKind, folder: str) -> Assessment:
    """Measures the model in the folder. Raises ModelUnusable if it cannot be loaded."""
    place = Path(folder)
    digest = verified(place, ()).digest
    evaluation, note = read_evaluation(place), ""
    model, ask = _loaded(kind, place)
    if evaluation is None:
        try:
            evaluation = _evaluated(kind, model)
            note = "" if evaluation else "it brings no figures; its training job writes them"
        except ImportError as error:
            note = f"it brings no figures, and they cannot be gained here without the package {error.name}"
    return Assessment(digest=digest, evaluation=evaluation, per_second=_speed(ask), note=note)


def _loaded(kind: ModelKind, folder: Path) -> tuple[Any, Callable[[list[str]], Any]]:
    """The model, and how it is asked about some names or texts."""
    if kind == "columns":
        from cluster.ml.column_model import ColumnModel

        columns = ColumnModel.load(folder)
        return columns, lambda texts: columns.guess_all([_column(text) for text in texts], "table")
    if kind == "entities":
        from cluster.ml.entities import TextEntities

        entities = TextEntities.load(folder)
        return entities, entities.find_labels
    from cluster.ml.embedding import Embedder

    embedder = Embedder.load(folder)
    return embedder, embedder.embed


def _evaluated(kind: ModelKind, model: Any) -> Evaluation | None:
    if kind == "columns":
        return None
    if kind == "entities":
        from cluster.ml.entity_evaluation import evaluate_entities

        return evaluate_entities(model)
    from cluster.ml.meaning_evaluation import evaluate_meaning

    return evaluate_meaning(model)


def _speed(ask: Callable[[list[str]], Any]) -> float:
    """Texts of some ten words in a second of CPU time. Each text is new, since models keep their last answers."""
    best = 0.0
    for turn in range(4):
        texts = [_text(f"{turn} {number}") for number in range(TOGETHER)]
        began = time.process_time()
        ask(texts)
        if turn:  # the first warms up
            best = max(best, TOGETHER / max(time.process_time() - began, 1e-6))
    return best


def _column(name: str) -> ColumnEvidence:
    profile = ColumnProfile(rows=1000, nulls=10, empties=0, unreadable=0, distinct=900, distinct_exact=True)
    return ColumnEvidence(column=name, type="string", profile=profile)


def _text(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return " ".join(WORDS[byte % len(WORDS)] for byte in digest[:10]) + f" {digest.hex()[:6]}"
