"""What drift and feedback mean: figures against before and against training, and when they propose to train anew."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.orm import Session

from actors.classification.contract import DriftFigure
from actors.classification.model_retraining import propose
from actors.classification.precision import precision_by_class
from cluster.ml.figures import Histogram
from cluster.ml.watched import EDGES
from cluster.runtime.commands import UnitOfWork

LEAST: Final = 50
"""Fewer columns than this, before or after, say nothing."""
WANTED_PRECISION: Final = 0.98
LEAST_DECIDED: Final = 20


def figures_of(
    counts: Mapping[str, Sequence[int]], first: Mapping[str, Sequence[int]], trained: Mapping[str, Histogram]
) -> list[DriftFigure]:
    """Drift of all distributions of which there is enough, in the order of their names.

    What was learned from generated data differs from what a source holds from the first day: that is shown, and only
    what moves after the first day is told as drift.
    """
    found = []
    for name, now in sorted(counts.items()):
        learned = trained.get(name)
        fits = learned is not None and learned.edges == EDGES.get(name, learned.edges)
        found += _figure(name, "first", first.get(name, ()), now)
        found += _figure(name, "training", learned.counts if fits and learned else (), now)
    return found


def _figure(name: str, against: str, before: Sequence[int], now: Sequence[int]) -> list[DriftFigure]:
    if len(before) != len(now) or min(sum(before), sum(now)) < LEAST:
        return []
    from cluster.ml.drift import drift  # numpy, for whoever has something to compare

    told = drift(before, now)
    shown = {key: round(getattr(told, key), 6) for key in ("psi", "ks", "js")}
    figure = {"name": name, "against": against, "before": told.before, "after": told.after, "verdict": told.verdict}
    return [DriftFigure.model_validate(figure | shown)]


def propose_for(work: UnitOfWork, large: Sequence[DriftFigure]) -> None:
    """A proposal to train the column model anew where something has moved far, or people take back too many labels."""
    reasons = [f"{each.name} has moved far (PSI {each.psi:.2f}) since it was first seen" for each in large]
    reasons += feedback(work.session)
    if reasons:
        propose(work, "columns", reasons)


def feedback(session: Session) -> list[str]:
    """Classes whose automatic labels are, by the decisions of people, surely less precise than promised."""
    from cluster.kernels.intervals import clopper_pearson

    found = []
    for one in precision_by_class(session):
        if one.automatic_decided < LEAST_DECIDED:
            continue
        _, high = clopper_pearson(one.automatic_approved, one.automatic_decided)
        if high < WANTED_PRECISION:
            share = one.automatic_approved / one.automatic_decided
            found.append(
                f"people approved {share:.0%} of {one.automatic_decided} automatic labels of {one.data_class}: the "
                f"precision is at most {high:.0%} and has to be {WANTED_PRECISION:.0%}"
            )
    return found
