"""Alerts: what channels are told of incidents, each message until it is delivered or given up.

A message is a row of the transaction that opened the incident, so that none is lost and none is sent of what was rolled
back. It is tried 8 times, after 1, 2, 4 ... minutes. Delivery is at least once: `id` tells a repeated message.
"""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actors.catalog.assets import asset_row
from actors.catalog.contract import AlertView, ChannelView, DefineChannel, RecordDelivery, RemoveChannel
from actors.catalog.delivery import Channel, check_target
from actors.catalog.incident_tables import Alert, AlertChannel, Incident
from actors.catalog.tables import Asset
from cluster.context import Caller, new_id
from cluster.errors import InvalidInput, NotFound
from cluster.runtime.commands import Done, UnitOfWork
from cluster.security.secrets import seal
from cluster.security.visibility import visible

TRIES: Final = 8
FIRST_WAIT_SECONDS: Final = 60.0


def enqueue(work: UnitOfWork, asset: Asset, incident: Incident, what: str) -> None:
    """Puts a message to every channel that wants to hear of it. It names the asset and holds no value of its data."""
    wanted = select(AlertChannel).where(AlertChannel.enabled, AlertChannel.least_severity >= incident.severity)
    for channel in work.session.scalars(wanted):
        if channel.domain_id is not None and channel.domain_id != asset.domain_id:
            continue
        work.session.add(
            Alert(
                channel_id=channel.id, incident_id=incident.id, body=message(asset, incident, what), state="pending",
                tries=0, due_at=work.now, created_at=work.now, delivered_at=None, problem=None,
            )
        )  # fmt: skip


def message(asset: Asset, incident: Incident, what: str) -> dict[str, Any]:
    """What is told of an incident."""
    return {
        "event": f"incident.{what}", "incident": incident.id, "title": incident.title, "state": incident.state,
        "severity": incident.severity, "owner": incident.owner, "reason": incident.reason, "asset_id": asset.id,
        "asset": asset.path, "source": asset.source_name, "opened_at": incident.opened_at.isoformat(),
    }  # fmt: skip


def define(work: UnitOfWork, command: DefineChannel) -> ChannelView:
    """Raises InvalidInput for a target that cannot be one, AddressRefused for one that must not be reached."""
    if command.domain_id is not None:
        asset_row(work.session, command.domain_id, work.caller)
    row = work.session.scalars(select(AlertChannel).where(AlertChannel.name == command.name)).first()
    secret = command.secret.get_secret_value() if command.secret else None
    check_target(command.kind, command.target, command.options, secret)
    if row is None:
        row = AlertChannel(id=new_id(), name=command.name, sealed=None)
        work.session.add(row)
    elif row.kind != command.kind:
        raise InvalidInput("The channel is of another kind.", "Remove it first, or choose another name.")
    if command.kind == "slack" and secret is None and row.sealed is None:
        raise InvalidInput("A Slack channel has its address as its secret.", "Give `secret`.")
    if secret is not None:
        row.sealed = seal({"secret": secret}, f"channel:{row.id}")
    row.kind, row.target, row.options = command.kind, command.target, dict(command.options)
    row.least_severity, row.domain_id, row.enabled = command.least_severity, command.domain_id, command.enabled
    row.principal, row.updated_at = work.caller.principal, work.now
    work.session.flush()
    view = _view(row)
    work.emit("channel_defined", f"channel:{row.name}", None, {"kind": row.kind, "enabled": row.enabled})
    return view


def remove(work: UnitOfWork, command: RemoveChannel) -> Done:
    """Raises NotFound."""
    row = work.session.scalars(select(AlertChannel).where(AlertChannel.name == command.name)).first()
    if row is None:
        raise NotFound("There is no such channel.", "List the channels to see which there are.")
    waiting = (Alert.channel_id == row.id, Alert.state == "pending")
    work.session.execute(update(Alert).where(*waiting).values(state="failed", problem="the channel was removed"))
    work.emit("channel_removed", f"channel:{row.name}", {"kind": row.kind}, None)
    work.session.delete(row)
    return Done()


def record(work: UnitOfWork, command: RecordDelivery) -> Done:
    """Keeps what came of a try. One that failed is tried again, unless it was the last or can never succeed."""
    row = work.session.get(Alert, command.alert_id)
    if row is None or row.state != "pending":
        return Done()
    row.tries += 1
    row.problem = command.problem
    if command.problem is None:
        row.state, row.delivered_at = "delivered", work.now
    elif command.final or row.tries >= TRIES:
        row.state = "failed"
    else:
        row.due_at = work.now + timedelta(seconds=FIRST_WAIT_SECONDS * 2 ** (row.tries - 1))
    return Done()


def due(session: Session, now: Any, most: int = 20) -> list[tuple[int, Channel, dict[str, Any]]]:
    """The messages to try now, the oldest first, with their channels."""
    statement = (
        select(Alert, AlertChannel)
        .join(AlertChannel, AlertChannel.id == Alert.channel_id)
        .where(Alert.state == "pending", Alert.due_at <= now, AlertChannel.enabled)
    )
    rows = session.execute(statement.order_by(Alert.due_at, Alert.id).limit(most))
    return [
        (alert.id, Channel(channel.id, channel.kind, channel.target, channel.options, channel.sealed),
         alert.body | {"id": alert.id})
        for alert, channel in rows
    ]  # fmt: skip


def channels(session: Session, caller: Caller) -> list[ChannelView]:
    """All channels by name; one that is about a domain which the caller may not see is left out."""
    rows = session.scalars(select(AlertChannel).order_by(AlertChannel.name)).all()
    seen = set(session.scalars(select(Asset.id).where(Asset.kind == "domain", visible(caller, Asset.id))))
    return [_view(row) for row in rows if row.domain_id is None or row.domain_id in seen]


def alerts(session: Session, caller: Caller, after: int | None = None, limit: int = 100) -> list[AlertView]:
    """Alerts about assets that the caller may see, the newest first, below the number `after`."""
    statement = select(Alert).join(Incident, Incident.id == Alert.incident_id)
    statement = statement.where(visible(caller, Incident.asset_id))
    if after is not None:
        statement = statement.where(Alert.id < after)
    return [AlertView.model_validate(row) for row in session.scalars(statement.order_by(Alert.id.desc()).limit(limit))]


def _view(row: AlertChannel) -> ChannelView:
    facts = {name: getattr(row, name) for name in ChannelView.model_fields if name != "signed"}
    return ChannelView(**facts, signed=row.sealed is not None)
