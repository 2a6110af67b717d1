"""Scan definitions: what is to be scanned, by which rules, how much of it, and what sets it off."""

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from actors.scans.contract.runs import GROUP, Sampling, View
from cluster.runtime.commands import Command, Done

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
TriggerKind = Literal["cron", "interval", "file_arrival", "table_commit", "openlineage", "rule_change", "after"]
Glob = Annotated[str, Field(min_length=1, max_length=500)]
OccurrenceState = Literal["waiting", "started", "skipped"]


class Definition(BaseModel):
    """What a definition scans, as a person writes it. govern: all eight phases; scan: the scan alone.

    govern takes the whole source by the current rules, so it goes with none of the fields from `ruleset_version` to
    `priority`. A definition that is not `enabled` is not set off, neither by a trigger nor by hand.
    `include` and `exclude` are globs over the paths of the source's assets, next to those of the rule set.
    `ruleset_version` pins the rules; None means the current ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_id: str = Field(min_length=1, max_length=64)
    action: Literal["scan", "govern"] = "scan"
    ruleset: Name = "default"
    ruleset_version: int | None = Field(None, ge=1)
    include: tuple[Glob, ...] = Field(("*",), max_length=200)
    exclude: tuple[Glob, ...] = Field((), max_length=200)
    sampling: Sampling = Sampling()
    priority: int = Field(5, ge=0, le=9)
    enabled: bool = True

    def covers(self, path: str) -> bool:
        """Whether an asset of this path is in scope; the rule set may leave out more."""
        return any(fnmatchcase(path, glob) for glob in self.include) and not any(
            fnmatchcase(path, glob) for glob in self.exclude
        )


class DefinitionView(View):
    """A stored definition; `version` rises with each change."""

    id: str
    name: str
    version: int
    content: Definition
    created_at: datetime
    updated_at: datetime
    retired: bool


class Trigger(BaseModel):
    """What sets a definition off.

    cron: `expression` of five fields in `timezone`, with the answers of Debian's cron where clocks are changed: a fixed
    hour that is left out runs when the clock has gone forward, one that comes twice runs the first time.
    interval: every `seconds`. What was missed of both while nothing ran is made up for once.
    file_arrival: a discovery finds a new or changed file in the scope of the definition; table_commit: a new or changed
    table. `match`, a glob over asset paths, narrows both; the source is discovered every `poll_seconds` for them.
    rule_change: the rule set has a new version. after: the run of the definition `after` has succeeded.
    openlineage: a job has told `POST /api/v1/lineage` that it COMPLETEd a run that wrote assets in the scope of the
    definition; `match` narrows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TriggerKind
    expression: str | None = Field(None, max_length=100)
    timezone: str = Field("UTC", max_length=64)
    seconds: float | None = Field(None, ge=10, le=366 * 86_400)
    match: str = Field("*", max_length=500)
    after: str | None = Field(None, max_length=64)
    poll_seconds: float = Field(60, ge=10, le=86_400)
    enabled: bool = True


class TriggerView(View):
    """A stored trigger. `next_at` is when a cron or interval fires next."""

    id: str
    definition_id: str
    content: Trigger
    next_at: datetime | None
    fired_at: datetime | None


class OccurrenceView(View):
    """One time that a definition was set off, and what became of it: the scan or the workflow that it started."""

    id: str
    definition_id: str
    trigger_id: str | None
    reason: str
    at: datetime
    state: OccurrenceState
    run_id: str | None
    workflow_id: str | None
    problem: str | None


class UpcomingView(View):
    """A firing of a cron or interval trigger that is still to come, or that is due."""

    at: datetime
    trigger_id: str
    definition_id: str
    definition: str


class DefineScan(Command[DefinitionView]):
    """Makes a definition of this name, or changes it. `if_version` guards against a change made meanwhile.

    A retired definition of the name is taken into use again, without the triggers that it had.
    Raises PreconditionFailed, and InvalidInput where govern is asked for a part of a source.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    name: Name
    content: Definition
    if_version: int | None = None


class RetireDefinition(Command[DefinitionView]):
    """Takes a definition out of use: its triggers are removed, its runs stay.

    Raises Conflict while another definition runs after it.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    definition_id: str


class AddTrigger(Command[TriggerView]):
    """Gives a definition a trigger. Raises InvalidInput where it says no time, and Conflict on a circle of `after`."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    definition_id: str
    content: Trigger


class ChangeTrigger(Command[TriggerView]):
    """Replaces what sets the definition off."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    trigger_id: str
    content: Trigger


class RemoveTrigger(Command[Done]):
    """Removes a trigger."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    trigger_id: str


class RunDefinition(Command[OccurrenceView]):
    """Sets a definition off now. The orchestrator starts what it says.

    The same `key` returns the occurrence that it made. Raises Conflict if the definition is retired or not enabled.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    definition_id: str
    key: str = Field(max_length=200)


class FireTriggers(Command[Done]):
    """Internal: makes an occurrence of every trigger that is due, and of those that new events set off."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"


class SettleOccurrence(Command[Done]):
    """Internal: an occurrence was started as this scan or workflow, or was skipped for this reason."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:internal"
    occurrence_id: str
    run_id: str | None = None
    workflow_id: str | None = None
    problem: str | None = None
