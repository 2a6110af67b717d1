"""Risk as it stands, as it was, and as it would be; and what to do next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.compliance import factbook, imagining, risk
from actors.compliance.advice import Actionable
from actors.compliance.contract import Change, ColumnRisk, RecommendationView, RiskSample, RiskView, WhatIf
from actors.compliance.frameworks import chosen
from actors.compliance.tables import Finding, Recommendation, RiskDay, Rule
from cluster.errors import NotFound


def risk_of_source(session: Session, source_id: str) -> RiskView:
    """The risk of a source by the facts as they stand."""
    return risk.of_source(factbook.current(session, source_id, datetime.now(UTC)))


def risk_of_asset(session: Session, source_id: str, asset_id: str) -> list[ColumnRisk]:
    """The risk of the columns of an asset."""
    return list(risk.of_columns(factbook.current(session, source_id, datetime.now(UTC), [asset_id])))


def risk_of_estate(session: Session) -> list[RiskSample]:
    """The newest sample of each source, the heaviest first."""
    newest = select(RiskDay).ext(distinct_on(RiskDay.source_id)).order_by(RiskDay.source_id, RiskDay.day.desc())
    found = [RiskSample.model_validate(row) for row in session.scalars(newest)]
    return sorted(found, key=lambda one: (-one.total, one.source_id))


def risk_trend(session: Session, source_id: str, days: int, limit: int) -> list[RiskSample]:
    """The samples of the last days of a source, the newest first."""
    since = datetime.now(UTC).date() - timedelta(days=days)
    rows = select(RiskDay).where(RiskDay.source_id == source_id, RiskDay.day >= since)
    return [RiskSample.model_validate(row) for row in session.scalars(rows.order_by(RiskDay.day.desc()).limit(limit))]


def what_if(session: Session, source_id: str, changes: Sequence[Change], frameworks: tuple[str, ...]) -> WhatIf:
    """What changes would do. Raises InvalidInput, and NotFound for a framework."""
    facts = factbook.current(session, source_id, datetime.now(UTC))
    return imagining.what_if(facts, changes, chosen(session, frameworks) if frameworks else [])


def get_recommendation(session: Session, recommendation_id: str) -> RecommendationView:
    """One recommendation. Raises NotFound."""
    row = session.get(Recommendation, recommendation_id)
    if row is None:
        raise NotFound("There is no such recommendation.", "List those of the source; what was done is gone from it.")
    return RecommendationView.model_validate(row)


def recommendations(
    session: Session, source_id: str, after: str | None = None, limit: int = 100
) -> list[RecommendationView]:
    """Recommendations of a source by rank; `after` is the rank behind which to begin."""
    statement = select(Recommendation).where(Recommendation.source_id == source_id)
    if after is not None:
        statement = statement.where(Recommendation.rank > (int(after) if after.isdigit() else 0))
    return [
        RecommendationView.model_validate(row)
        for row in session.scalars(statement.order_by(Recommendation.rank).limit(limit))
    ]


def actionable(session: Session, source_id: str) -> list[Actionable]:
    """What the findings that fail or lack evidence ask for, with the words of their rules for the data."""
    wanted = (Finding.id, Finding.framework, Finding.control, Finding.subject, Finding.subject_name)
    more = (Finding.verdict, Finding.severity, Finding.reason, Finding.action, Finding.columns)
    data = func.coalesce(Rule.body["parameters"]["data"].astext, "")
    statement = (
        select(*wanted, *more, data)
        .join(Rule, Rule.digest == Finding.rule_digest)
        .where(Finding.source_id == source_id, Finding.verdict.in_(("FAIL", "INSUFFICIENT_EVIDENCE")))
        .where(Finding.action != "")
        .order_by(Finding.id)
    )
    return [Actionable(*row) for row in session.execute(statement)]
