"""Sources, their tests, discoveries and inventory."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cluster.connectors.interface import AssetInfo, Endpoint, Enumeration, Problem, SourceFacts, TestStep
from cluster.runtime.commands import Command, Done

GROUP = "sources"

SourceState = Literal["registered", "active", "degraded", "retired"]
WorkState = Literal["queued", "running", "succeeded", "failed"]


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class SourceView(View):
    """A registered source. `url` holds no password; `version` rises with every change and is the ETag."""

    id: str
    name: str
    kind: str
    url: str
    options: dict[str, str]
    state: SourceState
    version: int
    has_credential: bool
    endpoints: tuple[Endpoint, ...] = ()
    max_lag_seconds: float = 60.0
    node_labels: dict[str, str] = {}
    fetch_rows: int | None = None
    facts: SourceFacts | None
    created_at: datetime
    updated_at: datetime


class TestView(View):
    """A connection test with its steps; `state` is failed only if the test itself could not be run to its end.

    With `rotates` it tries a new credential, which is the source's from then on if the test passes.
    """

    __test__ = False

    id: str
    source_id: str
    state: WorkState
    passed: bool | None
    steps: tuple[TestStep, ...]
    rotates: bool = False
    requested_at: datetime
    finished_at: datetime | None


class DiscoveryView(View):
    """One enumeration of a source: what is new, changed and gone against the one before.

    `gone` counts only what a complete enumeration did not find; after an incomplete one those assets are `unknown`.
    """

    id: str
    source_id: str
    state: WorkState
    complete: bool | None
    assets: int
    new: int
    changed: int
    gone: int
    unknown: int
    problems: tuple[Problem, ...]
    requested_at: datetime
    finished_at: datetime | None


class InventoryItem(View):
    """An asset as the source described it last, and whether it is still there.

    `moved_from` is the id that it had under the name before.
    """

    asset_id: str
    source_id: str
    path: str
    status: Literal["present", "gone", "unknown"]
    info: AssetInfo
    moved_from: str | None = None
    first_seen: datetime
    last_seen: datetime


class RegisterSource(Command[SourceView]):
    """Registers a source; a password inside `url` is taken out and encrypted.

    Raises Conflict with `context.source_id` if the URL or the name is known.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    url: SecretStr
    name: str | None = Field(None, min_length=1, max_length=100)
    options: dict[str, str] = Field(default_factory=dict, max_length=50)
    credential: dict[str, SecretStr] = Field(default_factory=dict, max_length=20)


class UpdateSource(Command[SourceView]):
    """Changes name or options; `version` must be the current one (PreconditionFailed otherwise)."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    version: int
    name: str | None = Field(None, min_length=1, max_length=100)
    options: dict[str, str] | None = Field(None, max_length=50)


class RetireSource(Command[SourceView]):
    """Takes a source out of service; its inventory, labels and findings stay readable."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str


class TestSource(Command[TestView]):
    """Asks for a connection test. Runs outside the door; follow it by its id or by `sources.tested`."""

    __test__: ClassVar[bool] = False
    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str


class DiscoverSource(Command[DiscoveryView]):
    """Asks for an enumeration. Runs outside the door; follow it by its id or by `sources.discovered`.

    That event is the `DiscoveryView` with `arrived`, path and kind of the first 200 assets that are new or changed, and
    `arrived_more`, whether there are more.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str


class BeginWork(Command[Done]):
    """Internal: marks a queued test or discovery as running."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    kind: Literal["test", "discovery"]
    id: str


class RecordTest(Command[TestView]):
    """Internal: the steps and facts that a test brought."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    test_id: str
    steps: tuple[TestStep, ...]
    facts: SourceFacts | None


class RecordDiscovery(Command[DiscoveryView]):
    """Internal: the enumeration that a discovery brought, or the problem that ended it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    discovery_id: str
    enumeration: Enumeration | None
    facts: SourceFacts | None
    problem: Problem | None = None
