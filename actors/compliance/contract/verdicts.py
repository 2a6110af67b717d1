"""Facts, frameworks, findings, posture and recommendations, and the commands that make them."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from cluster.runtime.commands import Command, Done

GROUP = "compliance"

Verdict = Literal["PASS", "FAIL", "NOT_APPLICABLE", "INSUFFICIENT_EVIDENCE"]
Severity = Literal["low", "medium", "high", "critical"]
FactKind = Literal["source", "asset", "labels", "coverage", "profile", "flows", "records", "attestation"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class FactDraft(_View):
    """A fact before it has a version. `subject` is an asset id, or the source id for facts of kind source.

    The compliance group makes the facts of the kinds `records` and `attestation` itself, of what is on record.

    Values by kind. source: SourceFacts plus {name, url, kind}. asset: {path, kind, status, owner, tags, grants:
    [{grantee, privilege, public}], columns: [names], rows, has_owner, of files modified_at: the day in UTC}. labels:
    {columns: {name: [{data_class, sensitivity, tags, matched, scanned, prevalence, state, origin, whole_column}]}}.
    coverage: {method: none | sample | census, partitions, partitions_read, rows, problem}. profile: {columns: {name:
    {rows, nulls, unreadable, distinct, min, max}}}. flows: {out: [{asset, source, name, masking}], in: [...]}.
    records: see `deriving.py`. attestation (the subject is "<framework>/<control>"): {met, by, expires_at, evidence}.
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
    facts: tuple[FactKind, ...]
    max_fact_age_days: int
    waivable: bool
    remediation: str


class FrameworkView(_View):
    key: str
    version: str
    title: str
    authority: str
    source: str
    digest: str
    shipped: bool
    controls: tuple[ControlView, ...]


class FindingView(_View):
    """The standing verdict of a check for a control on a subject, with the facts it stands on.

    state: open, acknowledged, in_progress, false_positive and waived are those of a verdict that fails, or failed and
    lacks the evidence that it no longer does; resolved ones failed once; informative ones never did.
    """

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
    state: Literal["open", "acknowledged", "in_progress", "false_positive", "waived", "resolved", "informative"]
    assignee: str | None = None
    due_at: date | None = None
    waiver_id: str | None = None
    first_seen: datetime
    last_changed: datetime


class Explained(_View):
    """What a check says of one subject, for the facts as they stand."""

    check: str
    subject: str
    name: str
    verdict: Verdict
    reason: str


class ControlStatus(_View):
    """The verdict of a control over a source: FAIL if any subject fails, PASS only if no subject lacks evidence.

    `waived` of the failing ones are waived; the verdict stays what it is. `attested`: a person attested to the control,
    and the attestation is in force; it decides manual controls, and stands beside what facts decide of the others.
    """

    framework: str
    control: str
    title: str
    automation: Literal["full", "partial", "manual"]
    verdict: Verdict
    attested: bool
    waived: int
    failing: int
    passing: int
    insufficient: int
    not_applicable: int


class Posture(_View):
    """All controls of a source; `coverage` is the share with a verdict other than INSUFFICIENT_EVIDENCE.

    `covered` is the share of the controls marked full or partial that have such a verdict or are attested.
    """

    source_id: str
    framework: str
    coverage: float
    covered: float
    controls: tuple[ControlStatus, ...]


class RecommendationView(_View):
    """What to do next: `risk_removed` is the sum of the severities' weights of the findings that it would settle.

    `settles` are the controls whose verdict over the source would change, as nothing else of them is open. `can_act`:
    Sextant can do it, or its first step: `POST /recommendations/{id}/act`.
    """

    id: str
    source_id: str
    rank: int
    action: str
    title: str
    why: str
    subjects: tuple[str, ...]
    findings: tuple[str, ...]
    controls: tuple[str, ...]
    settles: tuple[str, ...] = ()
    can_act: bool = False
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


class TouchedView(_View):
    """How many assets were judged again, and how many findings changed."""

    source_id: str
    judged: int
    changed: int


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
