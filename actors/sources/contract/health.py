"""How sources are: what probes found, as states, percentiles and availability."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from actors.sources.contract.sources import GROUP, View
from actors.sources.health import HealthState, Standing
from cluster.connectors.breaker import State
from cluster.runtime.commands import Command, Done


class HealthView(View):
    """How a source is. Percentiles in ms are of the last hour; `usual_ms` is what it takes when all is well.

    `credential_state` is how its credential stands, by its day of expiry. `breaker` says whether probes go on as
    ever, are held back, or try with care; scans have breakers of their own.
    """

    source_id: str
    name: str
    state: HealthState
    since: datetime | None
    diagnosis: str | None
    checked_at: datetime | None
    usual_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    probes: int
    failures: int
    breaker: State
    next_probe_at: datetime | None
    credential_state: Literal["none", "valid", "expiring", "expired"] = "none"
    credential_expires_at: datetime | None = None


class HealthPoint(View):
    """What the probes of one minute or one hour found, from `at` on."""

    at: datetime
    probes: int
    failures: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class HealthHistory(View):
    """A source's probes by minute, where they are still known so closely, or by hour."""

    source_id: str
    step: Literal["minute", "hour"]
    points: tuple[HealthPoint, ...]


class HealthChange(View):
    """That a source went from one state to another, and why."""

    source_id: str
    at: datetime
    before: HealthState
    after: HealthState
    diagnosis: str | None


class DayOfSource(View):
    """One day (UTC) of a source. `availability` is the share of its probes that went well; null without any."""

    day: str
    probes: int
    failures: int
    availability: float | None


class Availability(View):
    """The availability of a source over some days, as probes saw it; times without probes are left out.

    `covered` is the share of the hours since `since` in which there were probes.
    """

    source_id: str
    since: datetime
    probes: int
    failures: int
    availability: float | None
    covered: float
    days: tuple[DayOfSource, ...]


class HealthNote(View):
    """What is kept of a source's standing between two probes, and until when its breaker holds probes back.

    `checked_at` is None as long as nobody has looked.
    """

    source_id: str
    standing: Standing
    since: datetime
    checked_at: datetime | None
    diagnosis: str | None
    breaker: State
    next_probe_at: datetime | None


class MinuteOfProbes(View):
    """The probes of one source in one minute; `counts` by the bin of their latency (`actors.sources.health.bin_of`)."""

    source_id: str
    minute: datetime
    probes: int = Field(ge=0)
    failures: int = Field(ge=0)
    counts: dict[str, int]
    max_ms: float | None


class RecordHealth(Command[Done]):
    """Internal: what the prober found since it told last. A state that is another one is an event, `health_changed`."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    notes: tuple[HealthNote, ...] = ()
    minutes: tuple[MinuteOfProbes, ...] = ()


class ProbeSource(Command[HealthView]):
    """Asks for a probe now, also of one that its breaker holds back. Follow it by `GET .../health`."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
