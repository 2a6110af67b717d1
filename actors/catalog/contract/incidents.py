"""Monitors, incidents, and alerts about them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr

from actors.catalog.contract.assets import GROUP, CatalogReceipt, View
from actors.catalog.contract.curation import AssetId, Name
from cluster.runtime.commands import Command, Done

MonitorKind = Literal["freshness", "volume", "schema_change", "distribution", "quality"]
IncidentState = Literal["New", "Ack", "Assigned", "Resolved"]
Reason = Literal["FalsePositive", "MissingData", "Duplicates", "OutOfBounds", "Fixed", "Recovered", "Other"]
ChannelKind = Literal["webhook", "slack", "email"]


class MonitorView(View):
    """What is watched. `state` is unknown while there is too little history to say."""

    id: str
    asset_id: str
    column: str
    kind: MonitorKind
    parameters: dict[str, Any]
    severity: int
    state: Literal["ok", "breached", "unknown"]
    checked_at: datetime | None


class IncidentView(View):
    """What is wrong, with which asset, who owns it, and how it ended. Severity 1 is the worst of 5."""

    id: str
    asset_id: str
    asset: str
    cause: str
    title: str
    state: IncidentState
    severity: int
    owner: str | None
    reason: Reason | None
    comment: str | None
    occurrences: int
    opened_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    resolved_at: datetime | None


class ChannelView(View):
    """Where alerts go; what is secret of it is never shown."""

    id: str
    name: str
    kind: ChannelKind
    target: str
    options: dict[str, Any]
    least_severity: int
    domain_id: str | None
    enabled: bool
    signed: bool


class AlertView(View):
    """One message to one channel: delivered, still tried (`pending`), or given up (`failed`) with the last problem."""

    id: int
    channel_id: str
    incident_id: str
    state: Literal["pending", "delivered", "failed"]
    tries: int
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    problem: str | None


class DefineMonitor(Command[MonitorView]):
    """Watches an asset, or a column of it (distribution).

    Parameters: freshness `max_hours`; volume `min`, `max` (rows); distribution `metric` (null_share, distinct_share or
    mean), `min`, `max`; quality `min_score`. What is left out is learned from history; schema_change takes none.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    kind: MonitorKind
    column: str = Field("", max_length=1_000)
    parameters: dict[str, Annotated[float, Field(allow_inf_nan=False)] | Name] = Field(
        default_factory=dict, max_length=5
    )
    severity: int = Field(3, ge=1, le=5)


class RemoveMonitor(Command[Done]):
    """Ends a watch; its incidents stay."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    monitor_id: AssetId


class CheckMonitors(Command[CatalogReceipt]):
    """Looks at every monitor that was not looked at for `seconds`; opens incidents, and ends those that are over."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    seconds: float = 60.0
    most: int = 500


class OpenIncident(Command[IncidentView]):
    """Opens an incident by hand; one that is open with the same title is counted once more."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    title: Name
    severity: int = Field(3, ge=1, le=5)


class MoveIncident(Command[IncidentView]):
    """Moves an incident on: New -> Ack -> Assigned (to `owner`) -> Resolved (with a `reason`). Resolved is the end."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    incident_id: AssetId
    to: Literal["Ack", "Assigned", "Resolved"]
    owner: Name | None = None
    reason: Reason | None = None
    comment: str | None = Field(None, max_length=2_000)
    severity: int | None = Field(None, ge=1, le=5)


class DefineChannel(Command[ChannelView]):
    """Adds a channel, or changes the one of this name; `secret` left out stays.

    webhook: `target` is an https or http URL, `secret` the key of its signature. slack: `secret` is the URL of the
    incoming webhook, `target` a name for people. email: `target` are addresses with commas, `options` hold `host`,
    `port`, `sender`, `username` and `tls` ("starttls", "implicit" or "none"), `secret` is the password.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$")]
    kind: ChannelKind
    target: str = Field(min_length=1, max_length=2_000)
    options: dict[str, str] = Field(default_factory=dict, max_length=10)
    secret: SecretStr | None = Field(None, max_length=2_000)
    least_severity: int = Field(5, ge=1, le=5, description="Incidents of this severity and worse (smaller) are told.")
    domain_id: AssetId | None = None
    enabled: bool = True


class RemoveChannel(Command[Done]):
    """Takes a channel away; what it has not delivered is given up."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    name: Name


class RecordDelivery(Command[Done]):
    """Internal: whether an alert was delivered; `problem` says why not."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    alert_id: int
    problem: str | None = None
    final: bool = False
