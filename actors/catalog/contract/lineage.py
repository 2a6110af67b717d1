"""Lineage: edges between columns, and the commands that bring them."""

from typing import Any, ClassVar, Literal

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


class LineageView(View):
    """The neighbourhood of an asset: the assets met, by id with their names, and the edges between them."""

    root: str
    assets: dict[str, str]
    edges: tuple[LineageEdge, ...]


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


class RecordLineageEvent(Command[LineageReceipt]):
    """Keeps an OpenLineage event and brings the lineage of its job up to date. Raises InvalidInput if it is none."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "catalog:tell"
    body: dict[str, Any]
