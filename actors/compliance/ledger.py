"""The standing findings of a source in the database: compared by content, written in bulk where they changed."""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from actors.compliance.contract import FactRef, FindingView
from actors.compliance.evaluation import Draft, Key, fingerprint, state_of, withdrawn
from actors.compliance.packs import Use
from actors.compliance.tables import Finding, Handled, Rule, Waiver

ID_LENGTH = 32
COLUMNS = tuple(column.name for column in Finding.__table__.columns)
# Days that a failing finding may stay open, by its severity, where nobody set another date.
DAYS_TO_SETTLE = {"critical": 7, "high": 30, "medium": 90, "low": 180}
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
    opened_at: datetime | None


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


def standing(
    session: Session, source_id: str, framework: str | None, subjects: Collection[str] | None = None
) -> dict[Key, Standing]:
    """The stored findings of a source under a framework, or all, by key; only on these subjects if any are named."""
    key = (Finding.framework, Finding.control, Finding.check, Finding.subject)
    rest = (Finding.content, Finding.verdict, Finding.state, Finding.severity)
    more = (Finding.subject_name, Finding.rule_digest, Finding.first_seen, Finding.opened_at)
    chosen = [Finding.source_id == source_id]
    if framework is not None:
        chosen.append(Finding.framework == framework)
    if subjects is not None:
        chosen.append(Finding.subject.in_(subjects))
    rows = session.execute(select(*key, *rest, *more).where(*chosen))
    return {(row[0], row[1], row[2], row[3]): Standing(*row[4:]) for row in rows}  # type: ignore[call-arg]  # as many as are selected


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
    """Writes the findings by COPY: new ones into the table, changed ones by a temporary table in one statement."""
    fresh = [change for change in changes if change.before is None]
    known = [change for change in changes if change.before is not None]
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    _copy(session, f"COPY compliance.finding ({names}) FROM STDIN", source_id, fresh, now)
    if not known:
        return
    session.execute(text(f"CREATE TEMP TABLE IF NOT EXISTS {_STAGE} (LIKE compliance.finding) ON COMMIT DELETE ROWS"))
    session.execute(text(f"TRUNCATE {_STAGE}"))
    _copy(session, f"COPY {_STAGE} ({names}) FROM STDIN", source_id, known, now)
    kept = {"id", "fingerprint", "source_id", "framework", "control", "check", "subject", "first_seen"}
    renewed = ", ".join(f'"{name}" = {_STAGE}."{name}"' for name in COLUMNS if name not in kept)
    session.execute(
        text(f"UPDATE compliance.finding AS f SET {renewed} FROM {_STAGE} WHERE f.id = {_STAGE}.id")  # noqa: S608 - column names only
    )


def _copy(session: Session, statement: str, source_id: str, changes: list[Change], now: datetime) -> None:
    if changes:
        # In the order of their ids: the indexes of a large estate are larger than the memory that the server keeps for
        # them, and so each of their pages is looked for once and not a hundred times.
        rows = sorted((_row(source_id, change, now) for change in changes), key=itemgetter(0))
        cursor: Any = session.connection().connection.cursor()
        with cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


def write_rules(session: Session, uses: Iterable[Use]) -> None:
    """Keeps the rules that verdicts were reached by."""
    rows = [{"digest": use.digest, "body": use.rule} for use in uses]
    known = set(session.scalars(select(Rule.digest).where(Rule.digest.in_([row["digest"] for row in rows]))))
    new = [row for row in rows if row["digest"] not in known]
    if new:
        session.execute(upsert(Rule).on_conflict_do_nothing(), new)


def view(
    row: Finding, rule: dict[str, Any], today: date, handled: Handled | None = None, waiver: Waiver | None = None
) -> FindingView:
    """A finding as others see it; its remediation is that of the rule it was reached by.

    While it is open, its state is what people made of it. A waiver counts until it expires, and that a verdict is false
    until the verdict says something else.
    """
    state = row.state
    if (
        state == "open"
        and handled is not None
        and (handled.handling != "false_positive" or row.content == handled.content)
    ):
        state = handled.handling
    if row.state == "open" and waiver is not None and waiver.state == "approved" and waiver.expires_at >= today:
        state = "waived"
    due = handled.due_at if handled is not None else None
    if due is None and row.opened_at is not None:
        due = row.opened_at.astimezone(UTC).date() + timedelta(days=DAYS_TO_SETTLE[row.severity])
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
        state=state,
        assignee=handled.assignee if handled is not None else None,
        due_at=due if row.state == "open" else None,
        waiver_id=waiver.id if waiver is not None and state == "waived" else None,
        first_seen=row.first_seen,
        last_changed=row.last_changed,
    )


def _row(source_id: str, change: Change, now: datetime) -> tuple[Any, ...]:
    """The values of a finding in the order of `COLUMNS`."""
    draft, before = change.draft, change.before
    print_ = fingerprint(source_id, draft.key)
    opened = (before.opened_at if before and before.opened_at else now) if change.state == "open" else None
    return (
        print_[:ID_LENGTH], print_, source_id, draft.framework, draft.control, draft.check, draft.subject,
        draft.subject_name, draft.verdict, draft.severity, draft.reason, draft.action,
        json.dumps(draft.columns) if draft.columns else "[]", draft.references,
        json.dumps(draft.stale) if draft.stale else "[]", draft.rule_digest, change.content, draft.statement(),
        change.state, before.first_seen if before else now, now, opened,
    )  # fmt: skip
