"""Features of columns for tier 2: from stored evidence and names alone, never from a value.

Groups: traits of the values, the profile, what detectors found, the name, the table, the neighbours. What is not known
is NaN, which the model has seen in training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels.report import ColumnEvidence, ColumnProfile
from cluster.kernels.traits import decode, shares, trait_names
from cluster.ml.column_names import KnownNames, says_something
from cluster.ml.embedding import Embedder

Matrix = NDArray[np.float32]
KINDS = ("string", "integer", "number", "date", "timestamp", "boolean", "time", "binary", "nested")
QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
_PROFILE = (
    *("rows", "nulls", "empties", "distinct_share", "distinct", "shortest", "longest", "shapes", "commonest_shape"),
    *(f"type_{kind}" for kind in KINDS),
    *(f"quantile_{q}" for q in QUANTILES),
    "spread",
    "middle_half",
    "mean",
)


@dataclass(frozen=True)
class Layout:
    """What the features are, in their order, for these classes. The first class of `names` is what is of no class."""

    evidence: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """First parts of ids of classes: contact, person, ..."""
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.names[1:]))

    @property
    def features(self) -> tuple[str, ...]:
        """The name of each feature: its group, a colon, what it is."""
        return (
            *(f"traits:{name}" for name in trait_names()),
            *(f"profile:{name}" for name in _PROFILE),
            *(f"detectors:{name}" for name in self.evidence),
            *(f"checks:{name}" for name in self.evidence),
            "name:silent",
            *(f"name:{name}" for name in self.names),
            *(f"table:{name}" for name in ("none", *self.groups)),
            *(f"neighbours:{name}" for name in ("none", *self.groups)),
            *(f"beside:{name}" for name in ("columns", *self.groups)),
        )


def features_of(
    columns: Sequence[ColumnEvidence], table: str, layout: Layout, known: KnownNames, embedder: Embedder | None
) -> Matrix:
    """[columns, features] of the columns of one table, which are each other's neighbours."""
    if not columns:
        return np.zeros((0, len(layout.features)), np.float32)
    near = known.nearness([*(column.column for column in columns), _title(table)], embedder)
    by_group = _by_group(near, layout)
    found = np.array([_found(column, layout) for column in columns], np.float32)
    rows = [
        np.concatenate(
            [
                _traits(column),
                _profile(column),
                found[place],
                _checks(column, layout),
                [0.0 if says_something(column.column) else 1.0],
                near[place],
                by_group[-1],
                _others(by_group[:-1], place),
                [min(len(columns), 50)],
                _beside(found, place, layout),
            ]
        )
        for place, column in enumerate(columns)
    ]
    return np.array(rows, np.float32)


def _title(table: str) -> str:
    last = table.replace("\\", "/").rsplit("/", 1)[-1]
    parts = [
        part for part in last.split(".") if part.lower() not in {"csv", "parquet", "json", "jsonl", "public", "gz"}
    ]
    return parts[-1] if parts else ""


def _traits(column: ColumnEvidence) -> Matrix:
    figures = decode(column.traits)
    if figures is None or len(figures) != len(trait_names()):
        return np.full(len(trait_names()), np.nan, np.float32)
    return shares(figures)


def _profile(column: ColumnEvidence) -> list[float]:
    profile = column.profile
    values = max(profile.rows - profile.nulls - profile.empties - profile.unreadable, 0)
    shapes = [count for _, count in profile.shapes]
    dates = column.type in {"date", "timestamp"}
    quantiles = [_scaled(profile.quantiles.get(q), dates=dates) for q in QUANTILES]
    return [
        math.log1p(profile.rows),
        profile.nulls / max(profile.rows, 1),
        profile.empties / max(profile.rows, 1),
        profile.distinct / values if values else math.nan,
        math.log1p(profile.distinct),
        _or_nan(profile.length_min),
        _or_nan(profile.length_max),
        len(shapes),
        max(shapes) / values if shapes and values else math.nan,
        *(float(column.type == kind) for kind in KINDS),
        *quantiles,
        quantiles[-1] - quantiles[0],
        quantiles[4] - quantiles[2],
        _mean(profile, dates=dates),
    ]


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else float(number)


def _scaled(number: float | None, *, dates: bool) -> float:
    """Years of dates; of numbers themselves up to a thousand, beyond that by their digits."""
    if number is None or not math.isfinite(number):
        return math.nan
    if dates:
        return number // 100
    return number if abs(number) <= 3000 else math.copysign(3000 + 1000 * math.log10(abs(number) / 3000), number)


def _mean(profile: ColumnProfile, *, dates: bool) -> float:
    return math.nan if dates else _scaled(profile.mean, dates=False)


def _found(column: ColumnEvidence, layout: Layout) -> list[float]:
    """For each class the largest share of values that a detector of it took."""
    best = dict.fromkeys(layout.evidence, 0.0)
    for item in column.classes:
        if item.data_class in best:
            best[item.data_class] = max(best[item.data_class], item.validated / max(item.scanned, 1))
    return list(best.values())


def _checks(column: ColumnEvidence, layout: Layout) -> list[float]:
    """For each class how much better than chance the candidates passed the check, from -1 to 1; NaN without any."""
    best = dict.fromkeys(layout.evidence, math.nan)
    for item in column.classes:
        if item.data_class in best and item.distinct_matched and item.chance < 1:
            passed = item.distinct_validated / item.distinct_matched - item.chance
            known = best[item.data_class]
            best[item.data_class] = passed if math.isnan(known) else max(known, passed)
    return list(best.values())


@cache
def _places(names: tuple[str, ...], groups: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    of_group = [tuple(p for p, name in enumerate(names) if name.partition(".")[0] == group) for group in groups]
    return ((0,), *of_group)


def _by_group(near: Matrix, layout: Layout) -> Matrix:
    return np.stack([near[:, list(places)].max(1) for places in _places(layout.names, layout.groups)], axis=1)


def _others(by_group: Matrix, place: int) -> Matrix:
    """The mean over the neighbours that have a name."""
    others = np.delete(by_group, place, axis=0)
    others = others[~np.isnan(others[:, 0])] if len(others) else others
    return others.mean(0) if len(others) else np.full(by_group.shape[1], np.nan, np.float32)


def _beside(found: Matrix, place: int, layout: Layout) -> list[float]:
    """For each group the share of neighbours of which detectors took half of the values for one of its classes."""
    others = np.delete(found, place, axis=0)
    if not len(others):
        return [math.nan] * len(layout.groups)
    places = _places(("", *layout.evidence), layout.groups)[1:]
    return [float((others[:, [p - 1 for p in some]] >= 0.5).any(1).mean()) if some else 0.0 for some in places]


def shipped_layout(names: Sequence[str]) -> Layout:
    """The layout for known names of these classes, with the evidence of every class of the taxonomy."""
    return Layout(evidence=tuple(load_taxonomy().value.classes), names=tuple(names))
