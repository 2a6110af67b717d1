"""Curation: what people register, domains and who may see them, custom properties, lifecycle, history, use."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from actors.catalog.contract.assets import GROUP, AssetView, CatalogReceipt, View
from cluster.runtime.commands import Command, Done

# What is registered; glossary terms and contracts have commands of their own.
RegisteredKind = Literal[
    "server", "database", "schema", "bucket", "file_set", "pipeline", "job", "dashboard", "model", "metric", "domain",
    "data_product",
]  # fmt: skip
PropertyType = Literal["text", "number", "boolean", "date", "choice"]
AssetId = Annotated[str, Field(min_length=1, max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$")]


class DomainView(View):
    """A domain: how many of its assets the caller may see, and, if it is restricted, who its members are."""

    id: str
    name: str
    description: str | None
    parent_id: str | None
    restricted: bool
    members: tuple[str, ...]
    assets: int


class PropertyView(View):
    """The definition of a custom property. `kinds` are the kinds of assets that may have it; none stands for all."""

    name: str
    description: str
    type: PropertyType
    choices: tuple[str, ...]
    kinds: tuple[str, ...]


class AssetChangeView(View):
    """What a version of an asset changed, by field: `before` and `after`. `kind` says who wrote: machine or human."""

    version: int
    at: datetime
    principal: str
    kind: Literal["machine", "human"]
    changes: dict[str, Any]


class AssetState(View):
    """An asset as it was in a version: its facts, its columns, its labels and people's words."""

    asset_id: str
    version: int
    at: datetime
    facts: dict[str, Any]
    columns: tuple[dict[str, Any], ...]
    labels: tuple[dict[str, Any], ...]
    words: dict[str, Any]


class RegisterAsset(Command[AssetView]):
    """Adds what no source lists: a dashboard, a pipeline, a domain. The same kind and name again is a Conflict."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    kind: RegisteredKind
    name: Name
    description: str | None = Field(None, max_length=10_000)
    parent_id: AssetId | None = None
    domain_id: AssetId | None = None


class AssignDomain(Command[CatalogReceipt]):
    """Puts assets into a domain, or out of every one (null).

    `source_id` names all assets that a source has, and those that will be found in it: they are in the domain from the
    moment that they are in the catalog.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    domain_id: AssetId | None
    assets: tuple[AssetId, ...] = Field((), max_length=10_000)
    source_id: AssetId | None = None


class RestrictDomain(Command[DomainView]):
    """Says who alone may see a domain and its assets, its subdomains and theirs; `members` null opens it to all.

    A member is the name of a principal, or "role:" and the name of a role. The one who asks must be able to see it.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    domain_id: AssetId
    members: tuple[Name, ...] | None = Field(..., max_length=1_000)


class DefineProperty(Command[PropertyView]):
    """Defines a custom property, or changes its definition where the values that assets have still fit."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_.\-]*$")]
    description: str = Field("", max_length=1_000)
    type: PropertyType = "text"
    choices: tuple[Name, ...] = Field((), max_length=100)
    kinds: tuple[Name, ...] = Field((), max_length=20)


class RemoveProperty(Command[Done]):
    """Takes a definition back. Conflict while an asset has a value of it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    name: Name


class TellUse(Command[CatalogReceipt]):
    """How often assets were used on a day; the same day again replaces what was told. Search ranks by it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:tell"
    day: date
    uses: dict[AssetId, Annotated[int, Field(ge=0, le=1_000_000_000)]] = Field(max_length=10_000)


class MoveLifecycle(Command[AssetView]):
    """Takes an asset out of use ("tombstoned"), back into use ("active"), or deletes what is known of it ("purged").

    Purged can only be what is tombstoned; its id and name stay, so that lineage and audit can be read.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    to: Literal["active", "tombstoned", "purged"]
    version: int | None = None


class RestoreAsset(Command[AssetView]):
    """Makes people's words those of an older version again. Facts are what the source says, and are not touched."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    asset_id: AssetId
    to_version: int = Field(ge=1)
    version: int | None = None


class SweepLifecycle(Command[CatalogReceipt]):
    """Internal: stale assets that did not come back are tombstoned, and tombstoned ones purged, each in its time."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"


class RecordVectors(Command[CatalogReceipt]):
    """Internal: the vectors of phrases, by the model with this digest."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    model: str
    vectors: dict[int, tuple[float, ...]]


class PrepareSearch(Command[CatalogReceipt]):
    """Internal: makes the index of vectors if the server can have one, and documents for assets that lack one; vectors
    of another model than `model` are asked for again."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:internal"
    model: str | None
