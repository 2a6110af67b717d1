"""What is exported of a source: its postures with the findings that weigh most."""

from datetime import UTC, datetime
from importlib.metadata import version

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from actors.compliance import factbook, sight
from actors.compliance.contract import FindingView
from actors.compliance.frameworks import chosen
from actors.compliance.queries.finding_views import viewed
from actors.compliance.queries.postures import posture
from actors.compliance.reporting import Report
from actors.compliance.tables import Finding, Judged
from cluster.context import Caller
from cluster.errors import NotFound

MOST = 2000  # findings of one framework; what is left out is told as a number
EXPORTED = ("FAIL", "INSUFFICIENT_EVIDENCE")
WEIGHT = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def report(session: Session, source_id: str, framework: str | None = None, caller: Caller = sight.EVERYBODY) -> Report:
    """The verdicts on a source under one framework or all. Raises NotFound for a source that was never evaluated."""
    judged = session.scalars(select(Judged.framework).where(Judged.source_id == source_id).limit(1)).first()
    if judged is None:
        raise NotFound("The source has not been evaluated yet.", "Run a workflow, or evaluate the source.")
    told = factbook.value_of(session, source_id, "source", source_id) or {}
    parts = []
    for one in chosen(session, (framework,) if framework else ()):
        found, left_out = _heaviest(session, source_id, one.pack.value.key, caller)
        parts.append((one.view(), posture(session, source_id, one.pack.value.key, caller=caller), found, left_out))
    name = str(told.get("name") or source_id)
    return Report(source_id, name, tuple(parts), datetime.now(UTC), version("sextant"))


def _heaviest(
    session: Session, source_id: str, framework: str, caller: Caller
) -> tuple[tuple[FindingView, ...], int]:  # fmt: skip
    """What fails, then what lacks evidence, by severity; and how many more there are."""
    wanted = (Finding.source_id == source_id, Finding.framework == framework, Finding.verdict.in_(EXPORTED))
    seen = (*wanted, sight.findings(caller))
    number = session.scalars(select(func.count()).select_from(Finding).where(*seen)).one()
    weight = case(WEIGHT, value=Finding.severity)
    ordered = select(Finding).where(*seen).order_by(Finding.verdict != "FAIL", weight, Finding.id).limit(MOST)
    found = viewed(session, session.scalars(ordered), None)
    return tuple(found), number - len(found)
