"""Routes that say how the instance is: for load balancers, for Prometheus, and for people."""

from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text

from actors.catalog import queries as catalog
from cluster.context import Caller
from cluster.errors import SextantError, Unavailable
from cluster.events.feed import latest
from serve.http.doors import Access, Doors
from serve.http.identity import Reader, permitted
from serve.http.measure import CONTENT_TYPE
from serve.http.problems import TYPES, error_class, title_of

router = APIRouter(tags=["instance"])
MayMeasure = Annotated[Caller, Depends(permitted("metrics:read"))]


class Health(BaseModel):
    """`waiting` names the parts that do not answer."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok"] = "ok"
    waiting: tuple[str, ...] = ()


class GroupStatus(BaseModel):
    """A group's actor: which incarnation answers, if one does."""

    model_config = ConfigDict(frozen=True)

    group: str
    reachable: bool
    epoch: int | None = None


class InstanceStatus(BaseModel):
    """The instance as a whole. `last_event` is the highest number of the event log."""

    model_config = ConfigDict(frozen=True)

    version: str
    database: str
    groups: tuple[GroupStatus, ...]
    last_event: int
    catalog: dict[str, Any]


class ProblemType(BaseModel):
    """What the `type` of a problem document stands for."""

    model_config = ConfigDict(frozen=True)

    type: str
    code: str
    title: str
    status: int
    retryable: bool


@router.get("/health/live", operation_id="live", summary="Is the process there")
async def live() -> Health:
    """Answers as long as the replica serves requests. Needs no token."""
    return Health()


@router.get("/health/ready", operation_id="ready", summary="Can it work")
async def ready(doors: Access) -> Health:
    """200 if the database and every group's actor answer, else 503 naming those that do not. Needs no token."""
    await run_in_threadpool(_ping, doors)
    waiting = sorted(group for group, answer in (await doors.probe()).items() if not answer or not answer.get("epoch"))
    if waiting:
        raise Unavailable(f"Not ready: {', '.join(waiting)}.", "They start by themselves; try again in a moment.")
    return Health()


def _ping(doors: Doors) -> str:
    with doors.reading() as session:
        return str(session.execute(text("SHOW server_version")).scalar_one())


@router.get("/status", operation_id="get_status", summary="Read the state of the instance")
async def status(doors: Access, caller: Reader) -> InstanceStatus:
    """For any valid token: version, database, groups, and how much is in the catalog."""
    server, last, figures = await run_in_threadpool(_figures, doors)
    groups = tuple(
        GroupStatus(group=group, reachable=answer is not None, epoch=(answer or {}).get("epoch"))
        for group, answer in sorted((await doors.probe()).items())
    )
    return InstanceStatus(
        version=version("sextant"), database=f"PostgreSQL {server}", groups=groups, last_event=last, catalog=figures
    )


def _figures(doors: Doors) -> tuple[str, int, dict[str, Any]]:
    with doors.reading() as session:
        server = str(session.execute(text("SHOW server_version")).scalar_one())
        return server, latest(session), _catalog(session)


def _catalog(session: Any) -> dict[str, Any]:
    stats = catalog.stats(session)
    return stats.model_dump(mode="json") if isinstance(stats, BaseModel) else dict(stats)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Read the figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(doors: Access, caller: MayMeasure) -> Response:
    """Process and requests of the replica that answers, and counts of entities in the store.

    Needs a token with `metrics:read`: behind a proxy every client looks local, so an address proves nothing.
    """
    with doors.reading() as session:
        counts = {f"catalog_{name}": n for name, n in _catalog(session).items() if isinstance(n, int)}
        counts["events"] = latest(session)
    return Response(doors.measures.exposition(counts), media_type=CONTENT_TYPE)


@router.get(
    f"{TYPES.removeprefix('/api/v1')}{{code}}", operation_id="get_problem_type", summary="Explain a problem type"
)
async def problem_type(code: Annotated[str, Path(max_length=100, pattern=r"^[a-z\-]+$")]) -> ProblemType:
    """Where the `type` of a problem document leads. Needs no token."""
    found: type[SextantError] = error_class(code)
    return ProblemType(
        type=TYPES + code, code=code, title=title_of(found), status=found.status, retryable=found.retryable
    )
