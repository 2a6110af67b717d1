"""Findings with what people made of them, and the same verdicts reached again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from actors.compliance import factbook, ledger, sight, waivers
from actors.compliance.contract import FindingView, Severity, Verdict, WaiverView
from actors.compliance.evaluation import again, withdrawn
from actors.compliance.packs import use_of
from actors.compliance.tables import Finding, Handled, Rule, Waiver
from cluster.context import Caller
from cluster.errors import Conflict, NotFound

PART = 5000
EVERYBODY = sight.EVERYBODY


def findings(
    session: Session,
    source_id: str | None = None,
    *,
    framework: str | None = None,
    verdict: Verdict | None = None,
    severity: Severity | None = None,
    subject: str | None = None,
    control: str | None = None,
    assignee: str | None = None,
    after: str | None = None,
    limit: int = 100,
    caller: Caller = EVERYBODY,
) -> list[FindingView]:
    """Findings in the order of their ids, beginning behind `after`; those that no longer apply are among them."""
    asked = {"source_id": source_id, "framework": framework, "verdict": verdict, "severity": severity}
    asked |= {"subject": subject, "control": control}
    conditions = [getattr(Finding, name) == value for name, value in asked.items() if value is not None]
    conditions.append(sight.findings(caller))
    if assignee is not None:
        conditions.append(Finding.id.in_(select(Handled.finding_id).where(Handled.assignee == assignee)))
    if after is not None:
        conditions.append(Finding.id > after)
    return _views(session, conditions, limit)


def failing(session: Session, source_id: str) -> list[FindingView]:
    """All findings of a source that fail, in the order of their ids."""
    return _views(session, [Finding.source_id == source_id, Finding.verdict == "FAIL"], None)


def get_finding(
    session: Session, finding_id: str, now: datetime | None = None, caller: Caller = EVERYBODY
) -> FindingView:
    """One finding. Raises NotFound."""
    return viewed(session, [row_of(session, finding_id, caller)], now)[0]


def replay(session: Session, finding_id: str, now: datetime | None = None, caller: Caller = EVERYBODY) -> FindingView:
    """The finding reached again from the stored versions of its facts and its rule; equal to the one that stands.

    Raises NotFound; Conflict if the check was since replaced by another version; Internal if a fact was altered.
    """
    row = row_of(session, finding_id, caller)
    rule = _rule(session, row.rule_digest)
    use = use_of(rule)
    if use is None:
        raise Conflict(
            f"The check '{row.check}' has changed since this verdict was reached.", "Evaluate the source again."
        )
    facts = factbook.as_of(session, row.source_id, row.facts, row.last_changed)
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
    return FindingView.model_validate(viewed(session, [row], now)[0].model_dump() | reached)


def list_waivers(
    session: Session,
    finding_id: str | None = None,
    after: str | None = None,
    limit: int = 100,
    caller: Caller = EVERYBODY,
) -> list[WaiverView]:
    """Waivers in the order of their ids."""
    statement = select(Waiver).order_by(Waiver.id).limit(limit)
    if finding_id is not None:
        statement = statement.where(Waiver.finding_id == finding_id)
    if after is not None:
        statement = statement.where(Waiver.id > after)
    if not caller.sees_all:
        statement = statement.where(Waiver.finding_id.in_(select(Finding.id).where(sight.findings(caller))))
    today = datetime.now(UTC).date()
    return [waivers.view(row, today) for row in session.scalars(statement)]


def _views(session: Session, conditions: list[ColumnElement[bool]], limit: int | None) -> list[FindingView]:
    return viewed(session, session.scalars(select(Finding).where(*conditions).order_by(Finding.id).limit(limit)), None)


def viewed(session: Session, found: Iterable[Finding], now: datetime | None) -> list[FindingView]:
    """The findings of these rows, with what people made of them."""
    rows, today = list(found), (now or datetime.now(UTC)).date()
    rules = dict(_in_parts(session, select(Rule.digest, Rule.body), Rule.digest, {row.rule_digest for row in rows}))
    ids = [row.id for row in rows if row.state == "open"]
    handled = {one.finding_id: one for one in _scalars(session, Handled, ids)}
    waived = {
        one.finding_id: one
        for one in _scalars(session, Waiver, ids)
        if one.state == "approved" and one.expires_at >= today
    }
    return [ledger.view(row, rules[row.rule_digest], today, handled.get(row.id), waived.get(row.id)) for row in rows]


def _scalars(session: Session, table: Any, ids: Sequence[str]) -> list[Any]:
    return [row for (row,) in _in_parts(session, select(table), table.finding_id, ids)]


def _in_parts(session: Session, statement: Any, column: Any, keys: Iterable[str]) -> list[Any]:
    """The rows of a statement whose column is one of many keys, asked for in bounded parts."""
    ordered = sorted(keys)
    found: list[Any] = []
    for start in range(0, len(ordered), PART):
        found.extend(session.execute(statement.where(column.in_(ordered[start : start + PART]))))
    return found


def row_of(session: Session, finding_id: str, caller: Caller) -> Finding:
    """The row of a finding that the caller may see. Raises NotFound."""
    row = session.scalars(select(Finding).where(Finding.id == finding_id, sight.findings(caller))).first()
    if row is None:
        raise NotFound(f"There is no finding '{finding_id[:64]}'.", "List the findings to see their ids.")
    return row


def _rule(session: Session, rule_digest: str) -> dict[str, Any]:
    body: dict[str, Any] = session.scalars(select(Rule.body).where(Rule.digest == rule_digest)).one()
    return body
