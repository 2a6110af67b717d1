"""Lineage: edges between columns, and the commands that bring them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from actors.catalog.contract.assets import GROUP, CatalogReceipt, View
from cluster.runtime.commands import Command


class LineageEdge(View):
    """Data flows from one column (or asset, where the column is None) to another.

    transformation: DIRECT with subtype IDENTITY, TRANSFORMATION or AGGREGATION; INDIRECT with JOIN, FILTER,
    GROUP_BY, SORT, WINDOW or CONDITIONAL. An edge that could not be resolved has a confidence below 1.
    """

    from_asset: str
    from_column: str | None
    to_asset: str
    to_column: str | None
    transformation: Literal["DIRECT", "INDIRECT"]
    subtype: str
    masking: bool
    confidence: float
    origin: str
    id: int | None = None
    author: str | None = None
    note: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


class LineageView(View):
    """The neighbourhood of an asset: the assets met, by id with their names, and the edges between them.

    `depths` says how many steps away each is: above 0 downstream, below 0 upstream. `complete` is false where the walk
    was cut at its bound.
    """

    root: str
    assets: dict[str, str]
    edges: tuple[LineageEdge, ...]
    depths: dict[str, int] = Field(default_factory=dict)
    complete: bool = True


class ImpactLevel(View):
    """How many assets and columns are reached first at so many steps. `indirect` assets are only reached by filters,
    joins and the like."""

    depth: int
    assets: int
    columns: int
    indirect: int


class ImpactView(View):
    """What depends on an asset or on one of its columns, by depth."""

    root: str
    column: str | None
    assets: int
    columns: int
    levels: tuple[ImpactLevel, ...]
    complete: bool


class PathStep(View):
    """One edge of a path, with the names of its ends and what it does in words."""

    edge: LineageEdge
    from_name: str
    to_name: str
    words: str


class PathView(View):
    """The shortest way from one column or asset to another; no steps if there is none."""

    steps: tuple[PathStep, ...]


class CarriedLabelView(View):
    """A class that lineage carries to a column.

    `state`: carried (nothing is known of the data), confirmed (a scan found the class), refuted (a census did not, or a
    person rejected it: it goes no further). `roots` are the labelled columns, as asset and column.
    """

    asset_id: str
    column: str
    data_class: str
    sensitivity: str
    confidence: float
    state: Literal["carried", "confirmed", "refuted"]
    roots: tuple[tuple[str, str], ...]


class RecordQueries(Command[CatalogReceipt]):
    """Statements that ran on a source, as its query log has them: what they fill, and from where, is lineage.

    Texts are read and not kept. An edge that a log told of holds until a person ends it: a query that ran last month
    made what is there today. Raises NotFound for a source of which the catalog knows nothing.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:tell"
    source_id: str
    queries: tuple[Annotated[str, Field(max_length=100_000)], ...] = Field((), max_length=1_000)


class TellEdge(Command[LineageEdge]):
    """A person's knowledge of where data goes. Raises NotFound for an end that is not there, or is hidden.

    Telling the same edge again gives the one that stands.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    from_asset: str
    from_column: str | None = Field(None, max_length=1000)
    to_asset: str
    to_column: str | None = Field(None, max_length=1000)
    subtype: Literal[
        "IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "FILTER", "GROUP_BY", "SORT", "WINDOW", "CONDITIONAL"
    ] = "TRANSFORMATION"
    masking: bool = False
    note: str | None = Field(None, max_length=2000)


class EndEdge(Command[LineageEdge]):
    """Ends an edge that a person or a query log told of; as of earlier times it stands.

    Raises NotFound for an edge that is not there, Conflict for one that a view or a job tells of.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    edge_id: int


class DeriveLineage(Command[CatalogReceipt]):
    """Derives column lineage from the view definitions of a source. Foreign keys relate assets and carry no data."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:write"
    source_id: str


class LineageReceipt(View):
    """What became of a lineage event: `known` if it had come before, and how many edges began and ended by it."""

    event_id: str
    kind: Literal["run", "job", "dataset"]
    known: bool
    begun: int
    ended: int


class JobRef(View):
    """A job by its name, and one run of it by its id."""

    namespace: str
    name: str
    run_id: str | None


class JobView(View):
    """A job of another tool: what its newest event says, and the facets of all that are kept. `state` is that of the
    run which the newest event is of; None for a job that was only described."""

    id: str
    namespace: str
    name: str
    state: str | None
    at: datetime
    run_id: str | None
    type: str | None
    description: str | None
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    source_code: str | None


class RunView(View):
    """A run of a job. `error` is the first line of what went wrong, without texts in quotes and numbers."""

    run_id: str
    job: JobRef
    state: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
    at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    nominal_start: datetime | None
    nominal_end: datetime | None
    parent: JobRef | None
    root: JobRef | None
    engine: str | None
    error: str | None
    tags: tuple[str, ...]
    events: int


class RecordLineageEvent(Command[LineageReceipt]):
    """Keeps an OpenLineage event and brings the lineage of its job up to date. Raises InvalidInput if it is none."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:tell"
    body: dict[str, Any]
