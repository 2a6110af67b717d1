"""Trying a detector on values: what it would find in each, and what a scan would say of them as a column.

The values are looked at and forgotten; the answer names them by their place.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from actors.classification.realtime import classify_evidence, default_rules, evidence_of
from actors.classification.tiers import Ranked
from cluster.errors import NotFound
from cluster.kernels.report import ClassEvidence


class Hit(BaseModel):
    """What was found in the value at `index`: the pattern, the value as a whole, and whether the check passed."""

    model_config = ConfigDict(frozen=True)

    index: int
    matched: bool
    whole: bool
    validated: bool


class Trial(BaseModel):
    """`hits` are the values in which the pattern was found. `evidence` are the figures of all of them as one column,
    None where nothing was found; `classes` is the verdict on that column under the installed rules, with reasons."""

    model_config = ConfigDict(frozen=True)

    detector: str
    tried: int
    hits: tuple[Hit, ...]
    evidence: ClassEvidence | None
    classes: tuple[Ranked, ...]


def tried(detector: str, values: Sequence[object], name: str = "", table: str = "") -> Trial:
    """Runs one detector over values of a column of this name. Raises NotFound for a detector that is not installed."""
    rules = default_rules()
    known = rules.detector(detector)
    if known is None:
        raise NotFound("There is no such detector.", "List the detectors to see their ids.")
    alone = rules.narrowed([detector])

    def found(some: Sequence[object]) -> ClassEvidence | None:
        classes = evidence_of({name: some}, alone)[name].classes if some else ()
        return next((each for each in classes if each.detector == detector and each.matched), None)

    hits = [
        Hit(index=place, matched=True, whole=bool(each.whole), validated=bool(each.validated))
        for place, value in enumerate(values)
        if value is not None and (each := found([value])) is not None
    ]
    together = found(values)
    ranked = classify_evidence(evidence_of({name: values}, rules), table, ("rules",), rules=rules)[name]
    hidden = together.model_copy(update={"examples": ()}) if together else None
    return Trial(detector=detector, tried=len(values), hits=tuple(hits), evidence=hidden, classes=ranked)
