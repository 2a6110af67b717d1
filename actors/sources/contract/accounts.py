"""Accounts of clouds, servers and file shares: what lies in them, and which of it is a source."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from actors.sources.contract.sources import GROUP, SourceView, View, WorkState
from cluster.clouds.interface import AccountListing, Provider, ResourceKind
from cluster.connectors.interface import Problem
from cluster.runtime.commands import Command

ResourceStatus = Literal["new", "registered", "ignored", "gone"]


class AccountView(View):
    """An account that is looked through for sources. `listed_at` is when that was last done to the end."""

    id: str
    name: str
    provider: Provider
    url: str | None
    regions: tuple[str, ...]
    options: dict[str, str]
    state: Literal["active", "retired"]
    has_credential: bool
    created_at: datetime
    listed_at: datetime | None


class AccountDiscoveryView(View):
    """One look through an account. Only a complete one without any error says that something is gone."""

    id: str
    account_id: str
    state: WorkState
    complete: bool | None
    resources: int
    new: int
    changed: int
    gone: int
    problems: tuple[Problem, ...]
    requested_at: datetime
    finished_at: datetime | None


class ResourceView(View):
    """Something that lies in an account, with its facts; None where the provider did not tell."""

    id: str
    account_id: str
    native_id: str
    kind: ResourceKind
    name: str
    status: ResourceStatus
    source_id: str | None
    region: str | None
    engine: str | None
    url: str | None
    size_bytes: int | None
    encrypted_at_rest: bool | None
    kms_key: str | None
    public_access: bool | None
    tls_required: bool | None
    tags: dict[str, str]
    extra: dict[str, Any]
    first_seen: datetime
    last_seen: datetime


class RegisterAccount(Command[AccountView]):
    """Registers an account. AWS takes access_key_id and secret_access_key, or the role of the machine, and may name
    `role_arn`, `external_id` and `endpoint`; Azure takes account_key or sas_token, and needs the option `account`;
    Google (`gcp`) takes service_account_key or token, and needs the option `project`; a server or folder needs a `url`.
    Raises Conflict for a known name.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    name: str = Field(min_length=1, max_length=100)
    provider: Provider
    url: SecretStr | None = None
    regions: tuple[str, ...] = Field((), max_length=50)
    options: dict[str, str] = Field(default_factory=dict, max_length=50)
    credential: dict[str, SecretStr] = Field(default_factory=dict, max_length=20)


class RetireAccount(Command[AccountView]):
    """Takes an account out of service; what was found in it stays readable."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    account_id: str


class DiscoverAccount(Command[AccountDiscoveryView]):
    """Asks for a look through the account."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    account_id: str


class RecordAccount(Command[AccountDiscoveryView]):
    """Internal: what a look through an account found, or the problem that ended it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    discovery_id: str
    listing: AccountListing | None = None
    problem: Problem | None = None


class IgnoreResource(Command[ResourceView]):
    """Says that something is not to be a source, or takes that back."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    resource_id: str
    ignored: bool = True


class AdoptResource(Command[SourceView]):
    """Makes a source of something found, with the facts that are known of it and the account's credential or another.

    Raises Conflict if it is one already or is gone, InvalidInput where no connector reads it.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    resource_id: str
    name: str | None = Field(None, min_length=1, max_length=100)
    options: dict[str, str] = Field(default_factory=dict, max_length=50)
    credential: dict[str, SecretStr] = Field(default_factory=dict, max_length=20)
