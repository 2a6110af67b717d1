"""Samples of risk by day, from which its trend is read."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from actors.compliance import factbook, risk
from actors.compliance.tables import Finding, RiskDay


def sample(session: Session, source_id: str, now: datetime) -> None:
    """Notes the risk of a source for the day of `now`, in place of what was noted before on that day."""
    told = risk.of_source(factbook.current(session, source_id, now))
    failing = select(func.count()).where(Finding.source_id == source_id, Finding.verdict == "FAIL")
    values = {
        "source_id": source_id,
        "day": now.astimezone(UTC).date(),
        "score": told.score,
        "total": told.total,
        "columns": told.columns,
        "unknown": told.unknown,
        "failing": session.scalars(failing).one(),
    }
    upsert = insert(RiskDay).values(values)
    session.execute(upsert.on_conflict_do_update(index_elements=[RiskDay.source_id, RiskDay.day], set_=values))
