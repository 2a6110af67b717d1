"""The read side of the classification group."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from actors.classification.answers import kept
from actors.classification.contract import (
    ClassSummary,
    ColumnGuesses,
    EvidenceView,
    GuessTier,
    LabelState,
    LabelView,
)
from actors.classification.model_choice import Versions, versions
from actors.classification.tables import Decision, Evidence, Label
from cluster.detectors.taxonomy import SENSITIVITIES, Sensitivity
from cluster.errors import NotFound
from cluster.kernels.report import ClassEvidence
from cluster.ml.gate import ModelKind

LIMIT = 1000
# What two equal classifications may differ in.
_PASSING = {"id", "source_id", "asset_id", "updated_at"}


class LabelFilter(BaseModel):
    """Which labels to list; conditions are joined by "and". `min_sensitivity` asks for it and everything above it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_id: str | None = None
    asset_id: str | None = None
    data_class: str | None = None
    state: LabelState | None = None
    min_sensitivity: Sensitivity | None = None
    drifted: bool | None = None


class DecisionView(BaseModel):
    """A decision, in force while `ended_at` is None."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    label_id: str
    asset_id: str
    column: str
    data_class: str
    decision: str
    reason: str
    principal: str
    decided_at: datetime
    ended_at: datetime | None
    ended_by: str | None


ANYTHING = LabelFilter()
_KINDS: Final[dict[GuessTier, ModelKind]] = {"model": "columns", "language": "embedding"}


def label_view(row: Label) -> LabelView:
    """A label as others see it."""
    return LabelView.model_validate(row)


def matching(wanted: LabelFilter) -> Select[Label]:
    """The labels that fit, as a statement to go on with."""
    statement = select(Label)
    for name in ("source_id", "asset_id", "data_class", "state", "drifted"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(getattr(Label, name) == value)
    if wanted.min_sensitivity is not None:
        from_there = SENSITIVITIES[SENSITIVITIES.index(wanted.min_sensitivity) :]
        statement = statement.where(Label.sensitivity.in_(from_there))
    return statement


def labels(
    session: Session, wanted: LabelFilter = ANYTHING, after: str | None = None, limit: int = 100
) -> list[LabelView]:
    """Labels in the order of their ids, beginning behind `after`."""
    statement = matching(wanted).order_by(Label.id).limit(min(limit, LIMIT))
    if after:
        statement = statement.where(Label.id > after)
    return [label_view(row) for row in session.scalars(statement)]


def get_label(session: Session, label_id: str) -> LabelView:
    """One label. Raises NotFound."""
    row = session.get(Label, label_id)
    if row is None:
        raise NotFound("There is no such label.", "List the labels to see their ids.")
    return label_view(row)


def labels_of_source(session: Session, source_id: str) -> Iterator[LabelView]:
    """All labels of a source by asset, column and class."""
    statement = select(Label).where(Label.source_id == source_id).order_by(Label.asset, Label.column, Label.data_class)
    for row in session.scalars(statement.execution_options(yield_per=500)):
        yield label_view(row)


def labels_of_asset(session: Session, asset_id: str) -> Iterator[LabelView]:
    """All labels of an asset by column and class."""
    statement = select(Label).where(Label.asset_id == asset_id).order_by(Label.column, Label.data_class)
    for row in session.scalars(statement):
        yield label_view(row)


def evidence(session: Session, asset_id: str, column: str) -> list[EvidenceView]:
    """The figures behind the labels of a column: the census if there was one, then the sample if one came later.

    Raises NotFound if the column was never scanned.
    """
    statement = select(Evidence).where(Evidence.asset_id == asset_id, Evidence.column == column)
    rows = session.scalars(statement.order_by(Evidence.method)).all()
    if not rows:
        raise NotFound("There is no evidence on this column.", "Check asset and column, or scan the source first.")
    return [
        EvidenceView(
            asset_id=row.asset_id,
            column=row.column,
            method=row.method,
            rules_digest=row.rules_digest,
            classes=tuple(ClassEvidence.model_validate(found) for found in row.evidence["classes"]),
            texts=row.evidence.get("texts"),
            observed_at=row.observed_at,
        )
        for row in rows
    ]


def scanned_columns(session: Session, asset_id: str) -> set[str]:
    """The columns of an asset that were scanned."""
    return set(session.scalars(select(Evidence.column).where(Evidence.asset_id == asset_id)))


def guesses(session: Session, assets: Iterable[str]) -> Iterator[ColumnGuesses]:
    """What models said of the columns of these assets, by their ids."""
    return kept(session, assets)


def model_folders(session: Session, assets: Iterable[str]) -> dict[str, dict[GuessTier, Path]]:
    """By the path of an asset where the version lies that answers for it, for each tier that has one registered."""
    tiers: dict[GuessTier, Versions] = {tier: versions(session, kind) for tier, kind in _KINDS.items()}
    return {
        asset: {tier: found.folder for tier, some in tiers.items() if (found := some.answering(asset)) is not None}
        for asset in assets
    }


def text_model(session: Session) -> Path | None:
    """Where the version lies that reads free texts in scans; None where none is registered, or a setting names one."""
    active = versions(session, "entities").active
    return active.folder if active else None


def shadow_folders(session: Session) -> dict[GuessTier, Path]:
    """Where the version lies that is asked beside the one that answers, for each tier that has one."""
    tiers = {tier: versions(session, kind).shadow for tier, kind in _KINDS.items()}
    return {tier: found.folder for tier, found in tiers.items() if found is not None}


def decisions(session: Session, asset_id: str, column: str | None = None) -> list[DecisionView]:
    """Every decision ever made on an asset or one of its columns, oldest first."""
    statement = select(Decision).where(Decision.asset_id == asset_id).order_by(Decision.seq)
    if column is not None:
        statement = statement.where(Decision.column == column)
    return [DecisionView.model_validate(row) for row in session.scalars(statement)]


def summary(session: Session, source_id: str) -> list[ClassSummary]:
    """How often each class occurs in a source, rejected labels left out, by name of the class."""
    statement = (
        select(
            Label.data_class,
            func.max(Label.sensitivity),
            func.count(),
            func.count(Label.asset_id.distinct()),
            func.count().filter(Label.state == "review"),
        )
        .where(Label.source_id == source_id, Label.state != "rejected")
        .group_by(Label.data_class)
        .order_by(Label.data_class)
    )
    return [
        ClassSummary(data_class=name, sensitivity=sensitivity, columns=columns, assets=assets, review=review)
        for name, sensitivity, columns, assets, review in session.execute(statement)
    ]


def digest(session: Session, source_id: str) -> str:
    """SHA-256 over the labels of a source without ids and times: two equal classifications have the same."""
    total = hashlib.sha256()
    for view in labels_of_source(session, source_id):
        total.update(json.dumps(view.model_dump(mode="json", exclude=_PASSING), sort_keys=True).encode() + b"\n")
    return total.hexdigest()
