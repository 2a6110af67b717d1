"""Exceptions from controls: asked for by one person, decided by another, and over on a day that is set beforehand."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.compliance.contract import DecideWaiver, RequestWaiver, WaiverView
from actors.compliance.handling import open_finding, sees
from actors.compliance.tables import Rule, Waiver
from cluster.context import new_id
from cluster.errors import Conflict, Forbidden, InvalidInput, NotFound
from cluster.runtime.commands import UnitOfWork
from cluster.security.tokens import signs_in

LONGEST = timedelta(days=366)
DECIDES = "compliance:decide"


def request(work: UnitOfWork, command: RequestWaiver) -> WaiverView:
    """A waiver that awaits its decision."""
    session, today = work.session, _today(work.now)
    row = open_finding(work, command.finding_id)
    rule = session.scalars(select(Rule.body).where(Rule.digest == row.rule_digest)).one()
    if not rule["control"]["waivable"]:
        raise Conflict(f"No exception from {row.framework} {row.control} is allowed.", rule["control"]["remediation"])
    if not today < command.expires_at <= today + LONGEST:
        raise InvalidInput("A waiver lasts from a day to a year.", "Choose another day for its end.")
    _approver(session, command.approver, work.caller.principal, work.now)
    standing = (Waiver.finding_id == row.id, Waiver.state.in_(("requested", "approved")), Waiver.expires_at >= today)
    if session.scalars(select(Waiver.id).where(*standing)).first() is not None:
        raise Conflict("The finding is waived already, or a waiver awaits its decision.", "List its waivers.")
    made = Waiver(
        id=new_id(), finding_id=row.id, framework=row.framework, control=row.control, subject_name=row.subject_name,
        state="requested", reason=command.reason, compensating_control=command.compensating_control,
        requested_by=work.caller.principal, approver=command.approver, decided_by=None, decision=None,
        requested_at=work.now, decided_at=None, expires_at=command.expires_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return _told(work, made, "waiver_requested")


def decide(work: UnitOfWork, command: DecideWaiver) -> WaiverView:
    """The waiver as it was decided."""
    row = work.session.get(Waiver, command.waiver_id)
    if row is None or not sees(work, row.finding_id):
        raise NotFound(f"There is no waiver '{command.waiver_id[:64]}'.", "List the waivers to see their ids.")
    asked = ("requested", "approved") if command.decision == "withdraw" else ("requested",)
    if row.state not in asked:
        raise Conflict(f"The waiver is {row.state}.", "Ask for another one.")
    if row.expires_at < _today(work.now):
        raise Conflict("The waiver has expired meanwhile.", "Ask for another one.")
    if command.decision != "withdraw" and work.caller.principal != row.approver:
        raise Forbidden(f"'{row.approver}' has to decide on this waiver.", "Ask them, or for another waiver.")
    if command.decision != "withdraw":
        _approver(work.session, row.approver, row.requested_by, work.now)
    row.state = {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"}[command.decision]
    row.decided_by, row.decision, row.decided_at = work.caller.principal, command.comment, work.now
    work.session.flush()
    return _told(work, row, f"waiver_{row.state}")


def expire(work: UnitOfWork) -> None:
    """Marks the waivers whose last day has passed; their findings are open again from that day on."""
    over = (Waiver.state.in_(("requested", "approved")), Waiver.expires_at < _today(work.now))
    for row in work.session.scalars(select(Waiver).where(*over)):
        row.state = "expired"
        _told(work, row, "waiver_expired")


def view(row: Waiver, today: date) -> WaiverView:
    """A waiver as others see it: it has expired from the day after its last, whether that was marked or not."""
    told = WaiverView.model_validate(row)
    over = told.state in {"requested", "approved"} and told.expires_at < today
    return told.model_copy(update={"state": "expired"}) if over else told


def _approver(session: Session, approver: str, requester: str, now: datetime) -> None:
    """Raises InvalidInput if this principal cannot decide on what that one asked for."""
    if approver == requester:
        raise InvalidInput("Who asks for a waiver cannot approve it.", "Name somebody else.")
    if not signs_in(session, approver, DECIDES, now):
        raise InvalidInput(
            f"'{approver[:64]}' cannot decide: not known, without '{DECIDES}', or without a valid token.",
            "Name somebody who may decide, and whose access has not run out.",
        )


def _told(work: UnitOfWork, row: Waiver, kind: str) -> WaiverView:
    told = view(row, _today(work.now))
    said = told.model_dump(mode="json", include={"id", "finding_id", "state", "approver", "requested_by", "expires_at"})
    work.emit(kind, f"finding:{row.finding_id}", None, said)
    return told


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()
