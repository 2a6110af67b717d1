"""The read side of the compliance group."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from actors.compliance import (
    factbook,
    imagining,
    ledger,
    orders,
    orders_on_record,
    policy_rules,
    records,
    risk,
    waivers,
)
from actors.compliance.advice import Actionable
from actors.compliance.contract import (
    AccessRequest,
    Change,
    ColumnRisk,
    Contradiction,
    ControlStatus,
    Deadline,
    Decision,
    Explained,
    FactKind,
    FactView,
    FindingView,
    FrameworkView,
    OrderView,
    Posture,
    RecommendationView,
    RecordKind,
    RecordView,
    RiskSample,
    RiskView,
    Severity,
    Verdict,
    WaiverView,
    WhatIf,
)
from actors.compliance.contract.orders import OrderKind, OrderState
from actors.compliance.deadlines import deadlines as deadlines_of
from actors.compliance.evaluation import again, withdrawn
from actors.compliance.frameworks import chosen, imported, known
from actors.compliance.packs import ControlPack, Framework, use_of
from actors.compliance.tables import (
    FactVersion,
    Finding,
    Followed,
    Handled,
    Judged,
    Order,
    Recommendation,
    Record,
    RiskDay,
    Rule,
    Waiver,
)
from actors.compliance.worker import Job
from cluster.errors import Conflict, NotFound

PART = 5000
STANDING = ("PASS", "FAIL", "INSUFFICIENT_EVIDENCE")


def frameworks(session: Session) -> list[FrameworkView]:
    """All frameworks with their controls, by key."""
    return [framework.view() for framework in chosen(session, ())]


def framework(session: Session, key: str) -> FrameworkView:
    """One framework. Raises NotFound."""
    return chosen(session, (key,))[0].view()


def followed(session: Session) -> int | None:
    """Up to which event changed facts were followed, None if never."""
    return session.scalars(select(Followed.seq)).first()


def evaluated_sources(session: Session) -> list[str]:
    """The sources that were evaluated at least once."""
    return list(session.scalars(select(Judged.source_id).distinct().order_by(Judged.source_id)))


def readable_framework(content: str) -> FrameworkView:
    """The framework that the text of a pack describes. Raises PackInvalid, and Conflict for a key that is shipped."""
    return imported(content).view()


def framework_record(session: Session, key: str) -> str | None:
    """The id of the record by which a framework was imported, None if it was not."""
    wanted = (Record.kind == "framework", Record.name == key, Record.current)
    return session.scalars(select(Record.id).where(*wanted).order_by(Record.id).limit(1)).first()


def decide(session: Session, request: AccessRequest) -> Decision:
    """What the policies in force say of a request. Raises InvalidInput for an asset that is not known."""
    now = datetime.now(UTC)
    facts = factbook.current(session, request.source_id, now, [request.asset_id])
    return policy_rules.decide(records.policies(session), request, facts, now)


def contradictions(session: Session) -> list[Contradiction]:
    """Policies that contradict each other, with the assets that both are about."""
    known, now = records.policies(session), datetime.now(UTC)
    if len(known) < 2:
        return []
    sources = session.scalars(select(FactVersion.source_id).distinct()).all()
    return policy_rules.contradictions(known, (factbook.current(session, one, now) for one in sources))


def explain(session: Session, source_id: str, framework: str, control: str, limit: int = 100) -> list[Explained]:
    """What the checks of a control say of each subject just now, NOT_APPLICABLE ones with their reason as well."""
    facts = factbook.current(session, source_id, datetime.now(UTC))
    uses = [use for use in chosen(session, (framework,))[0].uses if use.control.id == control]
    if not uses:
        raise NotFound(f"The framework '{framework}' has no control '{control[:60]}'.", "Read the framework.")
    told = (
        Explained(check=use.check.id, subject=one.subject, name=one.name, verdict=one.verdict, reason=one.reason)
        for use in uses
        for one in use.check.function(facts, use.parameters)
    )
    return list(islice(told, limit))


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
) -> list[FindingView]:
    """Findings in the order of their ids, beginning behind `after`; those that no longer apply are among them."""
    asked = {"source_id": source_id, "framework": framework, "verdict": verdict, "severity": severity}
    asked |= {"subject": subject, "control": control}
    conditions = [getattr(Finding, name) == value for name, value in asked.items() if value is not None]
    if assignee is not None:
        conditions.append(Finding.id.in_(select(Handled.finding_id).where(Handled.assignee == assignee)))
    if after is not None:
        conditions.append(Finding.id > after)
    return _views(session, conditions, limit)


def failing(session: Session, source_id: str) -> list[FindingView]:
    """All findings of a source that fail, in the order of their ids."""
    return _views(session, [Finding.source_id == source_id, Finding.verdict == "FAIL"], None)


def get_finding(session: Session, finding_id: str, now: datetime | None = None) -> FindingView:
    """One finding. Raises NotFound."""
    return _viewed(session, [_row(session, finding_id)], now)[0]


def replay(session: Session, finding_id: str, now: datetime | None = None) -> FindingView:
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
    return FindingView.model_validate(_viewed(session, [row], now)[0].model_dump() | reached)


def posture(session: Session, source_id: str, framework: str, now: datetime | None = None) -> Posture:
    """The verdict of every control of a framework over a source; a control that nothing decides lacks evidence."""
    pack = chosen(session, (framework,))[0]
    counted = _counted(session, source_id, pack)
    today = (now or datetime.now(UTC)).date()
    attested = _attested(session, source_id, framework, today)
    waived = _waived(session, source_id, framework, today)
    controls = tuple(
        _status(pack, control, counted[control.id], control.id in attested, waived.get(control.id, 0))
        for control in pack.pack.value.controls
    )
    decided = sum(1 for control in controls if control.verdict != "INSUFFICIENT_EVIDENCE")
    automated = [control for control in controls if control.automation != "manual"]
    covered = sum(1 for one in automated if one.attested or one.verdict != "INSUFFICIENT_EVIDENCE")
    return Posture(
        source_id=source_id,
        framework=framework,
        coverage=decided / len(controls),
        covered=covered / len(automated) if automated else 1.0,
        controls=controls,
    )


def verdicts(session: Session, source_id: str, framework: str | None = None) -> dict[Verdict, int]:
    """How many findings stand by verdict; NOT_APPLICABLE counts subjects that a check does not concern."""
    total: dict[Verdict, int] = {"PASS": 0, "FAIL": 0, "NOT_APPLICABLE": 0, "INSUFFICIENT_EVIDENCE": 0}
    for one in chosen(session, (framework,) if framework else ()):
        for counts in _counted(session, source_id, one).values():
            for verdict, number in counts.items():
                total[verdict] += number
    return total


def verdicts_by_framework(session: Session, source_id: str) -> dict[str, dict[Verdict, int]]:
    """The same for each framework."""
    return {key: verdicts(session, source_id, key) for key in sorted(known(session))}


def digest(session: Session, source_id: str) -> str:
    """SHA-256 over what the standing findings of a source say: equal for equal data, whatever run reached them.

    Ids, times and versions of facts are no part of it. The order is that of the statements' own hashes.
    """
    statement = select(Finding.statement).where(Finding.source_id == source_id, Finding.verdict.in_(STANDING))
    running = hashlib.sha256()
    for said in sorted(session.scalars(statement)):
        running.update(said.encode())
    for key, counts in verdicts_by_framework(session, source_id).items():
        running.update(f"{key}\0{counts['NOT_APPLICABLE']}\1".encode())
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


def list_records(
    session: Session, kind: RecordKind | None = None, ended: bool = False, after: str | None = None, limit: int = 100
) -> list[RecordView]:
    """Records in their newest version, in the order of their ids; those that ended only if asked for."""
    statement = select(Record).where(Record.current).order_by(Record.id).limit(limit)
    if kind is not None:
        statement = statement.where(Record.kind == kind)
    if not ended:
        statement = statement.where(~Record.ended)
    if after is not None:
        statement = statement.where(Record.id > after)
    return [records.view(row) for row in session.scalars(statement)]


def record_history(session: Session, record_id: str) -> list[RecordView]:
    """All versions of a record, the newest first. Raises NotFound."""
    rows = session.scalars(select(Record).where(Record.id == record_id).order_by(Record.version.desc())).all()
    if not rows:
        raise NotFound(f"There is no record '{record_id[:64]}'.", "List the records to see their ids.")
    return [records.view(row) for row in rows]


def deadlines(session: Session) -> list[Deadline]:
    """What has to be done by when, the earliest first."""
    requests = orders_on_record.requests(session)
    return deadlines_of(records.in_force(session), requests, chosen(session, ()), datetime.now(UTC))


def list_waivers(
    session: Session, finding_id: str | None = None, after: str | None = None, limit: int = 100
) -> list[WaiverView]:
    """Waivers in the order of their ids."""
    statement = select(Waiver).order_by(Waiver.id).limit(limit)
    if finding_id is not None:
        statement = statement.where(Waiver.finding_id == finding_id)
    if after is not None:
        statement = statement.where(Waiver.id > after)
    today = datetime.now(UTC).date()
    return [waivers.view(row, today) for row in session.scalars(statement)]


def list_orders(
    session: Session, kind: OrderKind | None = None, state: OrderState | None = None, after: str | None = None,
    limit: int = 100,
) -> list[OrderView]:  # fmt: skip
    """Orders in the order of their ids."""
    statement = select(Order).order_by(Order.id).limit(limit)
    for column, value in ((Order.kind, kind), (Order.state, state)):
        statement = statement.where(column == value) if value is not None else statement
    if after is not None:
        statement = statement.where(Order.id > after)
    return [orders.view(row) for row in session.scalars(statement)]


def get_order(session: Session, order_id: str) -> OrderView:
    """One order. Raises NotFound."""
    row = session.get(Order, order_id)
    if row is None:
        raise NotFound(f"There is no order '{order_id[:64]}'.", "List the orders to see their ids.")
    return orders.view(row)


def jobs(session: Session) -> list[Job]:
    """The orders that wait for a worker, or were with one when the actor went down; the oldest first."""
    waiting = select(Order).where(Order.state.in_(("planning", "approved"))).order_by(Order.changed_at, Order.id)
    return [
        Job(
            id=row.id,
            kind=row.kind,
            state=row.state,
            given=row.given,
            sealed=row.sealed,
            plan=row.plan,
            subject=row.subject,
        )
        for row in session.scalars(waiting)
    ]


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


def _counted(session: Session, source_id: str, framework: Framework) -> dict[str, dict[Verdict, int]]:
    """Numbers of subjects by control and verdict. What a check judged and no finding stands for is NOT_APPLICABLE."""
    key = framework.pack.value.key
    found: dict[str, dict[Verdict, int]] = defaultdict(lambda: defaultdict(int))
    by_check: dict[tuple[str, str], int] = defaultdict(int)
    standing = (
        select(Finding.control, Finding.check, Finding.verdict, func.count())
        .where(Finding.source_id == source_id, Finding.framework == key, Finding.verdict.in_(STANDING))
        .group_by(Finding.control, Finding.check, Finding.verdict)
    )
    for control, check, verdict, number in session.execute(standing):
        told: Any = verdict  # written from a Verdict
        found[control][told] += number
        by_check[control, check] += number
    judged = session.get(Judged, (source_id, key))
    if judged is not None and judged.pack_digest == framework.pack.digest:
        for use in framework.uses:
            subjects = 1 if use.check.scope == "source" else judged.assets
            found[use.control.id]["NOT_APPLICABLE"] += max(subjects - by_check[use.control.id, use.check.id], 0)
    return found


def _attested(session: Session, source_id: str, framework: str, today: date) -> set[str]:
    """The controls that an attestation in force says something of."""
    wanted = (FactVersion.source_id == source_id, FactVersion.kind == "attestation", FactVersion.current)
    mine = FactVersion.subject.startswith(f"{framework}/", autoescape=True)
    rows = session.execute(select(FactVersion.subject, FactVersion.value["expires_at"].astext).where(*wanted, mine))
    return {subject.partition("/")[2] for subject, ends in rows if ends >= str(today)}


def _waived(session: Session, source_id: str, framework: str, today: date) -> dict[str, int]:
    """Numbers of failing findings with a waiver in force, by control."""
    in_force = (Waiver.state == "approved", Waiver.expires_at >= today)
    statement = (
        select(Finding.control, func.count(Finding.id.distinct()))
        .join(Waiver, Waiver.finding_id == Finding.id)
        .where(Finding.source_id == source_id, Finding.framework == framework, Finding.verdict == "FAIL", *in_force)
        .group_by(Finding.control)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def _status(
    framework: Framework, control: ControlPack, counts: dict[Verdict, int], attested: bool, waived: int
) -> ControlStatus:
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
        framework=framework.pack.value.key,
        control=control.id,
        title=control.title,
        automation=control.automation,
        verdict=verdict,
        attested=attested,
        waived=waived,
        failing=failing,
        passing=passing,
        insufficient=insufficient,
        not_applicable=other,
    )


def _views(session: Session, conditions: list[ColumnElement[bool]], limit: int | None) -> list[FindingView]:
    return _viewed(session, session.scalars(select(Finding).where(*conditions).order_by(Finding.id).limit(limit)), None)


def _viewed(session: Session, found: Iterable[Finding], now: datetime | None) -> list[FindingView]:
    """Findings with their rules and with what people made of them."""
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


def _row(session: Session, finding_id: str) -> Finding:
    row = session.get(Finding, finding_id)
    if row is None:
        raise NotFound(f"There is no finding '{finding_id[:64]}'.", "List the findings to see their ids.")
    return row


def _rule(session: Session, rule_digest: str) -> dict[str, Any]:
    body: dict[str, Any] = session.scalars(select(Rule.body).where(Rule.digest == rule_digest)).one()
    return body
