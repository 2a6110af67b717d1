"""The commands by which facts are stored and judged, and what they answer."""

from typing import ClassVar

from pydantic import Field

from actors.compliance.contract.verdicts import GROUP, FactDraft, FactKind, Verdict, View
from cluster.runtime.commands import Command, Done


class FactReceipt(View):
    facts: int
    changed: int


class EvaluationView(View):
    """How many findings stand by verdict, and how many changed. `digest` covers all standing findings."""

    source_id: str
    verdicts: dict[Verdict, int]
    changed: int
    digest: str


class TouchedView(View):
    """How many assets were judged again, and how many findings changed."""

    source_id: str
    judged: int
    changed: int


class AdviceReceipt(View):
    recommendations: int
    changed: int


class RecordFacts(Command[FactReceipt]):
    """Stores facts; an unchanged value keeps its version. `complete` kinds drop facts of subjects not named."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:internal"
    source_id: str
    facts: tuple[FactDraft, ...]
    complete: tuple[FactKind, ...] = ()


class EvaluateSource(Command[EvaluationView]):
    """Evaluates every control of the given frameworks (all if none are named) against the source's facts."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:evaluate"
    source_id: str
    frameworks: tuple[str, ...] = Field(default=(), max_length=50)


class EvaluateAssets(Command[TouchedView]):
    """Evaluates again what the changed facts of these assets touch, and nothing else.

    It finds what an evaluation of the whole source would. A source that was never evaluated is evaluated whole.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:internal"
    source_id: str
    assets: tuple[str, ...] = Field(max_length=1000)


class NoteFollowed(Command[Done]):
    """Internal: changed facts were followed up to this event, behind which following goes on after a restart."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:internal"
    upto: int


class AdviseSource(Command[AdviceReceipt]):
    """Recomputes the ranked recommendations of a source from its standing findings."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:evaluate"
    source_id: str
