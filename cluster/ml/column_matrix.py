"""From generated tables to the matrices that a model is trained on and measured with."""

import hashlib
import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cluster.kernels.lexicon import Lexicon
from cluster.kernels.report import ColumnEvidence
from cluster.ml import column_makers as makers
from cluster.ml.column_examples import ExampleColumn, ExampleTable
from cluster.ml.column_features import Layout, Matrix, features_of
from cluster.ml.column_names import CHECKED, NONE, KnownNames
from cluster.ml.embedding import Embedder
from cluster.ml.wordings import load_meanings

Scan = Callable[[ExampleTable, Lexicon | None], list[ColumnEvidence]]
UNLISTED = (0.0, 0.0, 0.25, 0.5, 0.8)  # shares of the lexicon that columns of training do without


@dataclass(frozen=True)
class Examples:
    """Features of columns, what each is (a place in `classes`), and by which maker and locale it was made."""

    features: Matrix
    truths: NDArray[np.int64]
    sources: tuple[str, ...]
    locales: tuple[str, ...]
    named: NDArray[np.bool_]
    weights: NDArray[np.float32]

    @property
    def digest(self) -> str:
        """SHA-256 of the features and truths."""
        return hashlib.sha256(self.features.tobytes() + self.truths.tobytes()).hexdigest()


def joined(parts: Sequence[Examples]) -> Examples:
    """All examples of some parts, in order."""
    return Examples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.truths for part in parts]),
        tuple(source for part in parts for source in part.sources),
        tuple(locale for part in parts for locale in part.locales),
        np.concatenate([part.named for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def names_for(*, training: bool) -> dict[str, Sequence[str]]:
    """Names of columns of no class, then of each class. In training some are left out, so that the model meets names
    that it does not know; none that is held out for evaluation is among them."""
    found: dict[str, Sequence[str]] = {
        NONE: [*(n for thing in makers.things().values() for n in thing.names), *load_meanings().value.none]
    }
    found[CHECKED] = [name for each in sorted(makers.checked()) for name in _names_of(each)]
    found |= {name: _names_of(name) for name in makers.learnt()}
    if training:
        found = {name: [text for text in texts if zlib.crc32(text.encode()) % 5 > 1] for name, texts in found.items()}
    return {name: list(dict.fromkeys(texts)) for name, texts in found.items()}


def _names_of(name: str) -> list[str]:
    told = makers.classes()[name]
    return [*told.names, *told.abroad, *load_meanings().value.classes.get(name, ())]


def truth_of(column: ExampleColumn) -> str:
    """What the model is to say of a column."""
    return CHECKED if column.truth in makers.checked() else column.truth


def examples_of(
    tables: Iterable[ExampleTable],
    scan: Scan,
    layout: Layout,
    known: KnownNames,
    embedder: Embedder | None,
    *,
    lexicons: Sequence[Lexicon],
    seed: int,
) -> Examples:
    """The features of all columns of the tables, each as its evidence tells; a lexicon is drawn for each table."""
    rng = random.Random(f"{seed} lexicons")  # noqa: S311  # the same seed is to give the same examples
    rows: list[Matrix] = []
    columns: list[ExampleColumn] = []
    for table in tables:
        rows.append(features_of(scan(table, rng.choice(lexicons)), table.name, layout, known, embedder))
        columns += table.columns
    features = np.concatenate(rows)
    return Examples(
        features,
        np.array([known.classes.index(truth_of(column)) for column in columns]),
        tuple(column.source for column in columns),
        tuple(column.locale for column in columns),
        features[:, layout.features.index("name:silent")] == 0,
        np.ones(len(columns), np.float32),
    )


def thinned(examples: Examples, layout: Layout, seed: int) -> Matrix:
    """The features with groups left out at random: no name, no table, no neighbours, no traits. A column whose values
    do not tell its class keeps its name."""
    rng = np.random.default_rng(seed)
    found = examples.features.copy()
    bare = np.array([_is_bare(source) for source in examples.sources])
    places = {group: _places(layout, group) for group in ("name", "table", "neighbours", "beside", "traits")}
    silent = layout.features.index("name:silent")
    for group, share in (("name", 0.12), ("table", 0.2), ("neighbours", 0.2), ("beside", 0.15), ("traits", 0.04)):
        lost = rng.random(len(found)) < share
        if group == "name":
            lost &= bare
            found[lost, silent] = 1.0
        for place in places[group]:
            if place != silent:
                found[lost, place] = np.nan
    return found


def _is_bare(source: str) -> bool:
    """Whether the values of a maker tell what they are."""
    if source in makers.classes():
        return makers.classes()[source].bare
    return source in makers.things() and not makers.things()[source].mimic


def _places(layout: Layout, group: str) -> list[int]:
    return [place for place, name in enumerate(layout.features) if name.startswith(f"{group}:")]
