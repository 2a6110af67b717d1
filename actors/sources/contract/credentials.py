"""Credentials of sources, and the master keys that they are sealed with."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, SecretStr

from actors.sources.contract.sources import GROUP, SourceView, TestView, View
from cluster.runtime.commands import Command, Done


class SetCredential(Command[SourceView]):
    """Replaces the credential, sealed at rest; an empty one takes it away. Fields may be references (`ref+vault://...`).

    It serves from the next task on, also in scans under way.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    credential: dict[str, SecretStr] = Field(max_length=20)
    expires_at: datetime | None = None


class RotateCredential(Command[TestView]):
    """Tries a new credential by a connection test, and puts it in place if no gate fails.

    Until then the old one serves.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    credential: dict[str, SecretStr] = Field(max_length=20)
    expires_at: datetime | None = None


class WatchCredentials(Command[Done]):
    """Internal: tells of credentials that run out (`credential_expiring`) and that have (`credential_expired`)."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"


class MasterKeyView(View):
    """A master key by its id, and how many credentials it wraps. The `current` one wraps what is sealed from now on."""

    id: str
    current: bool
    credentials: int


class KeyRingView(View):
    """The master keys, the current one first. `lost` counts credentials whose key is no longer there."""

    keys: tuple[MasterKeyView, ...]
    lost: int
    changed: int = 0


class RotateKeys(Command[KeyRingView]):
    """Wraps the data keys of all credentials with the current master key; none of them is out of use meanwhile.

    With `new_master_key` one is made first (Conflict where the keys are in the environment), with `new_data_keys` every
    credential is encrypted anew. The older master keys stay until they are dropped. `changed` counts the credentials.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    new_master_key: bool = False
    new_data_keys: bool = False


class DropKey(Command[KeyRingView]):
    """Takes a master key away. Raises Conflict if it is the current one or wraps a credential, NotFound."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    key_id: str = Field(pattern=r"^[0-9a-f]{16}$")
