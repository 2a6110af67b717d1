"""Budgets: how hard a source may be worked, and when."""

from datetime import datetime, time
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from actors.scans.contract.runs import GROUP, View
from cluster.runtime.commands import Command, Done


class Window(BaseModel):
    """A time of the week in which scans may read. `days` counts from 0, Monday; an `end` before `start` is next day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[int, ...] = Field((0, 1, 2, 3, 4, 5, 6), max_length=7)
    start: time = time(0, 0)
    end: time = time(0, 0)
    timezone: str = Field("UTC", max_length=64)


class Budget(BaseModel):
    """What all scans of a source together may take. None sets no limit.

    bytes_per_second and queries_per_second are never exceeded in any tenth of a second, on the wire to the source, but
    by one value of a database that is larger than that, which is paid for by waiting. Bytes are those that the source
    sends. Discovery is outside of it. With `cpu_share` one reader at a time takes that share of one CPU, in slices of
    milliseconds: for a source on the machine of the workers. `concurrency` is the most partitions read at once;
    cpu_seconds_per_day is counted over the last 24 hours. Without `windows` scans may always read; what is under way
    when one closes is finished. With `degrade` a census that `bytes_per_scan` cannot carry, or that is expected to take
    more CPU than a day has, is cut to a random sample, and says so; else it waits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_per_second: float | None = Field(None, ge=1024)
    queries_per_second: float | None = Field(None, ge=0.1)
    cpu_share: float | None = Field(None, ge=0.005, le=1)
    concurrency: int | None = Field(None, ge=1, le=1000)
    cpu_seconds_per_day: float | None = Field(None, gt=0)
    bytes_per_scan: int | None = Field(None, ge=1)
    windows: tuple[Window, ...] = Field((), max_length=50)
    degrade: bool = True


class BudgetView(View):
    """The budget of a source and what was taken of it in the last 24 hours."""

    source_id: str
    content: Budget
    updated_at: datetime | None
    cpu_seconds_today: float
    bytes_today: int
    open_now: bool


class SetBudget(Command[BudgetView]):
    """Sets the budget of a source, for scans under way too."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    source_id: str
    content: Budget


class ClearBudget(Command[Done]):
    """Takes the budget of a source away."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "scans:write"
    source_id: str
