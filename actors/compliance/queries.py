"""The read side of the compliance group."""

import hashlib
from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from actors.compliance import factbook, ledger
from actors.compliance.advice import Actionable
from actors.compliance.contract import (
    ControlStatus,
    FactKind,
    FactView,
    FindingView,
    FrameworkView,
    Posture,
    RecommendationView,
    Severity,
    Verdict,
)
from actors.compliance.evaluation import again, withdrawn
from actors.compliance.packs import chosen, load_frameworks, use_of
from actors.compliance.tables import FactVersion, Finding, NotApplicable, Recommendation, Rule
from cluster.errors import Conflict, NotFound

STANDING = ("PASS", "FAIL", "INSUFFICIENT_EVIDENCE")


def frameworks() -> list[FrameworkView]:
    """All frameworks with their controls, by key."""
    return [framework.view() for _, framework in sorted(load_frameworks().items())]


def framework(key: str) -> FrameworkView:
    """One framework. Raises NotFound."""
    return chosen((key,))[0].view()


def findings(
    session: Session,
    source_id: str | None = None,
    *,
    framework: str | None = None,
    verdict: Verdict | None = None,
    severity: Severity | None = None,
    subject: str | None = None,
    control: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[FindingView]:
    """Findings in the order of their ids, beginning behind `after`; those that no longer apply are among them."""
    asked = {"source_id": source_id, "framework": framework, "verdict": verdict, "severity": severity}
    asked |= {"subject": subject, "control": control}
    conditions = [getattr(Finding, name) == value for name, value in asked.items() if value is not None]
    if after is not None:
        conditions.append(Finding.id > after)
    return _views(session, conditions, limit)


def failing(session: Session, source_id: str) -> list[FindingView]:
    """All findings of a source that fail, in the order of their ids."""
    return _views(session, [Finding.source_id == source_id, Finding.verdict == "FAIL"], None)


def get_finding(session: Session, finding_id: str) -> FindingView:
    """One finding. Raises NotFound."""
    row = _row(session, finding_id)
    return ledger.view(row, _rule(session, row.rule_digest))


def replay(session: Session, finding_id: str) -> FindingView:
    """The finding reached again from the stored versions of its facts and its rule; equal to the one that stands.

    Raises NotFound; Conflict if the check was since replaced by another version; Internal if a fact was altered.
    """
    row = _row(session, finding_id)
    rule = _rule(session, row.rule_digest)
    use = use_of(rule)
    if use is None:
        raise Conflict(
            f"The check '{row.check}' has changed since this verdict was reached.", "Evaluate the source again."
        )
    facts = factbook.as_of(session, row.source_id, row.facts)
    key = (row.framework, row.control, row.check, row.subject)
    draft = again(use, facts, row.subject, tuple(row.stale)) or withdrawn(
        key, row.subject_name, row.severity, row.rule_digest, row.source_id
    )
    reached = {
        "subject_name": draft.subject_name,
        "verdict": draft.verdict,
        "severity": draft.severity,
        "reason": draft.reason,
        "remediation": use.control.remediation,
        "columns": draft.columns,
        "facts": [{"kind": k, "subject": s, "version": v, "digest": d} for k, s, v, d in draft.facts],
        "rule_digest": draft.rule_digest,
    }
    return FindingView.model_validate(ledger.view(row, rule).model_dump() | reached)


def posture(session: Session, source_id: str, framework: str) -> Posture:
    """The verdict of every control of a framework over a source. A manual control has INSUFFICIENT_EVIDENCE."""
    known = chosen((framework,))[0].view()
    counted = _counted(session, source_id, framework)
    controls = tuple(_status(framework, control.id, control.title, counted[control.id]) for control in known.controls)
    decided = sum(1 for control in controls if control.verdict != "INSUFFICIENT_EVIDENCE")
    return Posture(source_id=source_id, framework=framework, coverage=decided / len(controls), controls=controls)


def verdicts(session: Session, source_id: str, framework: str | None = None) -> dict[Verdict, int]:
    """How many findings stand by verdict; NOT_APPLICABLE counts subjects that a check does not concern."""
    total: dict[Verdict, int] = {"PASS": 0, "FAIL": 0, "NOT_APPLICABLE": 0, "INSUFFICIENT_EVIDENCE": 0}
    for counts in _counted(session, source_id, framework).values():
        for verdict, number in counts.items():
            total[verdict] += number
    return total


def verdicts_by_framework(session: Session, source_id: str) -> dict[str, dict[Verdict, int]]:
    """The same for each framework."""
    return {key: verdicts(session, source_id, key) for key in sorted(load_frameworks())}


def digest(session: Session, source_id: str) -> str:
    """SHA-256 over what the standing findings of a source say: equal for equal data, whatever run reached them.

    Ids, times and versions of facts are no part of it. The order is that of the statements' own hashes.
    """
    statement = select(Finding.statement).where(Finding.source_id == source_id, Finding.verdict.in_(STANDING))
    running = hashlib.sha256()
    for said in sorted(session.scalars(statement)):
        running.update(said.encode())
    order = (NotApplicable.framework, NotApplicable.control, NotApplicable.check, NotApplicable.reason)
    counts = select(*order, NotApplicable.subjects).where(NotApplicable.source_id == source_id)
    for row in sorted(tuple(row) for row in session.execute(counts)):
        running.update("\0".join(map(str, row)).encode() + b"\1")
    return running.hexdigest()


def facts(
    session: Session,
    source_id: str,
    kind: FactKind | None = None,
    subject: str | None = None,
    *,
    after: str | None = None,
    limit: int = 100,
) -> list[FactView]:
    """The facts of a source as they stand, in the order of kind and subject; `after` is "kind/subject"."""
    key = func.concat(FactVersion.kind, "/", FactVersion.subject).collate("C")
    statement = select(FactVersion).where(FactVersion.source_id == source_id, FactVersion.current)
    for column, value in ((FactVersion.kind, kind), (FactVersion.subject, subject)):
        statement = statement.where(column == value) if value is not None else statement
    if after is not None:
        statement = statement.where(key > after)
    return [FactView.model_validate(row) for row in session.scalars(statement.order_by(key).limit(limit))]


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


def _counted(session: Session, source_id: str, framework: str | None) -> dict[str, dict[Verdict, int]]:
    """Numbers of subjects by control and verdict."""
    found: dict[str, dict[Verdict, int]] = defaultdict(lambda: defaultdict(int))
    standing = (
        select(Finding.control, Finding.verdict, func.count())
        .where(Finding.source_id == source_id, Finding.verdict.in_(STANDING))
        .group_by(Finding.control, Finding.verdict)
    )
    other = (
        select(NotApplicable.control, text("'NOT_APPLICABLE'"), func.sum(NotApplicable.subjects))
        .where(NotApplicable.source_id == source_id)
        .group_by(NotApplicable.control)
    )
    if framework is not None:
        standing = standing.where(Finding.framework == framework)
        other = other.where(NotApplicable.framework == framework)
    for statement in (standing, other):
        for control, verdict, number in session.execute(statement):
            found[control][verdict] += int(number)
    return found


def _status(framework: str, control: str, title: str, counts: dict[Verdict, int]) -> ControlStatus:
    failing, passing = counts.get("FAIL", 0), counts.get("PASS", 0)
    insufficient, other = counts.get("INSUFFICIENT_EVIDENCE", 0), counts.get("NOT_APPLICABLE", 0)
    verdict: Verdict = "INSUFFICIENT_EVIDENCE"
    if failing:
        verdict = "FAIL"
    elif not insufficient and passing:
        verdict = "PASS"
    elif not insufficient and other:
        verdict = "NOT_APPLICABLE"
    return ControlStatus(
        framework=framework,
        control=control,
        title=title,
        verdict=verdict,
        failing=failing,
        passing=passing,
        insufficient=insufficient,
        not_applicable=other,
    )


def _views(session: Session, conditions: list[ColumnElement[bool]], limit: int | None) -> list[FindingView]:
    statement = select(Finding, Rule.body).join(Rule, Rule.digest == Finding.rule_digest).where(*conditions)
    return [ledger.view(row, rule) for row, rule in session.execute(statement.order_by(Finding.id).limit(limit))]


def _row(session: Session, finding_id: str) -> Finding:
    row = session.get(Finding, finding_id)
    if row is None:
        raise NotFound(f"There is no finding '{finding_id[:64]}'.", "List the findings to see their ids.")
    return row


def _rule(session: Session, rule_digest: str) -> dict[str, Any]:
    body: dict[str, Any] = session.scalars(select(Rule.body).where(Rule.digest == rule_digest)).one()
    return body
