"""Why the column model says what it says, in words: from what each feature adds to the log-odds of a class."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

GROUPS = {
    "traits": "what its values look like",
    "profile": "its profile",
    "detectors": "what detectors found",
    "checks": "how its values pass checks",
    "name": "its name",
    "table": "the name of its table",
    "neighbours": "the names of its neighbours",
    "beside": "what detectors found beside it",
}
LEAST = 0.15  # log-odds from which a group is worth a word
_PLACES = {"is": "are", "begins": "begin with", "ends": "end with", "has": "hold"}


def summed(contributions: Mapping[str, float]) -> dict[str, float]:
    """What each group of features adds, by its words, the largest first; the bias is left out."""
    total: dict[str, float] = {}
    for name, added in contributions.items():
        group = GROUPS.get(name.partition(":")[0])
        if group is not None:
            total[group] = total.get(group, 0.0) + added
    return {group: round(total[group], 4) for group in sorted(total, key=lambda group: -abs(total[group]))}


def reason(names: Sequence[str], features: NDArray[np.float32], shap: NDArray[np.float64]) -> tuple[str, ...]:
    """Two sentences at most: which groups speak for it and against it, and the figures that tell most."""
    total = summed(dict(zip(names, shap.tolist(), strict=False)))
    for_it = [f"{group} (+{added:.1f})" for group, added in total.items() if added >= LEAST]
    against = [f"{group} ({added:.1f})" for group, added in total.items() if added <= -LEAST]
    told = []
    if for_it:
        told.append(f"for it speaks {', '.join(for_it[:3])}" + (f"; against it {against[0]}" if against else ""))
    strongest = np.argsort(-shap[: len(names)], kind="stable")[:12]
    figures = [words for place in strongest if shap[place] > 0 and (words := _words(names[place], features[place]))]
    if figures:
        told.append("; ".join(figures[:2]))
    return tuple(told)


def _words(name: str, value: float) -> str:
    """The figure of a feature in words; empty for one that people could not read."""
    group, _, what = name.partition(":")
    if np.isnan(value):
        return ""
    if group == "detectors" and value > 0:
        return f"{value:.0%} of the values have the form of {what}"
    if group == "name" and what not in {"silent", "none"} and value > 0.3:
        return f"the name is near to names of {what} (cosine {value:.2f})"
    if group == "traits" and value > 0:
        return _trait(what, value)
    return f"{value:.0%} of the values are different ones" if what == "distinct_share" else ""


def _trait(what: str, value: float) -> str:
    place, _, kind = what.partition("_")
    if place in _PLACES:
        return f"{value:.0%} of the values {_PLACES[place]} a listed word: {kind.replace('_', ' ')}"
    return f"{value:.0%} of the values look like: {kind.replace('_', ' ')}" if place == "form" else ""
