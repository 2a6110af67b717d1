"""Assets: what inventories, scans and people say of them, and the commands that tell the catalog."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cluster.connectors.interface import AssetInfo, ForeignKey
from cluster.kernels.report import AssetEvidence, ColumnProfile
from cluster.runtime.commands import Command

GROUP = "catalog"

AssetStatus = Literal["active", "unknown", "gone"]
# What a source holds is found there; what else there is, is registered by people and tools.
AssetKind = Literal[
    "table", "view", "materialized_view", "file", "server", "database", "schema", "bucket", "file_set", "pipeline",
    "job", "dashboard", "model", "metric", "glossary_term", "domain", "data_product", "contract",
]  # fmt: skip
# discovered: listed, not scanned nor described yet; stale: not in the last complete inventory; tombstoned: taken out of
# use, and can be revived; purged: its facts and words are deleted.
Lifecycle = Literal["discovered", "active", "stale", "tombstoned", "purged"]
Tier = Literal["tier1", "tier2", "tier3", "tier4", "tier5"]
CertificationLevel = Literal["gold", "silver", "bronze"]
OwnerType = Literal["technical", "business", "steward", "other"]


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class SourceRef(View):
    """A source as the catalog names it. `namespace` follows OpenLineage ("postgres://host:5432", "s3://bucket").

    `url` holds no credential; with it the catalog knows by which names other tools call the source's assets.
    """

    id: str
    name: str
    kind: str
    namespace: str
    url: str | None = None


class ColumnLabel(View):
    """A class on a column as the catalog shows it."""

    asset_id: str
    column: str
    data_class: str
    sensitivity: str
    origin: str
    state: str
    confidence: float


class ColumnView(View):
    name: str
    ordinal: int
    type: str
    physical_type: str
    nullable: bool
    primary_key: bool
    comment: str | None
    description: str | None
    profile: ColumnProfile | None
    labels: tuple[ColumnLabel, ...]


class AssetSummary(View):
    """An asset in a list. `sensitivity` is the highest of its columns; `coverage` says how it was scanned."""

    id: str
    source_id: str
    name: str
    path: str
    kind: str
    format: str | None
    status: AssetStatus
    lifecycle: Lifecycle
    sensitivity: str | None
    rows: int | None
    bytes: int | None
    columns: int
    coverage: Literal["none", "sample", "census"]
    version: int
    updated_at: datetime


class Ownership(View):
    """Who is responsible for an asset, and in what way."""

    name: str = Field(min_length=1, max_length=200)
    type: OwnerType = "business"


class Certification(View):
    """Somebody's word that the asset may be relied on, until `expires_at` if it is given."""

    model_config = ConfigDict(extra="forbid")  # a mistyped end would make it endless

    level: CertificationLevel
    expires_at: AwareDatetime | None = None
    by: str = ""
    note: str = Field("", max_length=1000)


class ToldView(View):
    """What another tool tells of an asset by a facet of OpenLineage, and which tool and job told it when.

    `value` by facet: schema (`fields` by name: type, description), documentation, ownership (`owners`), tags (`tags`,
    with the `field` that they are about), storage, dataSource, version, datasetType, lifecycleStateChange.
    """

    facet: str
    value: dict[str, Any]
    at: datetime
    producer: str | None
    job: str | None


class AssetView(AssetSummary):
    """An asset with its columns. Machine facts and people's words are kept apart: what people write is `description`,
    `owner`, `owners`, `tags`, `tier`, `certification`, `properties`, `domain_id` and `parent_id`.

    `problem` is the code of the error that kept the last inventory from reading it; its facts are then older ones.
    `told` is what other tools tell of it, which is neither.
    """

    comment: str | None
    description: str | None
    owner: str | None
    tags: tuple[str, ...]
    definition: str | None
    column_list: tuple[ColumnView, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    problem: str | None = None
    owners: tuple[Ownership, ...] = ()
    tier: Tier | None = None
    certification: Certification | None = None
    properties: dict[str, Any] = {}
    domain_id: str | None = None
    parent_id: str | None = None
    popularity: float = 0.0
    told: tuple[ToldView, ...] = ()


class FacetCounts(View):
    """How many assets have each value of each facet; at least so many where `exact` is false."""

    total: int
    exact: bool
    facets: dict[str, dict[str, int]]


class SchemaVersion(View):
    """The columns of an asset from `seen_at` on, and what changed against the version before."""

    version: int
    seen_at: datetime
    columns: tuple[dict[str, Any], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class CatalogStats(View):
    """Counts over the assets of a source that are not gone. `sensitive_columns` counts columns by their highest
    sensitivity, rejected labels left out; `sensitivity` is the highest of all, that of the source; `rows` and `bytes`
    are sums of what is known."""

    tables: int
    views: int
    files: int
    gone: int
    unknown: int
    columns: int
    labelled_columns: int
    sensitive_columns: dict[str, int]
    sensitivity: str | None = None
    scanned: int
    described: int
    owned: int
    rows: int
    bytes: int
    lineage_edges: int


class InventoryReceipt(View):
    assets: int
    created: int
    changed: int
    gone: int


class CatalogReceipt(View):
    """How many entries a command looked at and how many it changed."""

    entries: int
    changed: int


class RecordInventory(Command[InventoryReceipt]):
    """Brings the assets of a source up to date. Only a complete inventory may mark an asset as gone."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    source: SourceRef
    assets: tuple[AssetInfo, ...]
    complete: bool


class MoveCuration(Command[CatalogReceipt]):
    """Internal: assets go by new names; what people wrote about the old ones goes with them.

    `moves` are pairs of the old asset's id and the new one's. What the new one has already stays, so that repeating it
    changes nothing. The lineage that jobs told of leads to the new asset too.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    source_id: str
    moves: tuple[tuple[str, str], ...]


class RecordProfiles(Command[CatalogReceipt]):
    """Stores what a scan learned of the columns."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    source_id: str
    evidence: tuple[AssetEvidence, ...]


class RecordLabels(Command[CatalogReceipt]):
    """Replaces the labels shown on these assets by the given ones."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    source_id: str
    assets: tuple[str, ...]
    labels: tuple[ColumnLabel, ...]


class AnnotateAsset(Command[AssetView]):
    """A person's words on an asset or a column; a field left out stays. `version`, if given, must be current.

    An empty text, tier or level takes a word back. `properties` sets those it names, by their definitions; null takes
    one back.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: str
    version: int | None = None
    column: str | None = None
    description: str | None = Field(None, max_length=10_000)
    owner: str | None = Field(None, max_length=200)
    tags: tuple[str, ...] | None = Field(None, max_length=50)
    owners: tuple[Ownership, ...] | None = Field(None, max_length=20)
    tier: Tier | Literal[""] | None = None
    certification: Certification | Literal[""] | None = None
    properties: dict[str, Any] | None = Field(None, max_length=50)
