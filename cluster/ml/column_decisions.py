"""What people decided as examples for training: approved classes of columns, by the evidence that is stored of them."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from cluster.kernels.report import ColumnEvidence, ColumnProfile
from cluster.ml import column_makers as makers
from cluster.ml.column_features import Layout, features_of
from cluster.ml.column_matrix import Examples
from cluster.ml.column_names import CHECKED, KnownNames
from cluster.ml.embedding import Embedder

WEIGHT = 3.0  # a column that a person looked at counts as much as so many generated ones
_UNSEEN = ColumnProfile(rows=0, nulls=0, empties=0, unreadable=0, distinct=0, distinct_exact=True)


class DecidedColumn(BaseModel):
    """One line of a file of decisions. Rejections tell what a column is not, which trains nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    asset: str
    data_class: str
    approved: bool
    neighbours: tuple[str, ...] = ()
    evidence: ColumnEvidence | None = None


def read_decisions(path: Path) -> list[DecidedColumn]:
    """The decisions of a file of JSON lines. Raises ValueError for a line that is none."""
    lines = path.read_text("utf-8").splitlines()
    return [DecidedColumn.model_validate(json.loads(line)) for line in lines if line.strip()]


def examples_of_decisions(
    decisions: Iterable[DecidedColumn], layout: Layout, known: KnownNames, embedder: Embedder | None
) -> Examples | None:
    """Approved columns of classes that the model knows, with the names of their neighbours; None without any."""
    rows, truths = [], []
    for decided in decisions:
        truth = CHECKED if decided.data_class in makers.checked() else decided.data_class
        if decided.approved and decided.evidence is not None and truth in known.classes:
            beside = [_named(name) for name in decided.neighbours]
            rows.append(features_of([decided.evidence, *beside], decided.asset, layout, known, embedder)[0])
            truths.append(known.classes.index(truth))
    if not rows:
        return None
    features = np.array(rows, np.float32)
    named = features[:, layout.features.index("name:silent")] == 0
    sources = _repeated("decision", len(rows))
    return Examples(
        features, np.array(truths), sources, _repeated("", len(rows)), named, np.full(len(rows), WEIGHT, np.float32)
    )


def _repeated(text: str, times: int) -> tuple[str, ...]:
    return (text,) * times


def _named(name: str) -> ColumnEvidence:
    return ColumnEvidence(column=name, type="unknown", profile=_UNSEEN)
