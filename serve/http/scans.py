"""Routes of the scans group."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from actors.rulesets import queries as rulesets
from actors.scans import queries
from actors.scans.contract import (
    BeginScan,
    CancelScan,
    Level,
    PartitionState,
    PartitionView,
    PauseScan,
    PrioritiseScan,
    ResumeScan,
    RetryScan,
    Sampling,
    ScanRules,
    ScanView,
    StartScan,
)
from actors.sources import queries as sources
from cluster.context import Caller, new_id
from cluster.errors import Conflict
from cluster.kernels.report import AssetEvidence
from serve.http.doors import Access, Doors
from serve.http.identity import Writer, permitted
from serve.http.pages import After, AfterPart, Id, IdFilter, Limit, Page, page

router = APIRouter(tags=["scans"])
MayRead = Annotated[Caller, Depends(permitted("scans:read"))]


class ScanOrder(BaseModel):
    """What to scan of a source, and how."""

    model_config = ConfigDict(extra="forbid")

    ruleset: str = Field("default", min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._\-]*$")
    level: Level = Field("census", description="census: everything. sample: the share that the rule set names.")
    sampling: Sampling | None = Field(None, description="How much is read, in place of `level`.")
    priority: int = Field(5, ge=0, le=9, description="Of two scans the higher one is given workers first.")
    plan_only: bool = Field(False, description="Cut it into partitions only, to see what it will cost; then begin it.")
    assets: tuple[str, ...] = Field((), max_length=1000, description="Ids of assets; all that are there if empty.")


@router.post("/sources/{source_id}/scans", status_code=202, operation_id="start_scan", summary="Scan a source")
async def start(source_id: Id, body: ScanOrder, response: Response, doors: Access, caller: Writer) -> ScanView:
    """Starts a scan of what the last discovery found; follow `Location` or the events of the scan."""
    caller.require("scans:write")
    command = await run_in_threadpool(_composed, doors, source_id, body, f"{caller.principal}:{caller.operation_id}")
    # The key makes the command repeatable; its operation id must not, since the inventory may have changed meanwhile.
    view = await doors.send(command, caller.model_copy(update={"operation_id": new_id()}))
    if (view.source_id, view.sampling) != (source_id, command.sampling):
        raise Conflict("This Idempotency-Key was used for another request.", "Use a new key for a new request.")
    response.headers["Location"] = f"/api/v1/scans/{view.id}"
    return view


def _composed(doors: Doors, source_id: str, order: ScanOrder, key: str) -> StartScan:
    with doors.reading() as session:
        access = sources.access(session, source_id)
        rules = rulesets.current(session, order.ruleset)
        wanted = set(order.assets)
        present = [item for item in sources.present(session, source_id) if not wanted or item.asset_id in wanted]
    if not present:
        raise Conflict("The inventory holds nothing to scan.", "Discover the source first, or name other assets.")
    return StartScan(
        key=key,
        access=access,
        assets=tuple(item.info for item in present),
        rules=ScanRules(
            name=rules.name, version=rules.version, digest=rules.digest, spec=rules.spec, order=rules.order
        ),
        sampling=order.sampling or _sampling(order.level, rules.spec.sample_share),
        priority=order.priority,
        plan_only=order.plan_only,
    )


def _sampling(level: Level, share: float) -> Sampling:
    return Sampling() if level == "census" else Sampling(method="fraction", share=share)


@router.get("/scans", operation_id="list_scans", summary="List scans")
def list_all(
    doors: Access, caller: MayRead, source_id: IdFilter = None, after: After = None, limit: Limit = 50
) -> Page[ScanView]:
    """Scans, the newest first."""
    with doors.reading() as session:
        return page(queries.list_scans(session, source_id, after, limit + 1), limit, lambda scan: scan.id)


@router.get("/scans/{scan_id}", operation_id="get_scan", summary="Read a scan")
def get(scan_id: Id, doors: Access, caller: MayRead) -> ScanView:
    """How far the scan is, and what it could not read."""
    with doors.reading() as session:
        return queries.get_scan(session, scan_id)


@router.get("/scans/{scan_id}/partitions", operation_id="list_partitions", summary="List the parts of a scan")
def partitions(
    *,
    scan_id: Id,
    doors: Access,
    caller: MayRead,
    state: Annotated[PartitionState | None, Query()] = None,
    after: AfterPart = None,
    limit: Limit = 50,
) -> Page[PartitionView]:
    """The partitions with their states, attempts and problems."""
    with doors.reading() as session:
        found = queries.partitions(session, scan_id, state, after, limit + 1)
    return page(found, limit, lambda part: f"{part.asset_id}:{part.number}")


@router.get("/scans/{scan_id}/evidence", operation_id="get_scan_evidence", summary="Read what a scan learned")
def evidence(
    scan_id: Id, doors: Access, caller: MayRead, after: After = None, limit: Limit = 20
) -> Page[AssetEvidence]:
    """Profiles and evidence by asset: counts and shapes, never a value."""
    with doors.reading() as session:
        found = list(queries.evidence(session, scan_id, after, limit + 1))
    return page(found, limit, lambda evidence: evidence.asset)


@router.post("/scans/{scan_id}/begin", operation_id="begin_scan", summary="Begin a planned scan")
async def begin(scan_id: Id, doors: Access, caller: Writer) -> ScanView:
    """Reads what a scan with `plan_only` has planned."""
    return await doors.send(BeginScan(scan_id=scan_id), caller)


@router.post("/scans/{scan_id}/pause", operation_id="pause_scan", summary="Hold a scan")
async def pause(scan_id: Id, doors: Access, caller: Writer) -> ScanView:
    """No more partitions are begun; those under way are finished and count."""
    return await doors.send(PauseScan(scan_id=scan_id), caller)


@router.post("/scans/{scan_id}/resume", operation_id="resume_scan", summary="Let a paused scan go on")
async def resume(scan_id: Id, doors: Access, caller: Writer) -> ScanView:
    """Goes on where the scan was paused; nothing is read twice."""
    return await doors.send(ResumeScan(scan_id=scan_id), caller)


class Priority(BaseModel):
    """The priority of a scan."""

    model_config = ConfigDict(extra="forbid")

    priority: int = Field(ge=0, le=9, description="9 is given workers first, 0 last.")


@router.put("/scans/{scan_id}/priority", operation_id="prioritise_scan", summary="Change the priority of a scan")
async def prioritise(scan_id: Id, body: Priority, doors: Access, caller: Writer) -> ScanView:
    """Counts for the partitions that are begun from now on."""
    return await doors.send(PrioritiseScan(scan_id=scan_id, priority=body.priority), caller)


@router.post("/scans/{scan_id}/cancel", operation_id="cancel_scan", summary="Stop a scan")
async def cancel(scan_id: Id, doors: Access, caller: Writer) -> ScanView:
    """Nothing more is read; what was committed stays."""
    return await doors.send(CancelScan(scan_id=scan_id), caller)


@router.post("/scans/{scan_id}/retry", operation_id="retry_scan", summary="Try what failed once more")
async def retry(scan_id: Id, doors: Access, caller: Writer) -> ScanView:
    """Puts the failed and quarantined parts of an ended scan back to work."""
    return await doors.send(RetryScan(scan_id=scan_id), caller)
