"""What is exported of a source: its postures with the findings that weigh most."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session

from actors.compliance import factbook, sight
from actors.compliance.certificates import signed
from actors.compliance.contract import FindingView
from actors.compliance.documents import Period, as_json
from actors.compliance.frameworks import chosen
from actors.compliance.queries.finding_views import viewed
from actors.compliance.queries.postures import posture
from actors.compliance.reporting import Report
from actors.compliance.tables import FactVersion, Finding, Judged, Rule
from cluster.context import Caller
from cluster.errors import NotFound
from cluster.security.audit import head

MOST = 2000  # findings of one framework; what is left out is told as a number
MOST_FACTS = 20_000  # of a bundle
AT_ONCE = 1000
ALWAYS = Period()
EXPORTED = ("FAIL", "INSUFFICIENT_EVIDENCE")
WEIGHT = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def report(
    session: Session, source_id: str, framework: str | None = None, caller: Caller = sight.EVERYBODY,
    period: Period = ALWAYS,
) -> Report:  # fmt: skip
    """The verdicts on a source under one framework or all, with the heaviest findings whose verdict was reached in the
    period. Raises NotFound for a source that was never evaluated."""
    judged = session.scalars(select(Judged.framework).where(Judged.source_id == source_id).limit(1)).first()
    if judged is None:
        raise NotFound("The source has not been evaluated yet.", "Run a workflow, or evaluate the source.")
    told = factbook.value_of(session, source_id, "source", source_id) or {}
    parts = []
    for one in chosen(session, (framework,) if framework else ()):
        found, left_out = _heaviest(session, source_id, one.pack.value.key, caller, period)
        parts.append((one.view(), posture(session, source_id, one.pack.value.key, caller=caller), found, left_out))
    name = str(told.get("name") or source_id)
    return Report(source_id, name, tuple(parts), datetime.now(UTC), version("sextant"))


def bundle(session: Session, source_id: str, framework: str) -> dict[str, Any]:
    """The report with what its verdicts stand on, signed. Facts are cited by several findings, and are there once.

    `facts_left_out` are those beyond `MOST_FACTS`. Raises NotFound.
    """
    told = report(session, source_id, framework)
    findings = told.parts[0][2]
    cited = sorted({(fact.kind, fact.subject, fact.version) for one in findings for fact in one.facts})
    key = tuple_(FactVersion.kind, FactVersion.subject, FactVersion.version)
    facts: list[dict[str, Any]] = []
    for start in range(0, min(len(cited), MOST_FACTS), AT_ONCE):
        some = cited[start : min(start + AT_ONCE, MOST_FACTS)]
        found = select(FactVersion).where(FactVersion.source_id == source_id, key.in_(some))
        facts += [_fact(row) for row in session.scalars(found.order_by(key))]
    digests = sorted({one.rule_digest for one in findings})
    rules = {row.digest: row.body for row in session.scalars(select(Rule).where(Rule.digest.in_(digests)))}
    body = {
        "report": as_json(told, ALWAYS), "facts": facts, "facts_left_out": max(0, len(cited) - MOST_FACTS),
        "rules": rules, "audit": head(session),
    }  # fmt: skip
    return body | signed(body)


def _fact(row: FactVersion) -> dict[str, Any]:
    names = ("kind", "subject", "version", "digest", "value")
    return {name: getattr(row, name) for name in names} | {"observed_at": row.observed_at.astimezone(UTC).isoformat()}


def _heaviest(
    session: Session, source_id: str, framework: str, caller: Caller, period: Period
) -> tuple[tuple[FindingView, ...], int]:  # fmt: skip
    """What fails, then what lacks evidence, by severity; and how many more there are."""
    wanted = (Finding.source_id == source_id, Finding.framework == framework, Finding.verdict.in_(EXPORTED))
    since = () if period.since is None else (Finding.last_changed >= period.since,)
    until = () if period.until is None else (Finding.last_changed < period.until,)
    seen = (*wanted, *since, *until, sight.findings(caller))
    number = session.scalars(select(func.count()).select_from(Finding).where(*seen)).one()
    weight = case(WEIGHT, value=Finding.severity)
    ordered = select(Finding).where(*seen).order_by(Finding.verdict != "FAIL", weight, Finding.id).limit(MOST)
    found = viewed(session, session.scalars(ordered), None)
    return tuple(found), number - len(found)
