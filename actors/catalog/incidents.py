"""Incidents: opened by what fails, owned by whoever answers for the asset, ended by a person or by recovery."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from actors.catalog.alerts import enqueue
from actors.catalog.assets import asset_row
from actors.catalog.contract import IncidentView, MoveIncident, OpenIncident
from actors.catalog.incident_tables import Incident
from actors.catalog.quality_tables import QualityResult, QualityTest
from actors.catalog.tables import Annotation, Asset
from actors.catalog.told_tables import ToldFacet
from cluster.context import Caller, new_id
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.naming import asset_entity
from cluster.runtime.commands import UnitOfWork
from cluster.security.visibility import visible

ALLOWED: Final = {"New": ("Ack", "Assigned", "Resolved"), "Ack": ("Assigned", "Resolved"),
                  "Assigned": ("Assigned", "Resolved"), "Resolved": ()}  # fmt: skip


def raised(work: UnitOfWork, asset: Asset, cause: str, title: str, severity: int) -> Incident:
    """The open incident of this cause: a new one, told to the channels, or the one that is there, counted once more."""
    held = work.session.scalars(
        select(Incident).where(Incident.asset_id == asset.id, Incident.cause == cause, Incident.state != "Resolved")
    ).first()
    if held is not None:
        held.occurrences += 1
        held.last_seen_at, held.title = work.now, title
        return held
    incident = Incident(
        id=new_id(), asset_id=asset.id, cause=cause, title=title, state="New", severity=severity,
        owner=_answers_for(work.session, asset.id), reason=None, comment=None, occurrences=1, opened_at=work.now,
        last_seen_at=work.now, changed_at=work.now, resolved_at=None,
    )  # fmt: skip
    work.session.add(incident)
    work.session.flush()
    told = {"path": asset.path, "incident": incident.id, "title": title, "severity": severity, "owner": incident.owner}
    work.emit("incident_opened", asset_entity(asset.id), None, told)
    enqueue(work, asset, incident, "opened")
    return incident


def recovered(work: UnitOfWork, asset: Asset, cause: str) -> None:
    """Ends the open incident of this cause, if there is one."""
    held = work.session.scalars(
        select(Incident).where(Incident.asset_id == asset.id, Incident.cause == cause, Incident.state != "Resolved")
    ).first()
    if held is not None:
        _resolve(work, asset, held, "Recovered", None)


def is_open(session: Session, asset_id: str, cause: str) -> bool:
    """Whether an incident of this cause is open."""
    held = select(Incident.id).where(
        Incident.asset_id == asset_id, Incident.cause == cause, Incident.state != "Resolved"
    )
    return session.execute(held.limit(1)).first() is not None


def _resolve(work: UnitOfWork, asset: Asset, incident: Incident, reason: str, comment: str | None) -> None:
    before, incident.state = incident.state, "Resolved"
    incident.reason, incident.comment = reason, comment
    incident.resolved_at = incident.changed_at = work.now
    told = {"path": asset.path, "incident": incident.id, "state": "Resolved", "reason": reason}
    work.emit("incident_moved", asset_entity(asset.id), {"state": before}, told)
    enqueue(work, asset, incident, "resolved")


def _answers_for(session: Session, asset_id: str) -> str | None:
    """Whom people made the owner; else a steward, else whom another tool tells of first."""
    note = session.get(Annotation, (asset_id, ""))
    named = sorted(note.owners or (), key=lambda owner: owner["type"] != "steward") if note is not None else []
    if note is not None and note.owner:
        return note.owner
    told = session.get(ToldFacet, (asset_id, "ownership"))
    named = named or (told.value["owners"] if told is not None and told.value else [])
    return named[0]["name"] if named else None


def after_results(work: UnitOfWork, asset_id: str, results: Iterable[QualityResult]) -> None:
    """A test that failed opens an incident; one that passes again ends it. What could not be decided does neither."""
    asset = work.session.get(Asset, asset_id)
    if asset is None:
        return
    for result in results:
        cause = f"test:{result.test_id}"
        if result.status == "Success":
            recovered(work, asset, cause)
        elif result.status == "Failed":
            test = work.session.get(QualityTest, result.test_id)
            if test is not None:
                place = f" of column {test.column}" if test.column else ""
                raised(work, asset, cause, f"{test.definition}{place} failed", test.severity)


def open_by_hand(work: UnitOfWork, command: OpenIncident) -> IncidentView:
    """Raises NotFound for the asset."""
    asset = asset_row(work.session, command.asset_id, work.caller)
    incident = raised(work, asset, f"person:{command.title}", command.title, command.severity)
    return _view(incident, asset)


def move(work: UnitOfWork, command: MoveIncident) -> IncidentView:
    """Raises NotFound, Conflict for a way that is not allowed, InvalidInput where owner or reason is missing."""
    incident, asset = _incident(work.session, command.incident_id, work.caller)
    if command.to not in ALLOWED[incident.state]:
        raise Conflict(f"An incident that is {incident.state} cannot become {command.to}.", "Read it again.")
    if command.to == "Assigned" and not command.owner:
        raise InvalidInput("An assigned incident has an owner.", "Give `owner`.")
    if (command.to == "Resolved") != bool(command.reason):
        raise InvalidInput("A resolved incident has a reason, and no other has.", "Correct `reason`.")
    if command.severity is not None:
        incident.severity = command.severity
    if command.owner:
        incident.owner = command.owner
    if command.to == "Resolved":
        _resolve(work, asset, incident, command.reason or "Other", command.comment)
        return _view(incident, asset)
    before, incident.state, incident.changed_at = incident.state, command.to, work.now
    incident.comment = command.comment or incident.comment
    told = {"path": asset.path, "incident": incident.id, "state": command.to, "owner": incident.owner}
    work.emit("incident_moved", asset_entity(asset.id), {"state": before}, told)
    enqueue(work, asset, incident, command.to.lower())
    return _view(incident, asset)


def _incident(session: Session, identifier: str, caller: Caller) -> tuple[Incident, Asset]:
    incident = session.get(Incident, identifier)
    if incident is None:
        raise NotFound("There is no such incident.", "List the incidents to see their ids.")
    try:
        return incident, asset_row(session, incident.asset_id, caller)
    except NotFound:
        raise NotFound("There is no such incident.", "List the incidents to see their ids.") from None


def get_incident(session: Session, identifier: str, caller: Caller) -> IncidentView:
    """One incident. Raises NotFound."""
    return _view(*_incident(session, identifier, caller))


def incidents(
    session: Session, caller: Caller, *, asset_id: str | None = None, state: str | None = None,
    owner: str | None = None, after: str | None = None, limit: int = 100,
) -> list[IncidentView]:  # fmt: skip
    """Incidents of assets that the caller may see, the newest first, behind the one with the id `after`."""
    statement = select(Incident, Asset).join(Asset, Asset.id == Incident.asset_id)
    statement = statement.where(visible(caller, Incident.asset_id))
    for column, value in ((Incident.asset_id, asset_id), (Incident.state, state), (Incident.owner, owner)):
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        last = _incident(session, after, caller)[0]
        older = (Incident.opened_at < last.opened_at) | (
            (Incident.opened_at == last.opened_at) & (Incident.id < last.id)
        )
        statement = statement.where(older)
    rows = session.execute(statement.order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(limit))
    return [_view(incident, asset) for incident, asset in rows]


def _view(incident: Incident, asset: Asset) -> IncidentView:
    facts = {name: getattr(incident, name) for name in IncidentView.model_fields if name != "asset"}
    return IncidentView(**facts, asset=asset.path)
