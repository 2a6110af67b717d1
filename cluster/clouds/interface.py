"""What an account is, what is found in it, and how a list that could not be finished says so."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.connectors.interface import Problem

Provider = Literal["aws", "azure", "gcp", "postgresql", "folder"]
ResourceKind = Literal["bucket", "database", "database_cluster", "warehouse", "catalog", "folder"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountAccess(_Value):
    """How to reach an account. `url` is that of a server or folder; `sealed` the encrypted credential.

    `regions` are those to look into, all that the account has where there are none. `options` may name `endpoint`,
    `role_arn` and `external_id` (AWS), `account` (Azure), `project` (Google), and those of the connector (a server).
    """

    account_id: str
    provider: Provider
    url: str | None = None
    regions: tuple[str, ...] = ()
    options: dict[str, str] = Field(default_factory=dict)
    sealed: str | None = None


class Resource(_Value):
    """Something that may be made a source. `native_id` is the provider's own and stays; None means it did not tell.

    `url` is what it would be registered by, None where no connector reads it.
    """

    native_id: str
    kind: ResourceKind
    name: str
    region: str | None = None
    engine: str | None = None
    url: str | None = None
    size_bytes: int | None = None
    encrypted_at_rest: bool | None = None
    kms_key: str | None = None
    public_access: bool | None = None
    tls_required: bool | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)


class AccountListing(_Value):
    """All that was found. Only where `complete` is true may something that is missing here be taken for gone.

    A fact that could not be read is a problem too, and takes nothing from completeness.
    """

    resources: tuple[Resource, ...]
    complete: bool
    problems: tuple[Problem, ...] = ()
