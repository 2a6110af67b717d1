"""How a person's decision and the machine's verdict make one label: the decision wins, the evidence stays visible."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from actors.classification.contract import LabelState, Origin
from cluster.detectors.taxonomy import Taxonomy


class LabelFacts(BaseModel):
    """All that a label says, without its place, its id and its time: equal facts are the same label."""

    model_config = ConfigDict(frozen=True)

    data_class: str
    sensitivity: str
    tags: tuple[str, ...] = ()
    confidence: float
    prevalence: float | None = None
    low: float | None = None
    high: float | None = None
    matched: int | None = None
    scanned: int | None = None
    method: Literal["census", "sample", "decision"]
    tier: str
    model: str | None = None
    detector: str | None = None
    whole_column: bool = True
    origin: Origin = "machine"
    state: LabelState
    drifted: bool = False
    reasons: tuple[str, ...] = ()


class Ruling(BaseModel):
    """A decision in force. `basis` is what the machine said when it was made: its state and confidence, or None."""

    model_config = ConfigDict(frozen=True)

    data_class: str
    decision: Literal["confirm", "reject", "assign"]
    reason: str
    principal: str
    basis: dict[str, Any]


def basis_of(machine: LabelFacts | None, sensitivity: str, tags: Iterable[str]) -> dict[str, Any]:
    """What a decision rests on: what the machine said, and what the class meant."""
    return {
        "state": machine.state if machine else None,
        "confidence": machine.confidence if machine else None,
        "tier": machine.tier if machine else None,
        "sensitivity": sensitivity,
        "tags": list(tags),
    }


def settle(
    machine: Mapping[str, LabelFacts], rulings: Iterable[Ruling], taxonomy: Taxonomy, *, census: bool
) -> dict[str, LabelFacts]:
    """The labels of one column by class. `census` says that every value of the column was looked at."""
    settled = dict(machine)
    for ruling in rulings:
        settled[ruling.data_class] = ruled(machine.get(ruling.data_class), ruling, taxonomy, census=census)
    return settled


def ruled(machine: LabelFacts | None, ruling: Ruling, taxonomy: Taxonomy, *, census: bool) -> LabelFacts:
    """The label under a decision, with the machine's figures where it has any."""
    facts = machine or _unseen(ruling, taxonomy)
    rejected = ruling.decision == "reject"
    verb = {"confirm": "Confirmed", "reject": "Rejected", "assign": "Assigned"}[ruling.decision]
    said = f"{verb} by {ruling.principal}" + (f": {ruling.reason}" if ruling.reason else ".")
    return facts.model_copy(
        update={
            "confidence": 0.0 if rejected else 1.0,
            "origin": "human",
            "state": "rejected" if rejected else "confirmed",
            "drifted": _drifted(machine, ruling, census=census),
            "reasons": (said, *facts.reasons),
        }
    )


def _drifted(machine: LabelFacts | None, ruling: Ruling, *, census: bool) -> bool:
    """Whether the evidence speaks against the decision now and did not when it was made.

    Against a rejection speaks a label that needs no review; against an approval that a census no longer finds what the
    machine had found. A sample that does not find it may just have missed it.
    """
    if ruling.decision == "reject":
        return machine is not None and machine.state == "automatic" and ruling.basis.get("state") != "automatic"
    return machine is None and census and ruling.basis.get("state") is not None


def _unseen(ruling: Ruling, taxonomy: Taxonomy) -> LabelFacts:
    known = taxonomy.classes.get(ruling.data_class)
    return LabelFacts(
        data_class=ruling.data_class,
        sensitivity=known.sensitivity if known else ruling.basis["sensitivity"],
        tags=known.tags if known else tuple(ruling.basis["tags"]),
        confidence=0.0,
        method="decision",
        tier="human",
        state="review",
    )
