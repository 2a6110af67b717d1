"""What other groups and the doors may know of the compliance group: its values and its commands."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.runtime.commands import Command

GROUP = "compliance"

Verdict = Literal["PASS", "FAIL", "NOT_APPLICABLE", "INSUFFICIENT_EVIDENCE"]
Severity = Literal["low", "medium", "high", "critical"]
FactKind = Literal["source", "asset", "labels", "coverage"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class FactDraft(_View):
    """A fact before it has a version. `subject` is an asset id, or the source id for facts of kind source.

    Values by kind. source: SourceFacts plus {name, url, kind}. asset: {path, kind, status, owner, tags, grants:
    [{grantee, privilege, public}], columns: [names], rows, has_owner}. labels: {columns: {name: [{data_class,
    sensitivity, tags, matched, scanned, prevalence, state, origin, whole_column}]}}. coverage: {method: none | sample |
    census, partitions, partitions_read, rows, problem}.
    """

    kind: FactKind
    subject: str
    value: dict[str, Any]


class FactView(_View):
    """A fact in one of its versions; the version rises when the value changes."""

    kind: FactKind
    subject: str
    source_id: str
    version: int
    value: dict[str, Any]
    digest: str
    observed_at: datetime


class FactRef(_View):
    """Which version of which fact a verdict stands on."""

    kind: FactKind
    subject: str
    version: int
    digest: str


class ControlView(_View):
    """A control of a framework. `automation` says how much of it data facts can decide."""

    framework: str
    id: str
    title: str
    reference: str
    automation: Literal["full", "partial", "manual"]
    severity: Severity
    checks: tuple[str, ...]
    remediation: str


class FrameworkView(_View):
    key: str
    version: str
    title: str
    authority: str
    digest: str
    controls: tuple[ControlView, ...]


class FindingView(_View):
    """The standing verdict of a check for a control on a subject, with the facts it stands on."""

    id: str
    fingerprint: str
    source_id: str
    framework: str
    control: str
    check: str
    subject: str
    subject_name: str
    verdict: Verdict
    severity: Severity
    reason: str
    remediation: str
    columns: tuple[str, ...]
    facts: tuple[FactRef, ...]
    rule_digest: str
    state: Literal["open", "resolved", "informative"]
    first_seen: datetime
    last_changed: datetime


class ControlStatus(_View):
    """The verdict of a control over a source: FAIL if any subject fails, PASS only if no subject lacks evidence."""

    framework: str
    control: str
    title: str
    verdict: Verdict
    failing: int
    passing: int
    insufficient: int
    not_applicable: int


class Posture(_View):
    """All controls of a source; `coverage` is the share with a verdict other than INSUFFICIENT_EVIDENCE."""

    source_id: str
    framework: str
    coverage: float
    controls: tuple[ControlStatus, ...]


class RecommendationView(_View):
    """What to do next: `risk_removed` is the sum of the severities' weights of the findings that it would settle."""

    id: str
    source_id: str
    rank: int
    action: str
    title: str
    why: str
    subjects: tuple[str, ...]
    findings: tuple[str, ...]
    controls: tuple[str, ...]
    risk_removed: float
    effort: Literal["low", "medium", "high"]


class FactReceipt(_View):
    facts: int
    changed: int


class EvaluationView(_View):
    """How many findings stand by verdict, and how many changed. `digest` covers all standing findings."""

    source_id: str
    verdicts: dict[Verdict, int]
    changed: int
    digest: str


class AdviceReceipt(_View):
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


class AdviseSource(Command[AdviceReceipt]):
    """Recomputes the ranked recommendations of a source from its standing findings."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:evaluate"
    source_id: str
