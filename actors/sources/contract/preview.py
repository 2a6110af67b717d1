"""Looking at some rows of an asset, and sources as a document."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field, SecretStr

from actors.sources.contract.sources import GROUP, View
from cluster.connectors.interface import Endpoint
from cluster.runtime.commands import Command, Done

Action = Literal["create", "update", "unchanged", "retire"]


class AskPreview(Command[Done]):
    """Asks to be shown rows of an asset, which is noted before any is read.

    With `reveal` those of protected columns too, for which the caller needs `sources:reveal`. Raises NotFound and
    Conflict.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:preview"
    source_id: str
    asset_id: str
    rows: int = Field(ge=1, le=100)
    masked: tuple[str, ...] = Field(max_length=5000)
    reveal: bool = False


class SourceSpec(View):
    """A source as a document holds it. Fields of its credential are references; without one that stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2000)
    options: dict[str, str] = Field(default_factory=dict, max_length=50)
    endpoints: tuple[Endpoint, ...] = Field((), max_length=20)
    max_lag_seconds: float = Field(60.0, ge=0, le=86_400)
    node_labels: dict[str, str] = Field(default_factory=dict, max_length=10)
    fetch_rows: int | None = Field(None, ge=256, le=1_000_000)
    credential: dict[str, SecretStr] | None = Field(None, max_length=20)


class SpecChange(View):
    """What applying a document does to one source; `fields` are those that differ."""

    name: str
    action: Action
    source_id: str | None
    fields: tuple[str, ...] = ()


class ApplyReport(View):
    """What applying a document did, or, with `dry_run`, would do."""

    dry_run: bool
    changes: tuple[SpecChange, ...]


class ApplySources(Command[ApplyReport]):
    """Makes the sources what a document says, all of them or none. Sources are known by their names.

    With `prune` those that it does not name are retired. Applying it again changes nothing. Raises InvalidInput for a
    name twice, a URL that is not the source's, or a secret in clear.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    sources: tuple[SourceSpec, ...] = Field(max_length=1000)
    prune: bool = False
    dry_run: bool = False
