"""Labels along lineage: a class of data goes where its values go, and stops where they stop.

Values go on by DIRECT edges from a column to a column that copy or transform them. Nothing goes on by an edge that
masks (hashes, parts of values, counts, lengths, comparisons), aggregates, or only decides which rows there are, by an
edge between whole tables, or by one that is a guess. A class stays while any way to it is left.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

SURE_ENOUGH: Final = 0.8
WEAKER: Final = 0.9
LEAST: Final = 0.3

Column = tuple[str, str]
Place = tuple[str, str, str]


class Label(NamedTuple):
    """A class on a column of its own right."""

    asset: str
    column: str
    data_class: str
    sensitivity: str
    confidence: float


class Flow(NamedTuple):
    """A lineage edge, as far as labels ask for it."""

    from_asset: str
    from_column: str | None
    to_asset: str
    to_column: str | None
    transformation: str
    subtype: str
    masking: bool
    confidence: float


class Carried(NamedTuple):
    """A class that lineage carries to a column, from these labelled columns."""

    sensitivity: str
    confidence: float
    roots: frozenset[Column]


def passes(flow: Flow) -> bool:
    """Whether values go by a flow as they are, or so changed that they still tell what they told."""
    return (
        flow.transformation == "DIRECT"
        and flow.subtype in ("IDENTITY", "TRANSFORMATION")
        and not flow.masking
        and flow.from_column is not None
        and flow.to_column is not None
        and flow.confidence >= SURE_ENOUGH
    )


def carry(
    own: Iterable[Label],
    flows: Iterable[Flow],
    refuted: Callable[[Place], bool] = lambda place: False,
    given: Mapping[Place, Carried] | None = None,
) -> dict[Place, Carried]:
    """The classes that lineage carries to columns, by asset, column and class.

    `refuted` places take a class and hand nothing on: their data was looked at. `given` are classes carried to columns
    outside the flows. Confidence falls with each transformation; below 0.3 a class is no longer told.
    """
    onward: dict[Column, list[Flow]] = defaultdict(list)
    for flow in flows:
        if passes(flow):
            onward[flow.from_asset, flow.from_column or ""].append(flow)
    found: dict[Place, dict[Column, float]] = defaultdict(dict)
    sensitivities: dict[Place, str] = {}
    work: list[tuple[Column, str, str, Column, float]] = []
    for label in own:
        place = (label.asset, label.column)
        work.append((place, label.data_class, label.sensitivity, place, label.confidence))
    for (asset, column, data_class), carried in (given or {}).items():
        work += [((asset, column), data_class, carried.sensitivity, root, carried.confidence) for root in carried.roots]
    while work:
        at, data_class, sensitivity, root, confidence = work.pop()
        if at != root and refuted((*at, data_class)):
            continue
        for flow in onward.get(at, ()):
            there = (flow.to_asset, flow.to_column or "")
            weight = round(confidence * flow.confidence * (1.0 if flow.subtype == "IDENTITY" else WEAKER), 6)
            known = found[*there, data_class]
            if there == root or weight < LEAST or known.get(root, 0.0) >= weight:
                continue
            known[root] = weight
            sensitivities[*there, data_class] = sensitivity
            work.append((there, data_class, sensitivity, root, weight))
    return {
        place: Carried(sensitivities[place], max(roots.values()), frozenset(roots))
        for place, roots in found.items()
        if roots
    }
