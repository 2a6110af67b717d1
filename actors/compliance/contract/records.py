"""What people put on record for compliance: one versioned record of one of these kinds, each with its own fields.

A record never holds a data value: it names purposes, periods, contracts, dates, and places by a `Selector`.
"""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from actors.compliance.contract.policies import Policy
from actors.compliance.contract.selector import Selector
from actors.compliance.contract.verdicts import GROUP
from cluster.runtime.commands import Command

RecordKind = Literal[
    "activity", "vendor", "assessment", "attestation", "retention", "hold", "policy", "incident", "review", "framework"
]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]
LegalBasis = Literal[
    "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"
]
SpecialCondition = Literal[
    "explicit-consent", "employment", "vital-interests", "not-for-profit-body", "made-public", "legal-claims",
    "substantial-public-interest", "health-care", "public-health", "archiving-research",
]  # fmt: skip
TransferBasis = Literal["adequacy", "standard-clauses", "binding-rules", "certification", "derogation"]
ReviewSubject = Literal[
    "access", "activity_log", "risk", "scope", "backup", "restore", "security_test", "purge", "key_rotation",
    "credential_rotation", "disposal", "change", "training", "incident_exercise",
]  # fmt: skip


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transfer(_Body):
    """Personal data goes to a country outside the area: on which basis (GDPR Articles 44 to 49)."""

    country: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
    basis: TransferBasis
    safeguards: Text | None = None


class Activity(_Body):
    """An entry of the register of processing (GDPR Article 30(1)(a) to (g), and (2) for processors).

    `data_categories` are tags or classes of the taxonomy; the entry covers the columns of its targets that carry one.
    """

    kind: Literal["activity"] = "activity"
    name: Name
    targets: Selector
    responsibility: Literal["controller", "processor", "sub-processor"] = "controller"
    controller: Text | None = None
    contact: Text | None = None
    dpo: Text | None = None
    purposes: Names = ()
    data_subjects: Names = ()
    data_categories: Names = ()
    recipients: Names = ()
    vendors: Names = ()
    transfers: tuple[Transfer, ...] = Field((), max_length=100)
    retention_days: int | None = Field(None, ge=1, le=36_500)
    security_measures: Text | None = None
    legal_basis: LegalBasis | None = None
    special_condition: SpecialCondition | None = None
    official_authority: Text | None = None
    collected_from: Literal["subject", "third-party"] = "subject"
    notice: Text | None = None
    children: bool = False
    parental_consent: Text | None = None
    profiling: bool = False
    opt_out: Text | None = None
    assessment: Name | None = None


class Vendor(_Body):
    """Somebody outside who receives data. `contracts` says which agreements were signed with them."""

    kind: Literal["vendor"] = "vendor"
    name: Name
    role: Literal["processor", "sub-processor", "business-associate", "service-provider", "third-party"]
    contracts: tuple[Literal["dpa", "baa", "scc", "pci-responsibility", "ccpa-terms"], ...] = Field((), max_length=5)
    reference: Text | None = None
    signed_at: date | None = None
    expires_at: date | None = None
    countries: Names = ()
    sources: Names = ()


class Assessment(_Body):
    """An impact or risk assessment that was made (GDPR Article 35 and others). `reference` is where it is kept."""

    kind: Literal["assessment"] = "assessment"
    name: Name
    assessed: Literal["data-protection", "transfer", "risk", "legitimate-interests"] = "data-protection"
    reference: Text
    conducted_at: date
    next_review_at: date
    residual_risk: Literal["low", "medium", "high"]
    consulted_authority: bool = False


class Evidence(_Body):
    """Where a proof is kept, with the SHA-256 of the file if there is one."""

    title: Name
    reference: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Attestation(_Body):
    """A person answers for a control until `expires_at`; for all sources if none is named."""

    kind: Literal["attestation"] = "attestation"
    name: Name = "attestation"
    framework: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
    control: Annotated[str, Field(min_length=1, max_length=60)]
    met: bool
    statement: Text
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)
    expires_at: date
    sources: Names = ()


class Retention(_Body):
    """How long data is kept. The age of a row is that of its `clock` column; without one, that of the file."""

    kind: Literal["retention"] = "retention"
    name: Name
    targets: Selector
    days: int = Field(ge=1, le=36_500)
    clock: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    justification: Text


class Hold(_Body):
    """A legal hold: nothing of its targets is deleted while it stands, whatever a retention or a request says."""

    kind: Literal["hold"] = "hold"
    name: Name
    targets: Selector
    reason: Text
    until: date | None = None


class Incident(_Body):
    """A breach and its clocks (GDPR Articles 33 and 34; PCI DSS 12.10.7). Times carry their zone."""

    kind: Literal["incident"] = "incident"
    name: Name
    targets: Selector
    detected_at: datetime
    severity: Literal["low", "medium", "high", "critical"]
    assessed_at: datetime | None = None
    notified_at: datetime | None = None
    notice_not_needed: Text | None = None
    subjects_told_at: datetime | None = None
    closed_at: datetime | None = None

    @model_validator(mode="after")
    def _zoned(self) -> "Incident":
        for name in ("detected_at", "assessed_at", "notified_at", "subjects_told_at", "closed_at"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ValueError(f"{name} needs a time zone")
        return self


class Review(_Body):
    """Something that has to be done from time to time was done: on these sources, on all if none is named."""

    kind: Literal["review"] = "review"
    name: Name
    reviewed: ReviewSubject
    done_at: date
    result: Literal["passed", "failed"]
    statement: Text
    evidence: tuple[Evidence, ...] = Field((), max_length=50)
    sources: Names = ()


class ImportedFramework(_Body):
    """A framework of the organisation's own: the text of a pack as it would stand in `configs/compliance`."""

    kind: Literal["framework"] = "framework"
    name: Name
    content: str = Field(min_length=10, max_length=1_000_000)


Body = Annotated[
    Activity | Vendor | Assessment | Attestation | Retention | Hold | Policy | Incident | Review | ImportedFramework,
    Field(discriminator="kind"),
]


class RecordView(BaseModel):
    """A record in one of its versions. `ended` ones are kept and count no more."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RecordKind
    name: str
    version: int
    digest: str
    body: dict[str, Any]
    ended: bool
    by: str
    at: datetime


class Deadline(BaseModel):
    """Something to be done by a time; `soon` is a day before for incidents, a week for requests, else a month."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["incident", "request", "review", "attestation", "contract", "assessment"]
    id: str
    name: str
    due_at: datetime
    state: Literal["due", "soon", "overdue"] = "due"


class KeepRecord(Command[RecordView]):
    """Puts something on record, or changes it: `version` must then be the current one (PreconditionFailed otherwise).

    Raises NotFound; InvalidInput if it cannot be so: a policy that includes itself, a control that does not exist, a
    framework that is no sound pack, a date of the past in the future.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:write"
    record_id: str | None = None
    version: int | None = None
    body: Body


class EndRecord(Command[RecordView]):
    """Takes a record out of force; it is kept with its history. Raises NotFound, PreconditionFailed."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "compliance:write"
    record_id: str
    version: int | None = None
