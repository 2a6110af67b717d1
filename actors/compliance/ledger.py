"""The standing findings of a source in the database: compared by content, written in bulk where they changed."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from actors.compliance.contract import FactRef, FindingView
from actors.compliance.evaluation import Draft, Key, Reasons, fingerprint, state_of, withdrawn
from actors.compliance.packs import Use
from actors.compliance.tables import Finding, NotApplicable, Rule

ID_LENGTH = 32
COLUMNS = tuple(column.name for column in Finding.__table__.columns)
_STAGE = "compliance_finding_stage"


class Standing(NamedTuple):
    """What a comparison needs of a finding that is stored."""

    content: str
    verdict: str
    state: str
    severity: str
    subject_name: str
    rule_digest: str
    first_seen: datetime


class Change(NamedTuple):
    """A finding to be written; `before` is None if it is new."""

    draft: Draft
    content: str
    before: Standing | None
    state: str

    @property
    def opened(self) -> bool:
        return self.state == "open" and not (self.before and self.before.state == "open")

    @property
    def resolved(self) -> bool:
        return self.state != "open" and self.before is not None and self.before.state == "open"


def standing(session: Session, source_id: str, framework: str) -> dict[Key, Standing]:
    """The stored findings of a source under a framework, by key."""
    key = (Finding.framework, Finding.control, Finding.check, Finding.subject)
    rest = (Finding.content, Finding.verdict, Finding.state, Finding.severity)
    more = (Finding.subject_name, Finding.rule_digest, Finding.first_seen)
    chosen = (Finding.source_id == source_id, Finding.framework == framework)
    rows = session.execute(select(*key, *rest, *more).where(*chosen))
    return {(row[0], row[1], row[2], row[3]): Standing(*row[4:]) for row in rows}


def compare(source_id: str, drafts: dict[Key, Draft], stored: dict[Key, Standing]) -> list[Change]:
    """The drafts that differ from what is stored; what no check speaks of any more is withdrawn."""
    changes: list[Change] = []
    gone = [
        withdrawn(key, was.subject_name, was.severity, was.rule_digest, source_id)
        for key, was in stored.items()
        if key not in drafts
    ]
    for draft in (*drafts.values(), *gone):
        before, content = stored.get(draft.key), draft.content()
        if before is None or before.content != content:
            changes.append(Change(draft, content, before, state_of(draft.verdict, before.state if before else None)))
    return changes


def unpacked_frameworks(session: Session, source_id: str, known: Iterable[str]) -> list[str]:
    """Frameworks that findings stand under although their packs are no longer there."""
    statement = select(Finding.framework).where(Finding.source_id == source_id, Finding.framework.not_in(list(known)))
    return sorted(set(session.scalars(statement.distinct())))


def write(session: Session, source_id: str, changes: list[Change], now: datetime) -> None:
    """Writes the findings by COPY into a temporary table, and from there in one statement."""
    if not changes:
        return
    session.execute(text(f"CREATE TEMP TABLE IF NOT EXISTS {_STAGE} (LIKE compliance.finding) ON COMMIT DELETE ROWS"))
    session.execute(text(f"TRUNCATE {_STAGE}"))
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    cursor: Any = session.connection().connection.cursor()
    with cursor, cursor.copy(f"COPY {_STAGE} ({names}) FROM STDIN") as copy:
        for change in changes:
            copy.write_row(_row(source_id, change, now))
    kept = {"id", "fingerprint", "source_id", "framework", "control", "check", "subject", "first_seen"}
    renewed = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in COLUMNS if name not in kept)
    session.execute(
        text(
            f"INSERT INTO compliance.finding ({names}) SELECT {names} FROM {_STAGE} "  # noqa: S608 - column names only
            f"ON CONFLICT (id) DO UPDATE SET {renewed}"
        )
    )


def write_rules(session: Session, uses: Iterable[Use]) -> None:
    """Keeps the rules that verdicts were reached by."""
    rows = [{"digest": use.digest, "body": use.rule} for use in uses]
    known = set(session.scalars(select(Rule.digest).where(Rule.digest.in_([row["digest"] for row in rows]))))
    new = [row for row in rows if row["digest"] not in known]
    if new:
        session.execute(upsert(Rule).on_conflict_do_nothing(), new)


def write_not_applicable(session: Session, source_id: str, counted: Reasons, framework: str) -> bool:
    """Replaces the counts of what is not concerned. Returns whether they changed."""
    chosen = (NotApplicable.source_id == source_id, NotApplicable.framework == framework)
    stored = {
        (row.framework, row.control, row.check, row.reason): row.subjects
        for row in session.scalars(select(NotApplicable).where(*chosen))
    }
    if stored == dict(counted):
        return False
    session.execute(delete(NotApplicable).where(*chosen))
    names = ("framework", "control", "check", "reason")
    rows = [
        {"source_id": source_id, "subjects": number, **dict(zip(names, key, strict=True))}
        for key, number in sorted(counted.items())
    ]
    if rows:
        session.execute(insert(NotApplicable), rows)
    session.expire_all()
    return True


def view(row: Finding, rule: dict[str, Any]) -> FindingView:
    """A finding as others see it; its remediation is that of the rule it was reached by."""
    return FindingView(
        id=row.id,
        fingerprint=row.fingerprint,
        source_id=row.source_id,
        framework=row.framework,
        control=row.control,
        check=row.check,
        subject=row.subject,
        subject_name=row.subject_name,
        verdict=row.verdict,
        severity=row.severity,
        reason=row.reason,
        remediation=rule["control"]["remediation"],
        columns=tuple(row.columns),
        facts=tuple(FactRef(kind=k, subject=s, version=v, digest=d) for k, s, v, d in row.facts),
        rule_digest=row.rule_digest,
        state=row.state,
        first_seen=row.first_seen,
        last_changed=row.last_changed,
    )


def _row(source_id: str, change: Change, now: datetime) -> tuple[Any, ...]:
    draft = change.draft
    print_ = fingerprint(source_id, draft.key)
    values = {
        "id": print_[:ID_LENGTH],
        "fingerprint": print_,
        "source_id": source_id,
        "framework": draft.framework,
        "control": draft.control,
        "check": draft.check,
        "subject": draft.subject,
        "subject_name": draft.subject_name,
        "verdict": draft.verdict,
        "severity": draft.severity,
        "reason": draft.reason,
        "action": draft.action,
        "columns": json.dumps(draft.columns),
        "facts": json.dumps(draft.facts),
        "stale": json.dumps(draft.stale),
        "rule_digest": draft.rule_digest,
        "content": change.content,
        "statement": draft.statement(),
        "state": change.state,
        "first_seen": change.before.first_seen if change.before else now,
        "last_changed": now,
    }
    return tuple(values[name] for name in COLUMNS)
