"""Where else a source is served, and from which nodes it can be reached."""

from typing import ClassVar

from pydantic import Field

from actors.sources.contract.sources import GROUP, SourceView
from cluster.connectors.interface import Endpoint
from cluster.runtime.commands import Command


class SetEndpoints(Command[SourceView]):
    """Replaces the endpoints of a source: replicas of its own URL, which scans read from first.

    Holds for scans that begin afterwards. Raises InvalidInput for a kind of source whose replicas are not the same byte
    for byte, and AddressRefused.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    endpoints: tuple[Endpoint, ...] = Field(max_length=20)
    max_lag_seconds: float = Field(60.0, ge=0, le=86_400)


class PlaceSource(Command[SourceView]):
    """Names the labels of the nodes that can reach the source; its work runs on these only. None are all nodes."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    node_labels: dict[str, str] = Field(max_length=10)
