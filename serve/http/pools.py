"""Routes of pools: how a source's connections are used, what was measured, and acting on the advice."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from actors.scans import budgets
from actors.scans.contract import Budget, SetBudget
from actors.scans.pressure import Pressure, pressure
from actors.sources import pools, queries
from actors.sources.contract import ApplyTuning, SetFetchRows, TuneSource, TuningView
from cluster.connectors.pool import PoolFigures
from cluster.context import Caller
from cluster.errors import Conflict
from serve.http.doors import Access
from serve.http.identity import Writer, permitted
from serve.http.pages import Id

router = APIRouter(prefix="/sources/{source_id}", tags=["sources"])
MayRead = Annotated[Caller, Depends(permitted("sources:read"))]


class PoolView(BaseModel):
    """How the connections to a source are used. `size` is the most that scans read by at once; null is no limit.

    `in_use` and `waiters` are partitions of the scans under way, `idle` is what is left of `size`; `timeouts` and
    `refused` count partitions whose last attempt in this hour failed so. `measured` is how the pool of the last
    measurement was used.
    """

    model_config = ConfigDict(frozen=True)

    source_id: str
    size: int | None
    fetch_rows: int | None
    in_use: int
    idle: int | None
    waiters: int
    timeouts: int
    refused: int
    measured: PoolFigures | None


class PoolChange(BaseModel):
    """The most connections of scans, and the rows of one batch; null takes a limit away."""

    model_config = ConfigDict(extra="forbid")

    size: int | None = Field(None, ge=1, le=1000)
    fetch_rows: int | None = Field(None, ge=256, le=1_000_000)


class Measurement(BaseModel):
    """How far to go."""

    model_config = ConfigDict(extra="forbid")

    most_connections: int = Field(8, ge=1, le=16)


class Tunings(BaseModel):
    """Measurements, the newest first."""

    model_config = ConfigDict(frozen=True)

    items: tuple[TuningView, ...]


@router.get("/pool", operation_id="get_pool", summary="Read how a source's connections are used")
def get(source_id: Id, doors: Access, caller: MayRead) -> PoolView:
    """In use, idle, waiting and timed out, as the store knows it now."""
    return _pool(doors, source_id)


@router.put("/pool", operation_id="set_pool", summary="Limit the connections of a source")
async def put(source_id: Id, body: PoolChange, doors: Access, caller: Writer) -> PoolView:
    """Sets the concurrency of the scan budget, which holds from the next partition on, and the rows of a batch."""
    caller.require(SetFetchRows.permission)
    caller.require(SetBudget.permission)
    await doors.send(SetFetchRows(source_id=source_id, fetch_rows=body.fetch_rows), caller)
    await _limit(doors, source_id, body.size, caller)
    return await run_in_threadpool(_pool, doors, source_id)


@router.get("/tunings", operation_id="list_tunings", summary="List measurements of a source")
def list_all(source_id: Id, doors: Access, caller: MayRead) -> Tunings:
    """What was measured of late, and what it says."""
    with doors.reading() as session:
        return Tunings(items=tuple(pools.list_tunings(session, source_id)))


@router.post("/tunings", status_code=202, operation_id="tune_source", summary="Measure a source")
async def tune(source_id: Id, body: Measurement, response: Response, doors: Access, caller: Writer) -> TuningView:
    """Reads from it for some seconds by more and more connections. 409 where a scan budget limits bytes or queries."""
    caller.require(TuneSource.permission)
    budget = await run_in_threadpool(_budget, doors, source_id)
    if budget.bytes_per_second or budget.queries_per_second or budget.cpu_share:
        raise Conflict("A budget limits how fast the source may be read.", "Lift it while the source is measured.")
    most = min(body.most_connections, budget.concurrency or body.most_connections)
    view = await doors.send(TuneSource(source_id=source_id, most_connections=most), caller)
    response.headers["Location"] = f"/api/v1/sources/{source_id}/tunings/{view.id}"
    return view


@router.get("/tunings/{tuning_id}", operation_id="get_tuning", summary="Read a measurement")
def get_tuning(source_id: Id, tuning_id: Id, doors: Access, caller: MayRead) -> TuningView:
    """The points, the fitted models, the advice and its reasons."""
    with doors.reading() as session:
        return pools.get_tuning(session, source_id, tuning_id)


@router.post("/tunings/{tuning_id}/application", operation_id="apply_tuning", summary="Act on an advice")
async def apply(source_id: Id, tuning_id: Id, doors: Access, caller: Writer) -> TuningView:
    """Sets the connections and the rows of a batch that a measurement advises."""
    caller.require(ApplyTuning.permission)
    caller.require(SetBudget.permission)
    view = await doors.send(ApplyTuning(source_id=source_id, tuning_id=tuning_id), caller)
    if view.advice is not None and view.advice.connections is not None:
        await _limit(doors, source_id, view.advice.connections, caller)
    return view


async def _limit(doors: Access, source_id: str, size: int | None, caller: Caller) -> None:
    """The rest of the budget stays as it is."""
    budget = await run_in_threadpool(_budget, doors, source_id)
    if budget.concurrency != size:
        content = budget.model_copy(update={"concurrency": size})
        again = caller.model_copy(update={"operation_id": f"{caller.operation_id[:100]}.budget"})
        await doors.send(SetBudget(source_id=source_id, content=content), again)


def _budget(doors: Access, source_id: str) -> Budget:
    with doors.reading() as session:
        queries.get_source(session, source_id)
        return budgets.budget_of(session, source_id, datetime.now(UTC)).content


def _pool(doors: Access, source_id: str) -> PoolView:
    budget = _budget(doors, source_id)
    with doors.reading() as session:
        source = queries.get_source(session, source_id)
        used: Pressure = pressure(session, source_id, datetime.now(UTC))
        last = next((one for one in pools.list_tunings(session, source_id) if one.pool is not None), None)
    idle = None if budget.concurrency is None else max(0, budget.concurrency - used.in_use)
    return PoolView(
        source_id=source_id, size=budget.concurrency, fetch_rows=source.fetch_rows, in_use=used.in_use, idle=idle,
        waiters=used.waiting, timeouts=used.unreachable, refused=used.refused, measured=last.pool if last else None,
    )  # fmt: skip
