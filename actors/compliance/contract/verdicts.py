"""Facts, frameworks, findings, posture and recommendations."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

GROUP = "compliance"

Verdict = Literal["PASS", "FAIL", "NOT_APPLICABLE", "INSUFFICIENT_EVIDENCE"]
Severity = Literal["low", "medium", "high", "critical"]
FactKind = Literal["source", "asset", "labels", "coverage", "profile", "flows", "records", "attestation"]


class View(BaseModel):
    """What is told of rows; it does not change."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class FactDraft(View):
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


class FactView(View):
    """A fact in one of its versions; the version rises when the value changes."""

    kind: FactKind
    subject: str
    source_id: str
    version: int
    value: dict[str, Any]
    digest: str
    observed_at: datetime


class FactRef(View):
    """Which version of which fact a verdict stands on."""

    kind: FactKind
    subject: str
    version: int
    digest: str


class ControlView(View):
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


class FrameworkView(View):
    key: str
    version: str
    title: str
    authority: str
    source: str
    digest: str
    shipped: bool
    controls: tuple[ControlView, ...]


class FindingView(View):
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


class Explained(View):
    """What a check says of one subject, for the facts as they stand."""

    check: str
    subject: str
    name: str
    verdict: Verdict
    reason: str


class ControlStatus(View):
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


class Posture(View):
    """All controls of a source; `coverage` is the share with a verdict other than INSUFFICIENT_EVIDENCE.

    `covered` is the share of the controls marked full or partial that have such a verdict or are attested.
    """

    source_id: str
    framework: str
    coverage: float
    covered: float
    controls: tuple[ControlStatus, ...]


class RecommendationView(View):
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
