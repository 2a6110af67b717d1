"""Why a column may be what a term means: pure functions of what both are called, hold and were decided to be."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from actors.catalog.tables import Asset
from cluster.ml.wordings import load_meanings, phrase_of, singular

BIAS: Final = -2.2
WEIGHTS: Final = {"name": 3.2, "label": 2.6, "description": 1.5, "meaning": 2.6, "profile": 1.5, "memory": 3.0}
ORDINARY: Final = 0.35  # cosine of two phrases that have nothing in common but that they are short
_WORD: Final = re.compile(r"[^\W\d_]{3,}")


class Column(NamedTuple):
    """A column as linking looks at it."""

    asset: Asset
    name: str
    words: str
    phrase: str
    kind: tuple[str, str]


class Wanted(NamedTuple):
    """A term as linking looks at it: its names as phrases, its definition, and what was decided for it."""

    names: tuple[str, ...]
    classes: frozenset[str]
    definition: str
    vector: tuple[float, ...] | None
    kinds: frozenset[tuple[str, str]]
    memory: Mapping[str, tuple[int, int]]


def confidence(reasons: Mapping[str, float], scales: Mapping[str, float]) -> float:
    """From 0 to 1: logistic in the weighed reasons. `scales` are WEIGHTS, or what was learned of them."""
    total = BIAS + sum(scales[name] * figure for name, figure in reasons.items())
    return round(1 / (1 + math.exp(-total)), 4)


def reasons_of(wanted: Wanted, column: Column, vectors: Mapping[str, Any]) -> dict[str, float]:
    """What speaks for a link, by reason from 0 to 1, and against it by memory; `vectors` are those of phrases."""
    told = load_meanings().value
    owner = singular(phrase_of(column.asset.name, told))
    vector = vectors.get(f"{owner} {column.phrase}") or vectors.get(column.phrase)
    yes, no = wanted.memory.get(singular(column.phrase), (0, 0))
    found = {
        "name": max(_alike(name, column.phrase, owner) for name in wanted.names),
        "label": float(column.kind[1] in wanted.classes),
        "description": _shared(wanted.definition, column.words),
        "meaning": _near(wanted.vector, vector),
        "profile": _like(wanted.kinds, column.kind),
        "memory": (yes - no) / (yes + no + 1),
    }
    return {name: round(figure, 4) for name, figure in found.items() if figure}


def _alike(name: str, phrase: str, owner: str) -> float:
    """1 where the column is called like the term, with or without its table's name; else the share of common words."""
    bare = singular(phrase)
    if name in (bare, f"{owner} {bare}"):
        return 1.0
    one, other = set(name.split()), {*bare.split(), *owner.split()}
    shared = len(one & set(bare.split()))
    return 0.0 if not shared else len(one & other) / len(one | set(bare.split()))


def _shared(definition: str, words: str) -> float:
    one, other = ({word.lower() for word in _WORD.findall(text)} for text in (definition, words))
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0


def _near(one: Iterable[float] | None, other: Iterable[float] | None) -> float:
    if one is None or other is None:
        return 0.0
    cosine = sum(a * b for a, b in zip(one, other, strict=True))
    return max(0.0, (cosine - ORDINARY) / (1 - ORDINARY))


def _like(kinds: frozenset[tuple[str, str]], kind: tuple[str, str]) -> float:
    """Whether columns that were linked have this class or, half as telling, this shape."""
    if kind[1] and any(kind[1] == data_class for _, data_class in kinds):
        return 1.0
    return 0.5 if kind[0] and any(kind[0] == shape for shape, _ in kinds) else 0.0
