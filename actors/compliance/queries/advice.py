"""Risk as it stands, as it was, and as it would be; and what to do next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.compliance import imagining, risk, sight
from actors.compliance.advice import Actionable, advise
from actors.compliance.contract import Change, ColumnRisk, RecommendationView, RiskSample, RiskView, WhatIf
from actors.compliance.frameworks import chosen
from actors.compliance.tables import Finding, Recommendation, RiskDay, Rule
from cluster.context import Caller
from cluster.errors import NotFound

EVERYBODY = sight.EVERYBODY


def risk_of_source(session: Session, source_id: str, caller: Caller = EVERYBODY) -> RiskView:
    """The risk of a source by the facts as they stand."""
    return risk.of_source(sight.current(session, source_id, datetime.now(UTC), caller=caller))


def risk_of_asset(session: Session, source_id: str, asset_id: str, caller: Caller = EVERYBODY) -> list[ColumnRisk]:
    """The risk of the columns of an asset."""
    return list(risk.of_columns(sight.current(session, source_id, datetime.now(UTC), [asset_id], caller)))


def risk_of_estate(session: Session, caller: Caller = EVERYBODY) -> list[RiskSample]:
    """The newest sample of each source, the heaviest first; of one that the caller does not see whole, as it is now."""
    newest = select(RiskDay).ext(distinct_on(RiskDay.source_id)).order_by(RiskDay.source_id, RiskDay.day.desc())
    found = [_sampled(session, RiskSample.model_validate(row), caller) for row in session.scalars(newest)]
    return sorted(found, key=lambda one: (-one.total, one.source_id))


def risk_trend(session: Session, source_id: str, days: int, limit: int, caller: Caller = EVERYBODY) -> list[RiskSample]:
    """The samples of the last days, the newest first; of a source that the caller does not see whole, as it is now."""
    since = datetime.now(UTC).date() - timedelta(days=days)
    rows = select(RiskDay).where(RiskDay.source_id == source_id, RiskDay.day >= since)
    limit = 1 if sight.veiled(session, source_id, caller) else limit
    found = session.scalars(rows.order_by(RiskDay.day.desc()).limit(limit))
    return [_sampled(session, RiskSample.model_validate(row), caller) for row in found]


def what_if(
    session: Session,
    source_id: str,
    changes: Sequence[Change],
    frameworks: tuple[str, ...],
    caller: Caller = EVERYBODY,
) -> WhatIf:
    """What changes would do. Raises InvalidInput, and NotFound for a framework."""
    facts = sight.current(session, source_id, datetime.now(UTC), caller=caller)
    return imagining.what_if(facts, changes, chosen(session, frameworks) if frameworks else [])


def get_recommendation(session: Session, recommendation_id: str, caller: Caller = EVERYBODY) -> RecommendationView:
    """One recommendation. Raises NotFound."""
    row = session.get(Recommendation, recommendation_id)
    found = RecommendationView.model_validate(row) if row is not None else None
    if found is not None and sight.veiled(session, found.source_id, caller):
        advice = advise(found.source_id, actionable(session, found.source_id, caller))
        found = next((one for one in advice if one.id == recommendation_id), None)
    if found is None:
        raise NotFound("There is no such recommendation.", "List those of the source; what was done is gone from it.")
    return found


def recommendations(
    session: Session, source_id: str, after: str | None = None, limit: int = 100, caller: Caller = EVERYBODY
) -> list[RecommendationView]:
    """Recommendations of a source by rank; `after` is the rank behind which to begin.

    To a caller who does not see the source whole they are given anew, from the findings that are seen.
    """
    behind = int(after) if after is not None and after.isdigit() else 0
    if sight.veiled(session, source_id, caller):
        return advise(source_id, actionable(session, source_id, caller))[behind : behind + limit]
    ranked = select(Recommendation).where(Recommendation.source_id == source_id, Recommendation.rank > behind)
    rows = session.scalars(ranked.order_by(Recommendation.rank).limit(limit))
    return [RecommendationView.model_validate(row) for row in rows]


def actionable(session: Session, source_id: str, caller: Caller = EVERYBODY) -> list[Actionable]:
    """What the findings that fail or lack evidence ask for, with the words of their rules for the data."""
    wanted = (Finding.id, Finding.framework, Finding.control, Finding.subject, Finding.subject_name)
    more = (Finding.verdict, Finding.severity, Finding.reason, Finding.action, Finding.columns)
    data = func.coalesce(Rule.body["parameters"]["data"].astext, "")
    statement = (
        select(*wanted, *more, data)
        .join(Rule, Rule.digest == Finding.rule_digest)
        .where(Finding.source_id == source_id, Finding.verdict.in_(("FAIL", "INSUFFICIENT_EVIDENCE")))
        .where(Finding.action != "", sight.findings(caller))
        .order_by(Finding.id)
    )
    return [Actionable(*row) for row in session.execute(statement)]


def _sampled(session: Session, sample: RiskSample, caller: Caller) -> RiskSample:
    """The sample, or the risk just now of what the caller sees of the source."""
    if not sight.veiled(session, sample.source_id, caller):
        return sample
    seen = risk_of_source(session, sample.source_id, caller)
    failing = select(func.count()).where(Finding.source_id == sample.source_id, Finding.verdict == "FAIL")
    number = session.scalars(failing.where(sight.findings(caller))).one()
    figures = seen.model_dump(include={"score", "total", "columns", "unknown"})
    return sample.model_copy(update={**figures, "failing": number, "day": datetime.now(UTC).date()})
