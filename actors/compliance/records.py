"""Keeping records by version, and what is in force of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actors.compliance.contract import (
    Activity,
    Assessment,
    Attestation,
    EndRecord,
    Hold,
    ImportedFramework,
    Incident,
    KeepRecord,
    Policy,
    RecordView,
    Retention,
    Review,
    Vendor,
)
from actors.compliance.deriving import OnRecord
from actors.compliance.facts import digest_of
from actors.compliance.frameworks import imported, known
from actors.compliance.policy_rules import included
from actors.compliance.tables import Record
from cluster.context import new_id
from cluster.errors import InvalidInput, NotFound, PreconditionFailed

KINDS: dict[str, Any] = {
    "activity": Activity, "vendor": Vendor, "assessment": Assessment, "attestation": Attestation,
    "retention": Retention, "hold": Hold, "policy": Policy, "incident": Incident, "review": Review,
    "framework": ImportedFramework,
}  # fmt: skip


def keep(session: Session, command: KeepRecord, by: str, now: datetime) -> RecordView:
    """Writes the next version, or the first. An equal body keeps its version."""
    body = command.body
    before = _current(session, command.record_id, command.version) if command.record_id else None
    if before is not None and before.kind != body.kind:
        raise InvalidInput(f"The record is of kind '{before.kind}'.", "Make another record for another kind.")
    identifier = before.id if before is not None else new_id()
    _check(session, identifier, body, now)
    value = body.model_dump(mode="json")
    if before is not None and not before.ended and before.digest == digest_of(value):
        return view(before)
    draft = Record(id=identifier, kind=body.kind, name=body.name, body=value, ended=False, by=by, at=now)
    return _write(session, before, draft)


def end(session: Session, command: EndRecord, by: str, now: datetime) -> RecordView:
    """Writes a last version, which counts no more. What has ended already stays as it is."""
    before = _current(session, command.record_id, command.version)
    if before.ended:
        return view(before)
    draft = Record(id=before.id, kind=before.kind, name=before.name, body=before.body, ended=True, by=by, at=now)
    return _write(session, before, draft)


def view(row: Record) -> RecordView:
    """A record as others see it."""
    return RecordView(
        id=row.id, kind=row.kind, name=row.name, version=row.version, digest=row.digest, body=row.body,
        ended=row.ended, by=row.by, at=row.at,
    )  # fmt: skip


def in_force(session: Session, *, requests: Iterable[dict[str, Any]] = (), applied: Any = frozenset()) -> OnRecord:
    """Everything on record that has not ended, with what the group did itself."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    by: dict[str, str] = {}
    wanted = (Record.current, ~Record.ended, Record.kind != "framework")
    for row in session.scalars(select(Record).where(*wanted)):
        found[row.kind][row.id] = KINDS[row.kind].model_validate(row.body)
        by[row.id] = row.by
    return OnRecord(
        activities=found["activity"], vendors=found["vendor"], assessments=found["assessment"],
        attestations=found["attestation"], attested_by=by, retentions=found["retention"], holds=found["hold"],
        policies=found["policy"], incidents=found["incident"], reviews=found["review"], requests=tuple(requests),
        applied=applied,
    )  # fmt: skip


def policies(session: Session) -> dict[str, Policy]:
    """The policies in force, by id."""
    wanted = (Record.current, ~Record.ended, Record.kind == "policy")
    return {row.id: Policy.model_validate(row.body) for row in session.scalars(select(Record).where(*wanted))}


def _current(session: Session, record_id: str, version: int | None) -> Record:
    row = session.scalars(select(Record).where(Record.id == record_id, Record.current)).first()
    if row is None:
        raise NotFound(f"There is no record '{record_id[:64]}'.", "List the records to see their ids.")
    if version is not None and version != row.version:
        raise PreconditionFailed(f"The record has version {row.version} by now.", "Read it again, and change that.")
    return row


def _write(session: Session, before: Record | None, row: Record) -> RecordView:
    row.version, row.digest, row.current = before.version + 1 if before is not None else 1, digest_of(row.body), True
    if before is not None:
        session.execute(update(Record).where(Record.id == row.id, Record.current).values(current=False))
    session.add(row)
    session.flush()
    return view(row)


def _check(session: Session, identifier: str, body: Any, now: datetime) -> None:
    """What only the other records and the day can tell to be wrong."""
    today = now.astimezone(UTC).date()
    if isinstance(body, ImportedFramework):
        imported(body.content)
    elif isinstance(body, Policy):
        included(identifier, body, {**policies(session), identifier: body})
    elif isinstance(body, Attestation):
        _attestable(session, body)
        if body.expires_at <= today:
            raise InvalidInput("The attestation would have run out already.", "Give a day in the future.")
    elif isinstance(body, Review) and body.done_at > today:
        raise InvalidInput("A review of the future has not been done.", "Give the day on which it was done.")
    elif isinstance(body, Incident) and body.detected_at > now:
        raise InvalidInput("An incident of the future was not detected.", "Give the time of its detection.")


def _attestable(session: Session, body: Attestation) -> None:
    framework = known(session).get(body.framework)
    if framework is None or all(control.id != body.control for control in framework.pack.value.controls):
        raise InvalidInput(
            f"There is no control '{body.control}' in a framework '{body.framework}'.", "Read the framework."
        )
