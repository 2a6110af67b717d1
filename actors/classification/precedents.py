"""What people decided on columns of the same name, as evidence for the next one of that name.

A decision is about one column and stays that. But where the same class was confirmed or rejected on columns of the same
name in other assets, that says something of the next: the machine's confidence is moved towards their share, as if it
were itself worth three decisions (the mean of a Beta distribution whose prior has that weight). Nothing is hidden by
it: a label that people keep rejecting goes to review and says why.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from actors.classification.decisions import LabelFacts

WEIGHT: Final = 3
_SEPARATORS: Final = re.compile(r"[\W_]+")
MOST: Final = 100_000


class Precedent(NamedTuple):
    """How a class was decided on the column of one asset."""

    asset_id: str
    approved: bool


Precedents = Mapping[tuple[str, str], Iterable[Precedent]]


def name_key(column: str) -> str:
    """The name without its spelling: `EmailAddress`, `email_address` and `email-address` are the same name."""
    return _SEPARATORS.sub("", column).lower()


def adjusted(label: LabelFacts, column: str, asset_id: str, known: Precedents, automatic_at: float) -> LabelFacts:
    """The machine's label with what people decided on other assets taken into account.

    Fewer than three assets say too little. `automatic_at` is the confidence from which no review is needed.
    """
    others = [p for p in known.get((label.data_class, name_key(column)), ()) if p.asset_id != asset_id]
    assets = {p.asset_id for p in others}
    if len(assets) < WEIGHT:
        return label
    approved = len({p.asset_id for p in others if p.approved})
    confidence = round((label.confidence * WEIGHT + approved) / (WEIGHT + len(assets)), 4)
    words = f"People approved it on {approved} of {len(assets)} other columns of this name."
    return label.model_copy(
        update={
            "confidence": confidence,
            "state": "automatic" if confidence >= automatic_at else "review",
            "reasons": (*label.reasons, words),
        }
    )
