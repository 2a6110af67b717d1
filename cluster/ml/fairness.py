"""Whether detection works equally well for all groups of people: demographic parity and equalised odds, with a gate.

A group is a locale, a script, the origin of names or a source of data. Terms after Hardt, Price and Srebro, Equality of
Opportunity in Supervised Learning (2016): demographic parity compares how often something is found, equalised odds how
often it is found where it is (true positive rate) and where it is not (false positive rate).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from cluster.kernels.intervals import clopper_pearson

LEAST: Final = 30


class Detection(NamedTuple):
    """One thing that was looked at: of which group it is, whether it is there, and whether it was found."""

    group: str
    is_there: bool
    was_found: bool


class GroupRates(BaseModel):
    """The rates of one group; None where nothing could be counted. `tpr_low` and `tpr_high` bound the rate at 95 %."""

    model_config = ConfigDict(frozen=True)

    group: str
    looked_at: int
    there: int
    selection: float
    tpr: float | None
    tpr_low: float | None
    tpr_high: float | None
    fpr: float | None


class Fairness(BaseModel):
    """The largest differences between groups, and whether they pass the gate.

    Groups with fewer than 30 that are there take no part in the difference of true positive rates, nor those with fewer
    than 30 that are not in that of false ones, nor those of which fewer than 30 were looked at in that of selection: so
    few say nothing.
    """

    model_config = ConfigDict(frozen=True)

    groups: tuple[GroupRates, ...]
    parity_gap: float
    odds_gap: float
    limit: float = Field(gt=0)
    worst: str | None

    @property
    def passed(self) -> bool:
        """Whether no group's detection lags behind another's by more than the limit."""
        return self.odds_gap <= self.limit


def fairness(detections: Iterable[Detection], limit: float = 0.05) -> Fairness:
    """Rates by group in the order of names, the gaps between the best and the worst, and the group that lags most."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for group, is_there, was_found in detections:
        counts[group][2 * is_there + was_found] += 1
    groups = tuple(_rates(group, *counts[group]) for group in sorted(counts))
    hits = {g.group: g.tpr for g in groups if g.tpr is not None and g.there >= LEAST}
    false = [g.fpr for g in groups if g.fpr is not None and g.looked_at - g.there >= LEAST]
    return Fairness(
        groups=groups, parity_gap=_gap([g.selection for g in groups if g.looked_at >= LEAST]),
        odds_gap=max(_gap(list(hits.values())), _gap(false)), limit=limit,
        worst=min(hits, key=lambda name: (hits[name], name)) if hits else None,
    )  # fmt: skip


def _rates(group: str, left: int, false: int, missed: int, found: int) -> GroupRates:
    there, not_there = missed + found, left + false
    low, high = clopper_pearson(found, there) if there else (None, None)
    return GroupRates(
        group=group, looked_at=there + not_there, there=there, selection=(found + false) / (there + not_there),
        tpr=found / there if there else None, tpr_low=low, tpr_high=high, fpr=false / not_there if not_there else None,
    )  # fmt: skip


def _gap(rates: list[float]) -> float:
    return max(rates) - min(rates) if rates else 0.0
