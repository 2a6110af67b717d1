"""What people's decisions change for the labels to come: where a class is no longer automatic, and why.

Three exceptions, each with its own threshold, that hold until people decide otherwise:

- on columns of a name: the share of approvals moves the confidence (`precedents`);
- on an asset: who rejects a class on three columns of a table and approves it on fewer says something of the table
  (test data, say), so the confidence of that class on its other columns falls to the share;
- everywhere: a class whose sure labels people refuse in more than one of ten assets goes to review.

They only ever send a label to a person: nothing is hidden by them, and no label is made.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.classification.decisions import LabelFacts
from actors.classification.precedents import MOST, WEIGHT, Precedent, Precedents, adjusted, name_key
from actors.classification.tables import Decision
from cluster.kernels.intervals import clopper_pearson

LEAST_COLUMNS: Final = 3
LEAST_ASSETS: Final = 5
LEAST_PRECISION: Final = 0.9
SURE: Final = 0.75
"""A label of which the machine was so confident is one that it would not have asked about."""


class Tally(NamedTuple):
    """Decisions in force, and how many of them were approvals."""

    decided: int
    approved: int


class Feedback(NamedTuple):
    """Decisions in force: by class and name, by class and asset with the column, and by class the assets in which the
    machine had been sure: an asset approves if half of its labels of the class were."""

    by_name: Precedents
    by_asset: Mapping[tuple[str, str], Mapping[str, bool]]
    by_class: Mapping[str, Tally]


class ClassException(BaseModel):
    """Where a class is no longer automatic by itself. `place` is the key of a column's name, the id of an asset, or
    empty where the class is so everywhere."""

    model_config = ConfigDict(frozen=True)

    data_class: str
    scope: Literal["name", "asset", "class"]
    place: str
    decided: int
    approved: int


def feedback(session: Session) -> Feedback:
    """The newest 100,000 decisions in force."""
    confidence = Decision.basis["confidence"].as_float()
    statement = select(Decision.data_class, Decision.column, Decision.asset_id, Decision.decision, confidence)
    statement = statement.where(Decision.ended_at.is_(None)).order_by(Decision.seq.desc()).limit(MOST)
    by_name: dict[tuple[str, str], list[Precedent]] = defaultdict(list)
    by_asset: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    sure: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for data_class, column, asset_id, decision, believed in session.execute(statement):
        approved = decision != "reject"
        by_name[data_class, name_key(column)].append(Precedent(asset_id, approved))
        by_asset[data_class, asset_id][column] = approved
        if believed is not None and believed >= SURE:
            sure[data_class][asset_id].append(approved)
    by_class = {
        name: Tally(len(assets), sum(2 * sum(told) >= len(told) for told in assets.values()))
        for name, assets in sure.items()
    }
    return Feedback(by_name, by_asset, by_class)


def heeded(label: LabelFacts, column: str, asset_id: str, known: Feedback, automatic_at: float) -> LabelFacts:
    """The machine's label with what people decided elsewhere taken into account.

    `automatic_at` is the confidence from which no review is needed.
    """
    label = adjusted(label, column, asset_id, known.by_name, automatic_at)
    label = _in_asset(label, column, asset_id, known, automatic_at)
    told = known.by_class.get(label.data_class)
    if label.state != "automatic" or told is None or not refused(told):
        return label
    words = f"Of sure labels of this class people approved those of {told.approved} of {told.decided} assets."
    return label.model_copy(update={"state": "review", "reasons": (*label.reasons, words)})


def _in_asset(label: LabelFacts, column: str, asset_id: str, known: Feedback, automatic_at: float) -> LabelFacts:
    others = {name: yes for name, yes in known.by_asset.get((label.data_class, asset_id), {}).items() if name != column}
    told = Tally(len(others), sum(others.values()))
    if not rejected_there(told):
        return label
    blended = round((label.confidence * WEIGHT + told.approved) / (WEIGHT + told.decided), 4)
    confidence = min(label.confidence, blended)
    words = f"People rejected it on {told.decided - told.approved} of {told.decided} other columns of this asset."
    return label.model_copy(
        update={
            "confidence": confidence,
            "state": "review" if label.state == "review" or confidence < automatic_at else "automatic",
            "reasons": (*label.reasons, words),
        }
    )


def rejected_there(told: Tally) -> bool:
    """Whether an asset speaks against a class: rejected on three columns of it at least, and on most."""
    rejected = told.decided - told.approved
    return rejected >= LEAST_COLUMNS and rejected > told.approved


def refused(told: Tally) -> bool:
    """Whether people surely (Clopper and Pearson, 95 %) refuse a class in more than one of ten assets."""
    return told.decided >= LEAST_ASSETS and clopper_pearson(told.approved, told.decided)[1] < LEAST_PRECISION


def exceptions(session: Session) -> list[ClassException]:
    """The exceptions that decisions have made, by class, scope and place."""
    known = feedback(session)
    found = [
        ClassException(data_class=name, scope="class", place="", decided=told.decided, approved=told.approved)
        for name, told in known.by_class.items()
        if refused(told)
    ]
    for (name, asset_id), columns in known.by_asset.items():
        told = Tally(len(columns), sum(columns.values()))
        if rejected_there(told):
            found.append(
                ClassException(
                    data_class=name, scope="asset", place=asset_id, decided=told.decided, approved=told.approved
                )
            )
    for (name, key), some in known.by_name.items():
        assets = {one.asset_id for one in some}
        approved = len({one.asset_id for one in some if one.approved})
        if len(assets) >= WEIGHT and 2 * approved < len(assets):
            found.append(
                ClassException(data_class=name, scope="name", place=key, decided=len(assets), approved=approved)
            )
    return sorted(found, key=lambda one: (one.data_class, one.scope, one.place))
