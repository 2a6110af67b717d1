"""How many connections a source is read by and how many rows at a time, and what was measured to tell."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from actors.sources.contract.sources import GROUP, SourceView, View, WorkState
from actors.sources.measuring import Measured
from actors.sources.tuning import Advice, FetchPoint, PoolPoint
from cluster.connectors.interface import Problem
from cluster.connectors.pool import PoolFigures
from cluster.runtime.commands import Command


class TuningView(View):
    """A measurement of a source: what was seen, and the advice that it supports with those of before.

    `pool` is how the connections were used while measuring. `applied` says that the advice was put to work.
    """

    id: str
    source_id: str
    state: WorkState
    most_connections: int
    points: tuple[PoolPoint, ...]
    fetches: tuple[FetchPoint, ...]
    pool: PoolFigures | None
    advice: Advice | None
    problem: Problem | None
    applied: bool
    requested_at: datetime
    finished_at: datetime | None


class SetFetchRows(Command[SourceView]):
    """Sets how many rows one batch holds, for scans that begin afterwards; None is what the settings say."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    fetch_rows: int | None = Field(None, ge=256, le=1_000_000)


class TuneSource(Command[TuningView]):
    """Asks for a measurement, which reads from the source for some seconds by up to `most_connections` at once.

    Raises Conflict where nothing was discovered yet that could be read.
    """

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    most_connections: int = Field(8, ge=1, le=16)


class RecordTuning(Command[TuningView]):
    """Internal: what a measurement brought, or the problem that ended it."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:internal"
    tuning_id: str
    measured: Measured | None = None
    problem: Problem | None = None


class ApplyTuning(Command[TuningView]):
    """Puts the number of rows of an advice to work, and marks it applied. Raises Conflict where there is no advice."""

    group: ClassVar[str] = GROUP
    permission: ClassVar[str] = "sources:write"
    source_id: str
    tuning_id: str
