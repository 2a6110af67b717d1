"""What a connector is: the values that pass between a source, the planner and a worker, and the protocol."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:  # 40 MB that only workers need; actors and doors import these values too
    import pyarrow as pa

LogicalType = Literal[
    "string", "integer", "number", "boolean", "date", "timestamp", "time", "binary", "json", "nested", "unknown"
]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Value):
    """Another place at which the data of a source is served, with the same credential. Of equal rank the smaller
    `priority` goes first. `read_only` is what is known of it: Sextant writes nowhere.
    """

    url: str = Field(max_length=2000, examples=["postgresql://replica.example:5432/shop"])
    role: Literal["replica", "primary", "archive"] = "replica"
    region: str | None = Field(None, max_length=100)
    priority: int = Field(100, ge=0, le=1000)
    read_only: bool = True
    options: dict[str, str] = Field(default_factory=dict, max_length=50)


class SourceAccess(_Value):
    """How to reach a source. `url` carries no password; `sealed` is the encrypted credential, which workers open.

    `options` are non-secret connection options of the connector (endpoint, region, sslmode, header ...). `endpoints`
    are others beside `url`, read from if they lag `max_lag_seconds` at most. Work runs on nodes with all `node_labels`,
    and reads `fetch_rows` at a time, None being what the settings say. With `keep` a worker leaves its session open for
    some seconds, for the next who reads the source there; that is for one of which nothing limits how many read it.
    `expires_at` is when the credential was said to expire.
    """

    source_id: str
    url: str
    options: dict[str, str] = Field(default_factory=dict)
    sealed: str | None = None
    endpoints: tuple[Endpoint, ...] = ()
    max_lag_seconds: float = 60.0
    node_labels: dict[str, str] = Field(default_factory=dict)
    fetch_rows: int | None = None
    keep: bool = False
    expires_at: datetime | None = None


class ColumnInfo(_Value):
    name: str
    ordinal: int
    type: LogicalType
    physical_type: str
    nullable: bool = True
    primary_key: bool = False
    comment: str | None = None


class ForeignKey(_Value):
    columns: tuple[str, ...]
    to_asset: str
    to_columns: tuple[str, ...]


class Grant(_Value):
    """`grantee` may do `privilege` on the asset; `public` is true where everybody may."""

    grantee: str
    privilege: str
    public: bool = False


class AssetInfo(_Value):
    """One table, view or file as the source describes it. `path` is its stable name within the source.

    `fingerprint` changes whenever the content may have changed and never otherwise while nothing was written;
    None where the source cannot say (a view). `identity` stays when the asset is renamed, and no other asset of the
    source has it at that time; None where the source knows no such thing. `definition` is the SQL text of a view.
    `problem` says why its columns or content could not be read (an `Problem.code`), the asset then still exists.
    `modified_at` is when a file was last written, of a set of files the one that was not for longest; None for others.
    """

    path: str
    kind: Literal["table", "view", "materialized_view", "file"]
    format: str | None = None
    columns: tuple[ColumnInfo, ...] = ()
    rows_estimate: int | None = None
    bytes: int | None = None
    fingerprint: str | None = None
    identity: str | None = None
    definition: str | None = None
    comment: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    grants: tuple[Grant, ...] = ()
    owner: str | None = None
    problem: str | None = None
    modified_at: datetime | None = None


class Problem(_Value):
    """Something that could not be read, without any value of it: `code` is the code of an error class."""

    path: str
    code: str
    detail: str
    remedy: str


class Enumeration(_Value):
    """All assets seen. Only where `complete` is true may an asset that is missing here be taken for deleted."""

    assets: tuple[AssetInfo, ...]
    complete: bool
    problems: tuple[Problem, ...] = ()


class SourceFacts(_Value):
    """Facts of the source as a whole that controls need. None means that the source did not tell."""

    kind: str
    server_version: str | None = None
    tls: bool | None = None
    encrypted_at_rest: bool | None = None
    public_access: bool | None = None
    authenticated: bool | None = None
    superuser: bool | None = None
    audit_logging: bool | None = None
    region: str | None = None
    environment: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class TestStep(_Value):
    """One named step of a connection test (`category` gate: later steps make no sense without it).

    `diagnosis` names what is wrong with a step that failed, in words that programs can go by (see
    `cluster.connectors.steps.DIAGNOSES`).
    """

    __test__ = False

    name: str
    status: Literal["passed", "failed", "warning", "skipped"]
    category: Literal["gate", "capability"]
    duration_ms: float
    summary: str
    code: str | None = None
    diagnosis: str | None = None
    remedy: str | None = None


class Partition(_Value):
    """A picklable read task: which part of which asset. `spec` is the connector's own and JSON-serialisable.

    `fingerprint` identifies the content of exactly this part: equal fingerprint, equal content.
    """

    asset: str
    number: int
    kind: str
    spec: dict[str, Any]
    columns: tuple[str, ...]
    rows_estimate: int | None = None
    bytes: int | None = None
    fingerprint: str


class Connector(Protocol):
    """Reads one source. Made by `cluster.connectors.open_connector`; lives in one process; close it after use.

    Every method raises the SourceError family only, with no data value in the message.
    """

    kind: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]]

    def __init__(self, access: SourceAccess, credential: Mapping[str, str]) -> None: ...

    def test(self) -> Iterator[TestStep]:
        """Yields each step as it ends; a failed gate is followed by skipped steps. Never raises SourceError."""
        ...

    def facts(self) -> SourceFacts: ...

    def enumerate(self) -> Enumeration:
        """Lists everything the credential can see. An error on one asset becomes a Problem, not an exception."""
        ...

    def plan(self, asset: AssetInfo, target_bytes: int) -> list[Partition]:
        """Cuts an asset into partitions of about `target_bytes`, which together hold each row exactly once."""
        ...

    def read(self, partition: Partition, batch_rows: int, batch_bytes: int) -> "Iterator[pa.RecordBatch]":
        """The rows of the partition as bounded batches. Values of types nobody expected arrive as text or are dropped
        to a null of their column with the count kept in the batch's schema metadata, never as an exception."""
        ...

    def ease(self) -> float:
        """The share of one CPU that may be used just now so that what the source does for others does not suffer.

        1 where the source is on another machine, has no pace, or has nothing else to do. Asked again and again.
        """
        ...

    def close(self) -> None: ...
